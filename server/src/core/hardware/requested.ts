import type { ClusterDescription } from './description';
import type { LinkKind } from './hardware';
import type { NodeShape } from './node';

/** How many GPUs of a machine one node of the run uses, and how many nodes share the machine. */
export interface Extent {
  readonly nodes: number;
  readonly gpus: number;
  readonly perMachine: number;
}

/** Why the machine cannot be used as described; undefined where it can. */
export function whyImpossible(
  node: NodeShape,
  said: ClusterDescription,
  { gpus, perMachine }: Extent,
): string | undefined {
  const one = node.accelerator.coresPerChip === undefined ? 'GPU' : 'NeuronCore';
  const has = `${node.id} has ${node.gpus} ${node.gpus === 1 ? one : `${one}s`} per node`;
  if (perMachine > 1 && gpus * perMachine > node.gpus)
    return `${has}, which is not enough for ${perMachine} nodes of ${gpus} GPUs on one machine.`;
  if (gpus > node.gpus) return `${has}, not ${gpus}.`;
  const nics = node.between.nics;
  const asked = said.between.nicsPerNode ?? (said.between.nicsPerProcess ?? 0) * gpus;
  if (node.instanceId !== undefined && nics !== undefined && asked * perMachine > nics && said.node === undefined)
    return `${node.id} has ${nics} network cards, not ${asked * perMachine}.`;
  const wantsGdr = said.between.transport === 'efa-gdr' && node.between.transport === 'efa';
  if (wantsGdr) return `${node.id} has no GPUDirect RDMA; its transport is efa.`;
  const wantsEfa = said.between.transport === 'efa' || said.between.transport === 'efa-gdr';
  if (wantsEfa && node.instanceId !== undefined && !node.between.transport.startsWith('efa'))
    return `${node.id} has no EFA; its transport is ${node.between.transport}.`;
  if (said.between.transport === 'nvlink' && node.inside.rackDomain === undefined)
    return `${node.id} is in no NVLink rack, so its nodes cannot reach each other over NVLink.`;
  return undefined;
}

/** The path inside the node: what the description says, if the hardware has it. */
export function insidePath(
  node: NodeShape,
  said: ClusterDescription,
  assumptions: string[],
): LinkKind | { readonly problem: string } {
  const asked = said.inside.path;
  const own = node.inside.path;
  if (asked === undefined) return own;
  if (asked === 'shm') return 'shm';
  if (asked === 'pcie-p2p') {
    if (node.accelerator.supports.gpudirect_p2p === false)
      assumptions.push(`PCIe peer-to-peer as described, although ${node.accelerator.name} has none from the vendor`);
    return 'pcie-p2p';
  }
  const board = own.startsWith('nvlink') || own === 'xgmi' ? own : node.accelerator.link.path;
  if (board.startsWith(asked)) return board;
  const wanted = asked === 'nvlink' ? 'NVLink' : 'xGMI';
  return {
    problem: `${node.accelerator.name} in ${node.id} has no ${wanted}; the path inside can be pcie-p2p or shm.`,
  };
}

/** The network between nodes as one node uses it. */
export interface Cards {
  readonly transport: NodeShape['between']['transport'];
  readonly nics: number | undefined;
  readonly wire: number | undefined;
  readonly measured: number | undefined;
  readonly known: boolean;
}

/** The network cards that one node uses: as described, else its share of the machine's. */
export function cardsUsed(
  node: NodeShape,
  said: ClusterDescription,
  { nodes, gpus, perMachine }: Extent,
  assumptions: string[],
): Cards {
  const { between } = said;
  const total = node.between.nics;
  const perCard =
    between.bytesPerSecondPerNic ??
    (node.between.bytesPerSecond === undefined ? undefined : node.between.bytesPerSecond / (total ?? 1));
  const asked =
    between.nicsPerNode ?? (between.nicsPerProcess === undefined ? undefined : between.nicsPerProcess * gpus);
  // NCCL takes the cards near the GPUs it uses, so a part of the GPUs gets its part of the cards.
  const share = total === undefined ? undefined : Math.max(1, Math.floor((total * gpus) / node.gpus));
  const nics = asked ?? (between.bytesPerSecondPerNic === undefined || total !== undefined ? share : 1);
  if (nodes > 1 && asked === undefined && total !== undefined && nics !== undefined && nics < total && perMachine === 1)
    assumptions.push(`${nics} of ${total} network cards used, as ${gpus} of ${node.gpus} GPUs are`);
  const transport = between.transport ?? node.between.transport;
  if (nodes > 1 && node.inside.rackDomain !== undefined && transport !== 'nvlink' && node.instanceId !== undefined)
    assumptions.push(
      'Nodes of the NVLink rack joined by the network: IMEX not assumed (`transport: nvlink` says it is set up)',
    );
  return {
    transport,
    nics,
    wire: nics === undefined ? shareOfNetwork(node, gpus) : perCard === undefined ? undefined : perCard * nics,
    measured: between.measured,
    known: perCard !== undefined,
  };
}

/** For a node whose cards are not counted: the part of its network that goes with the used GPUs. */
function shareOfNetwork(node: NodeShape, gpus: number): number | undefined {
  const all = node.between.bytesPerSecond;
  return all === undefined ? undefined : (all * gpus) / node.gpus;
}
