import type { HardwareCatalog, HardwareMatch } from '../catalogs';
import { formatGib } from '../text/format';
import { sliceOf } from './accelerator';
import type { Accelerator, Cluster, LinkKind, Meanings } from './hardware';
import { linkShare } from './mesh';
import type { CpuRecord, InstanceRecord, Transport } from './records';

const GIB = 2 ** 30;
const GIGA = 1e9;
/** Gbps to bytes per second. */
export const GBPS = 1e9 / 8;

/** One machine as far as it is known, before it is said which part of it a run uses. */
export interface NodeShape {
  readonly id: string;
  readonly instanceId: string | undefined;
  readonly accelerator: Accelerator;
  readonly meanings?: Meanings | undefined;
  readonly gpus: number;
  readonly inside: {
    readonly path: LinkKind;
    /** One GPU's links inside the node, one direction; undefined for PCIe, where the slot decides. */
    readonly bytesPerSecond: number | undefined;
    /** Largest group on a link fit for tensor parallelism. */
    readonly domain: number;
    readonly rackDomain: number | undefined;
    readonly beyondPair: LinkKind;
    /** `record`: the catalog knows this machine; `board`: as on the usual board; `open`: bridge or peer-to-peer may be there. */
    readonly certainty: 'record' | 'board' | 'open';
  };
  readonly between: {
    readonly transport: Transport;
    readonly nics: number | undefined;
    /** All cards of the node together, one direction. */
    readonly bytesPerSecond: number | undefined;
    readonly known: boolean;
    readonly efaGeneration: string | undefined;
    /** Nobody confirms how the cards reach the accelerators: the transport is the slower of what could be. */
    readonly isUnconfirmed?: boolean | undefined;
  };
  readonly host: NodeHost;
  readonly pricePerNodeHour: Cluster['pricePerNodeHour'];
  readonly assumptions: readonly string[];
  readonly sources: readonly string[];
}

export interface NodeHost {
  readonly memoryBytes: number | undefined;
  readonly vcpus: number | undefined;
  readonly cpu: CpuRecord | undefined;
  readonly cpuName: string | undefined;
  readonly arch: 'x86_64' | 'arm64' | undefined;
  readonly sockets: number | undefined;
  readonly pcieGeneration: number;
  readonly pcieLanes: number;
  readonly gpusPerUplink: number;
  readonly nvme:
    | {
        readonly bytes: number | undefined;
        readonly read: number | undefined;
        readonly write: number | undefined;
        readonly measured: boolean;
      }
    | undefined;
}

/** The node of a catalog instance, or why a training run cannot use it. */
export function nodeOfInstance(
  record: InstanceRecord,
  catalog: HardwareCatalog,
): { readonly node: NodeShape } | { readonly problem: string } {
  const whole = record.accelerator === undefined ? undefined : catalog.accelerator(record.accelerator);
  if (whole === undefined)
    return { problem: `${record.id} has no accelerator that training frameworks use (${record.role}).` };
  const count = record.accelerator_count ?? 1;
  const accelerator = count < 1 ? sliceOf(whole, count) : whole;
  const inside = record.intra_node;
  const gigabytes = inside.unidirectional_gb_s;
  return {
    node: {
      id: record.id,
      instanceId: record.id,
      accelerator,
      gpus: Math.max(1, Math.floor(count)),
      inside: {
        path: inside.path,
        bytesPerSecond: gigabytes === undefined ? accelerator.link.bytesPerSecond : gigabytes * GIGA,
        domain: Math.max(1, inside.tp_domain),
        rackDomain: inside.tp_domain_with_imex,
        beyondPair: inside.beyond_pair ?? 'shm',
        certainty: 'record',
      },
      between: betweenOf(record),
      host: hostOf(record, catalog),
      pricePerNodeHour: priceOf(record),
      assumptions: instanceAssumptions(record),
      sources: record.sources,
    },
  };
}

/** A node of which only the accelerator is known: links as on the boards it is sold on, the rest assumed low and said. */
export function nodeOfAccelerator(match: HardwareMatch & { accelerator: Accelerator }, gpus: number): NodeShape {
  const { accelerator, others } = match;
  const { link } = accelerator;
  // Hosts are often one PCIe generation behind the device (p5: Gen5 GPU, Gen4 host).
  const generation = Math.min(accelerator.pcieGeneration ?? 4, 4);
  const assumptions = [
    `Only the accelerator is named: ${gpus} × ${accelerator.name} per node, host memory and CPU not known`,
    `PCIe Gen${generation} x16 to the host assumed`,
  ];
  const inside = usualPath(accelerator, gpus);
  if (gpus > 1 && inside.certainty === 'board')
    assumptions.push(`GPUs joined as on the usual board for ${accelerator.formFactor}`);
  if (others.length > 0) assumptions.push(`Taken as ${accelerator.id}; it could also mean ${others.join(', ')}`);
  return {
    id: accelerator.id,
    instanceId: undefined,
    accelerator,
    meanings: meaningsOf([accelerator, ...(match.otherAccelerators ?? [])]),
    gpus,
    inside: {
      ...inside,
      // Fewer GPUs than a cube mesh has use a part of their links; other boards are made for their number.
      bytesPerSecond:
        link.path === 'nvlink-mesh' && link.bytesPerSecond !== undefined && gpus > 1
          ? link.bytesPerSecond * linkShare(gpus, gpus, link.generation)
          : link.bytesPerSecond,
      domain: Math.min(gpus, link.maxDomain),
      rackDomain: link.path === 'nvlink-rack' ? link.maxDomain : undefined,
      beyondPair: 'shm',
    },
    between: { transport: 'tcp', nics: undefined, bytesPerSecond: undefined, known: false, efaGeneration: undefined },
    host: {
      memoryBytes: undefined,
      vcpus: undefined,
      cpu: undefined,
      cpuName: undefined,
      arch: undefined,
      sockets: undefined,
      pcieGeneration: generation,
      pcieLanes: 16,
      gpusPerUplink: 1,
      nvme: undefined,
    },
    pricePerNodeHour: undefined,
    assumptions,
    sources: accelerator.sources,
  };
}

