import type { InsidePath } from '../description';
import type { Accelerator } from '../hardware';
import type { Fact, Facts, Origin } from './facts';

/** The path inside a node with the words that show it, or why it is not known. */
export type FoundPath =
  | { readonly path: InsidePath; readonly origin: Origin; readonly because?: string }
  | { readonly unknown: string };

/**
 * What carries bytes between the GPUs of a node. A channel of a log proves it; a board's wiring tells it where NCCL has no
 * choice: without NVLink it takes peer-to-peer only as far as one PCIe switch reaches, and host memory beyond
 * (NCCL graph/paths.cc, ncclTopoCheckP2p).
 */
export function insideOf(facts: Facts, accelerator: Accelerator | undefined): FoundPath | undefined {
  const gpus = facts.gpusPerNode?.value ?? facts.gpusInMachine?.value;
  if (gpus === 1) return undefined;
  const { inside, link } = facts;
  const wiring = link?.value.wiring;
  const fabric = wiring?.startsWith('nvlink') ? 'nvlink' : wiring?.startsWith('xgmi') ? 'xgmi' : undefined;
  const pairs = wiring === 'nvlink-pairs' || wiring === 'xgmi-pairs';
  if (inside?.value === 'shm' && !(fabric && pairs)) return { path: 'shm', origin: inside.origin };
  if (inside?.value === 'p2p' && link && !fabric) return { path: 'pcie-p2p', origin: inside.origin };
  if (fabric && link) return { path: fabric, origin: link.origin };
  const board = accelerator?.link.path;
  // Peer-to-peer on a board with NVSwitch goes over it: the machine's usual path.
  if (inside?.value === 'p2p' && (board === 'nvlink-switch' || board === 'nvlink-rack')) return undefined;
  if (inside?.value === 'p2p')
    return {
      unknown: 'the log shows peer-to-peer, not whether over NVLink or PCIe (NCCL_DEBUG_SUBSYS=INIT,GRAPH tells)',
    };
  if (!link && facts.peerToPeer?.value === false) return { path: 'shm', origin: facts.peerToPeer.origin };
  return link
    ? withoutFabric(facts, link, accelerator)
    : { unknown: 'nothing that was read says how the GPUs are joined' };
}

function withoutFabric(
  { peerToPeer, cpuVendor, gpusInMachine }: Facts,
  link: Fact<{ readonly wiring: string }>,
  accelerator: Accelerator | undefined,
): FoundPath {
  const { origin } = link;
  if (peerToPeer?.value === false) return { path: 'shm', origin: peerToPeer.origin };
  if (accelerator?.supports.gpudirect_p2p === false)
    return { path: 'shm', origin, because: `${accelerator.name} has no peer-to-peer from the vendor` };
  if (link.value.wiring === 'pcie-switch') {
    if (peerToPeer) return { path: 'pcie-p2p', origin: peerToPeer.origin };
    return {
      unknown: 'the GPUs share a PCIe switch; `nvidia-smi topo -p2p r` or an NCCL log tells whether peer-to-peer works',
    };
  }
  // On AMD hosts with at most two GPUs NCCL goes through the host bridge as well.
  if ((gpusInMachine?.value ?? 3) <= 2 && cpuVendor?.value !== 'Intel')
    return { unknown: 'two GPUs on different slots: an NCCL log tells whether it takes peer-to-peer or host memory' };
  return { path: 'shm', origin, because: 'NCCL takes peer-to-peer over PCIe only below one switch' };
}
