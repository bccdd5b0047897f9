import type { HardwareCatalog } from '../../catalogs';
import type { Accelerator } from '../hardware';
import type { Facts } from './facts';

/** The accelerator of a product name; where a name is sold in several sizes, the memory decides. */
export interface Identified {
  readonly accelerator: Accelerator | undefined;
  /** Ids that the name could mean as well; empty where the memory told them apart. */
  readonly others: readonly string[];
  readonly nearest: readonly string[];
}

/** Looks up the name that a vendor's tool prints (`NVIDIA A100-SXM4-40GB`, `AMD Instinct MI300X OAM`, `NVIDIA A100-SXM...`). */
export function identify(name: string, memoryMiB: number | undefined, catalog: HardwareCatalog): Identified {
  const short = name.replace(/\.\.\.$/, '').trim();
  if (short.startsWith('PCI device ')) return { accelerator: undefined, others: [], nearest: [] };
  const match = catalog.resolve(short) ?? catalog.resolve(short.replace(/ (OAM|SXM\d?|PCIe|AC)$/i, ''));
  if (!match?.accelerator) return { accelerator: undefined, others: [], nearest: catalog.nearest(short, 3) };
  const all = [match.accelerator, ...match.others.flatMap((id) => catalog.accelerator(id) ?? [])];
  if (memoryMiB === undefined) return { accelerator: all[0], others: match.others, nearest: [] };
  const fitting = all.filter((it) => closeTo(it.memoryBytes, memoryMiB * 2 ** 20));
  // A name of the catalog with another memory is another card (96 GiB of an H20, a cut-down export version).
  if (fitting.length === 0) return { accelerator: undefined, others: [], nearest: all.map(({ id }) => id).slice(0, 3) };
  return { accelerator: fitting[0], others: fitting.slice(1).map(({ id }) => id), nearest: [] };
}

/** Frameworks see 0.3 to 1.2 GiB less than the driver; editions of a card differ by a tenth at least. */
function closeTo(seen: number, total: number): boolean {
  return Math.abs(seen - total) < 0.07 * total;
}

/** Bandwidth of one NVLink and direction, GB/s, by generation: the vendor's figure and what NCCL counts (graph/topo.h). */
const PER_LINK: Readonly<Record<number, { readonly wire: number; readonly nccl: number }>> = {
  1: { wire: 20, nccl: 18 },
  2: { wire: 25, nccl: 20 },
  3: { wire: 25, nccl: 20 },
  4: { wire: 25, nccl: 20.6 },
  5: { wire: 50, nccl: 40.1 },
};

/** Compute capability 8.6: four slower links. */
const PER_LINK_SM86 = { wire: 14.0625, nccl: 12 };

/** Accelerators whose links are those that were seen; undefined where nothing that was read narrows them down. */
export function candidates(
  { link, computeCapability, architecture }: Facts,
  catalog: HardwareCatalog,
): readonly Accelerator[] | undefined {
  const seen = link?.value;
  const all = catalog.accelerators().filter(({ role }) => role === 'training');
  if (architecture) return all.filter((it) => it.architecture === architecture.value);
  const byChip = computeCapability ? all.filter((it) => it.computeCapability === computeCapability.value) : all;
  // RCCL counts 24 or 48 GB/s for a link of several generations each.
  if (seen?.wiring.startsWith('xgmi')) return undefined;
  if (seen?.links === undefined && seen?.modelGBps === undefined) return computeCapability ? byChip : undefined;
  return byChip.filter((it) => {
    const generation = it.link.generation;
    const per =
      it.computeCapability === '8.6' ? PER_LINK_SM86 : generation === undefined ? undefined : PER_LINK[generation];
    if (!per || it.link.bytesPerSecond === undefined) return false;
    const count = it.link.bytesPerSecond / 1e9 / per.wire;
    const model = seen.links === undefined ? seen.modelGBps : seen.links * per.nccl;
    const switched = it.link.path === 'nvlink-switch' || it.link.path === 'nvlink-rack';
    return Math.abs((model ?? 0) - count * per.nccl) < 1 && (switched || !seen.switched);
  });
}