/** Undefined where all have the same memory, so that they decide alike. */
function meaningsOf(accelerators: readonly Accelerator[]): Meanings | undefined {
  const sorted = accelerators.toSorted((a, b) => a.memoryBytes - b.memoryBytes);
  const sizes = new Set(sorted.map(sizeOf));
  if (sizes.size < 2) return undefined;
  const family = sorted[0]?.id.split('-')[1]?.toUpperCase() ?? 'the name';
  return {
    words: `${family} could be ${[...sizes].join(' or ')}`,
    memoryBytes: [...new Set(sorted.map(({ memoryBytes }) => memoryBytes))],
  };
}

/** As the vendor sells it, where the id says it: `80 GB`. */
function sizeOf({ id, memoryBytes }: Accelerator): string {
  const sold = /-(\d+)gb$/.exec(id)?.[1];
  return sold === undefined ? formatGib(memoryBytes) : `${sold} GB`;
}

/**
 * What joins GPUs of an unknown machine. SXM boards, racks and meshes come with their links; a bridge between PCIe cards is
 * an extra, and peer-to-peer over PCIe depends on the machine, so neither is assumed.
 */
function usualPath({ link, supports }: Accelerator, gpus: number): Pick<NodeShape['inside'], 'path' | 'certainty'> {
  if (gpus === 1) return { path: 'none', certainty: 'board' };
  if (link.path === 'nvlink-bridge') return { path: 'shm', certainty: 'open' };
  return { path: link.path, certainty: link.path === 'shm' && supports.gpudirect_p2p !== false ? 'open' : 'board' };
}

function betweenOf(record: InstanceRecord): NodeShape['between'] {
  const { transport } = record.between_nodes;
  const { efa, fabric } = record;
  const total = record.network_gbps === undefined ? undefined : record.network_gbps * GBPS;
  const efaGeneration = efa?.generation ?? undefined;
  if (efa !== undefined) {
    const isUnconfirmed = typeof efa.gpudirect_rdma !== 'boolean';
    const nics = efa.interfaces ?? undefined;
    return { transport, nics, bytesPerSecond: total, known: true, efaGeneration, isUnconfirmed };
  }
  if (fabric !== undefined) {
    const bytesPerSecond = fabric.nics * fabric.gbps_per_nic * GBPS;
    return { transport, nics: fabric.nics, bytesPerSecond, known: true, efaGeneration };
  }
  return { transport, nics: 1, bytesPerSecond: total, known: total !== undefined, efaGeneration };
}

function hostOf(record: InstanceRecord, catalog: HardwareCatalog): NodeHost {
  const cpu = record.cpu_id === undefined ? undefined : catalog.cpu(record.cpu_id);
  const drives = catalog.drives(record.id);
  const nvmeBytes = record.local_nvme?.reduce((sum, { count, size_gb }) => sum + count * size_gb * GIGA, 0);
  const varies = record.host_varies === true;
  return {
    memoryBytes: varies ? undefined : record.host_memory_gib * GIB,
    vcpus: varies ? undefined : record.vcpu,
    cpu,
    cpuName: record.cpu ?? cpu?.name,
    arch: record.cpu_arch === 'arm64' ? 'arm64' : record.cpu_arch === 'x86_64' ? 'x86_64' : undefined,
    sockets: record.sockets,
    pcieGeneration: record.host_pcie_gen,
    pcieLanes: record.pcie_lanes ?? 16,
    gpusPerUplink: record.gpus_per_pcie_uplink ?? 1,
    nvme:
      nvmeBytes === undefined
        ? undefined
        : {
            bytes: nvmeBytes,
            read: drives === undefined ? undefined : drives.read_gb_s * GIGA,
            write: drives === undefined ? undefined : drives.write_gb_s * GIGA,
            measured: drives?.measured === true,
          },
  };
}

function priceOf(record: InstanceRecord): NodeShape['pricePerNodeHour'] {
  const price = record.price_on_demand;
  return price === undefined ? undefined : { usd: price.usd_per_hour, asOf: price.as_of, region: price.region };
}

function instanceAssumptions(record: InstanceRecord): readonly string[] {
  const found: string[] = [];
  if (record.role !== 'training') found.push(`${record.id} is listed as ${record.role}`);
  if (record.host_varies === true) found.push(`Host memory and CPU of ${record.id} differ from host to host`);
  if (record.hosts !== undefined && record.hosts > 1)
    found.push(`${record.id} is ${record.hosts} machines joined by one accelerator fabric, counted as one node`);
  if (record.efa !== undefined && typeof record.efa.gpudirect_rdma !== 'boolean')
    found.push(`GPUDirect RDMA of ${record.id} not confirmed: counted without`);
  if (record.confidence === 'low') found.push(`The catalog's record of ${record.id} is incomplete or unconfirmed`);
  return found;
}
