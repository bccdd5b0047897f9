import type { HardwareCatalog } from '../catalogs';
import type { Host } from './hardware';
import { slotRate } from './links';
import type { NodeShape } from './node';
import type { CopyRecord } from './records';

const GIGA = 1e9;

/**
 * The host as one node of the run sees it: its share where several nodes (pods) run on one machine. `gpus` GPUs of each
 * node are used.
 */
export function hostOfNode(node: NodeShape, gpus: number, nodesPerMachine: number, catalog: HardwareCatalog): Host {
  const { host } = node;
  const share = <T extends number | undefined>(value: T): number | undefined =>
    value === undefined ? undefined : value / nodesPerMachine;
  return {
    memoryBytes: share(host.memoryBytes),
    vcpus: host.vcpus === undefined ? undefined : Math.max(1, Math.floor(host.vcpus / nodesPerMachine)),
    cpuName: host.cpuName,
    arch: host.arch,
    sockets: host.sockets,
    memoryBytesPerSecondPerSocket:
      host.cpu === undefined ? undefined : host.cpu.memory_bandwidth_gb_s_per_socket * GIGA,
    coresPerSocket: host.cpu?.cores_per_socket,
    simd: host.cpu?.cpu_adam.simd ?? (host.arch === 'arm64' ? 'scalar' : undefined),
    ...hostLink(node, gpus * nodesPerMachine, catalog),
    nvmeBytes: share(host.nvme?.bytes),
    nvmeReadBytesPerSecond: share(host.nvme?.read),
    nvmeWriteBytesPerSecond: share(host.nvme?.write),
    nvmeMeasured: host.nvme?.measured === true,
  };
}

type HostLink = Pick<
  Host,
  'pcieBytesPerSecondPerGpu' | 'copyBytesPerSecondPerGpu' | 'copyLow' | 'copyHigh' | 'pcieLabel'
>;

/** Copies between host and GPU, with the GPUs behind one uplink taking turns. `busy` GPUs of the machine are used. */
function hostLink(node: NodeShape, busy: number, catalog: HardwareCatalog): HostLink {
  const c2c = node.accelerator.hostLinkBytesPerSecond;
  const sharing = c2c === undefined ? Math.min(node.host.gpusPerUplink, Math.max(1, busy)) : 1;
  const wire = c2c ?? slotRate(node);
  const record = copyRecord(catalog, c2c !== undefined, wire);
  const scale = record === undefined ? 1 : wire / (record.wire_gb_s * GIGA);
  const pinned = record === undefined ? wire * 0.7 : (record.pinned_gb_s * GIGA * scale) / sharing;
  const perTensor = (gigabytes: number): number => Math.min(gigabytes * GIGA, pinned);
  return {
    pcieBytesPerSecondPerGpu: pinned,
    copyBytesPerSecondPerGpu: perTensor(record?.per_tensor_gb_s ?? 10),
    copyLow: perTensor(record?.per_tensor_low_gb_s ?? 5),
    copyHigh: perTensor(record?.per_tensor_high_gb_s ?? 14),
    pcieLabel: label(node, c2c, sharing),
  };
}

/** The record whose wire is nearest to this one; lanes fewer than 16 scale it down. */
function copyRecord(catalog: HardwareCatalog, c2c: boolean, wire: number): CopyRecord | undefined {
  const distance = (record: CopyRecord): number => Math.abs(Math.log((record.wire_gb_s * GIGA) / wire));
  return catalog
    .copies()
    .filter((record) => (record.link === 'c2c') === c2c)
    .reduce<CopyRecord | undefined>(
      (best, record) => (best === undefined || distance(record) < distance(best) ? record : best),
      undefined,
    );
}

function label(node: NodeShape, c2c: number | undefined, sharing: number): string {
  if (c2c !== undefined) return `NVLink-C2C ${Math.round(c2c / GIGA)} GB/s`;
  const generation = Math.min(node.host.pcieGeneration, node.accelerator.pcieGeneration ?? node.host.pcieGeneration);
  const slot = `PCIe Gen${generation} x${node.host.pcieLanes}`;
  return sharing === 1 ? slot : `${slot}, shared by ${sharing} GPUs`;
}
