import type { HardwareCatalog } from '../../catalogs';
import type { Accelerator } from '../hardware';
import type { InstanceRecord } from '../records';
import type { Facts } from './facts';

/** A machine of the catalog that what was read would fit: a suggestion, not a fact. */
export interface Likeness {
  readonly id: string;
  readonly agrees: readonly string[];
  readonly differs: readonly string[];
}

/** Evidence apart from the accelerator without which a machine is not suggested; more where the accelerator is not known. */
const LEAST_AGREEMENT = { known: 2, open: 3 };
const MOST = 3;

const NETWORKS = { infiniband: 'InfiniBand', roce: 'RoCE' } as const;

/** Machines of the catalog that agree best, at most three; none where too little was read to tell machines apart. */
export function looksLike(
  facts: Facts,
  accelerators: readonly Accelerator[] | undefined,
  catalog: HardwareCatalog,
): readonly Likeness[] {
  const ids = accelerators && new Set(accelerators.map(({ id }) => id));
  const found = catalog.instanceIds().flatMap((id) => {
    const record = catalog.instance(id);
    if (record?.role !== 'training' || (ids && !ids.has(record.accelerator ?? ''))) return [];
    // What the tools here call a GPU is none of these.
    if (!ids && record.intra_node.path === 'neuronlink') return [];
    const likeness = compare(record, facts);
    return likeness && likeness.agrees.length - likeness.differs.length >= LEAST_AGREEMENT[ids ? 'known' : 'open']
      ? [likeness]
      : [];
  });
  const score = ({ agrees, differs }: Likeness): number => agrees.length - 2 * differs.length;
  const best = Math.max(...found.map(score));
  return found.filter((it) => score(it) === best).slice(0, MOST);
}

function compare(record: InstanceRecord, facts: Facts): Likeness | undefined {
  const agrees: string[] = [];
  const differs: string[] = [];
  const count = record.accelerator_count ?? 1;
  const { gpusInMachine, gpusPerNode, transport, cpuVendor, link } = facts;
  if (gpusInMachine ? gpusInMachine.value !== count : (gpusPerNode?.value ?? 1) > count) return undefined;
  if (gpusInMachine) agrees.push(`${count} GPUs`);
  const vendor = vendorOf(record);
  if (cpuVendor && vendor && vendor !== cpuVendor.value) return undefined;
  if (cpuVendor && vendor) agrees.push(`${vendor} CPU`);
  const isEfa = record.between_nodes.transport.startsWith('efa');
  if (transport?.value.startsWith('efa') && !isEfa) return undefined;
  if (transport?.value.startsWith('efa')) agrees.push('EFA');
  const fabric = record.between_nodes.transport;
  const seen = transport?.value;
  if ((seen === 'infiniband' || seen === 'roce') && (fabric === 'infiniband' || fabric === 'roce')) {
    if (seen === fabric) agrees.push(NETWORKS[seen]);
    else differs.push(`${NETWORKS[fabric]}, not ${NETWORKS[seen]}`);
  }
  const wiring = link?.value.wiring;
  if (wiring && !wiringFits(record, wiring)) return undefined;
  judge('network cards', facts.nics?.value, record.efa?.interfaces ?? record.fabric?.nics, (a, b) => a === b);
  judge('vCPUs', facts.vcpus?.value, record.host_varies ? undefined : record.vcpu, (a, b) => a === b);
  // The kernel keeps a few per cent of the memory for itself.
  const fits = (seen: number, sold: number) => seen <= sold * 1.001 && seen >= sold * 0.9;
  judge(
    'GiB of host memory',
    facts.hostMemoryGiB?.value,
    record.host_varies ? undefined : record.host_memory_gib,
    fits,
  );
  return { id: record.id, agrees, differs };

  function judge(
    what: string,
    seen: number | undefined,
    known: number | null | undefined,
    same: (seen: number, known: number) => boolean,
  ): void {
    if (seen === undefined || known === undefined || known === null) return;
    if (same(seen, known)) agrees.push(`${known} ${what}`);
    else differs.push(`${known} ${what}, not ${seen}`);
  }
}

function vendorOf({ cpu_id: cpu, cpu_arch: arch }: InstanceRecord): string | undefined {
  if (arch === 'arm64' || cpu === 'grace') return 'Arm';
  if (cpu?.startsWith('xeon')) return 'Intel';
  return cpu?.startsWith('epyc') || cpu?.startsWith('threadripper') ? 'AMD' : undefined;
}

function wiringFits({ intra_node: inside }: InstanceRecord, wiring: string): boolean {
  if (wiring.startsWith('nvlink')) return inside.path.startsWith('nvlink');
  if (wiring.startsWith('xgmi')) return inside.path === 'xgmi';
  return !inside.path.startsWith('nvlink-switch') && inside.path !== 'nvlink-rack' && inside.path !== 'xgmi';
}
