/** What a framework asks of NCCL. */
export type Collective = 'all-gather' | 'reduce-scatter' | 'all-reduce' | 'all-to-all' | 'send';

/** One hop: bytes per second and GPU in one direction, seconds of latency. */
export interface Hop {
  readonly bytesPerSecond: number;
  readonly latencySeconds: number;
}

/** Where the ranks of a group sit: `perNode` of them behind each other on `nodes` nodes. */
export interface GroupPath {
  readonly ranks: number;
  readonly perNode: number;
  readonly nodes: number;
  readonly intra: Hop;
  /** Per GPU; the ranks of a group on one node drive that many shares of the node's network together. */
  readonly inter: Hop;
}

/** Cost of starting a collective, 15–25 µs with its launch; NCCL's src/graph/tuning.cc has 8.4 µs on the device alone. */
const LAUNCH_SECONDS = 20e-6;

/** Trees reach about 95 % of the link. */
const TREE_EFFICIENCY = 0.95;

/** Bytes each rank sends for one collective over `ranks` ranks on a tensor of `bytes` (the whole one, gathered or before the reduction). */
export function wireBytes(collective: Collective, bytes: number, ranks: number): number {
  if (ranks <= 1) return 0;
  const share = (ranks - 1) / ranks;
  switch (collective) {
    case 'all-gather':
    case 'reduce-scatter':
    case 'all-to-all':
      return bytes * share;
    case 'all-reduce':
      return 2 * bytes * share;
    case 'send':
      return bytes;
    default:
      return collective satisfies never;
  }
}

/**
 * Seconds of one collective by the alpha-beta model: ring or, for small all-reduces, tree.
 * A ring over several nodes enters a node once for all its members there, so it runs at the slower of the path inside and
 * the members' shares of the node's network together: the bus bandwidth of the whole node path.
 */
export function collectiveSeconds(collective: Collective, bytes: number, path: GroupPath): number {
  const { ranks } = path;
  if (ranks <= 1 || bytes <= 0) return 0;
  switch (collective) {
    case 'all-gather':
    case 'reduce-scatter':
      return LAUNCH_SECONDS + ringLatency(path) + ringSeconds(bytes, path);
    case 'all-to-all':
      return LAUNCH_SECONDS + ringLatency(path) + exchangeSeconds(bytes, path);
    case 'all-reduce':
      return LAUNCH_SECONDS + Math.min(2 * (ringLatency(path) + ringSeconds(bytes, path)), treeSeconds(bytes, path));
    case 'send': {
      const hop = path.nodes > 1 ? path.inter : path.intra;
      return LAUNCH_SECONDS + hop.latencySeconds + bytes / hop.bytesPerSecond;
    }
    default:
      return collective satisfies never;
  }
}

/**
 * Of the bytes one rank sends, those that leave its node. A ring leaves a node once for all of the group's ranks there, so each of
 * them bears its share; an exchange of all with all goes to every other rank in equal parts; a send to the next stage leaves whole.
 */
export function bytesBetweenNodes(collective: Collective, sent: number, { ranks, perNode, nodes }: GroupPath): number {
  if (nodes <= 1) return 0;
  if (collective === 'send') return sent;
  if (collective === 'all-to-all') return (sent * (ranks - perNode)) / Math.max(1, ranks - 1);
  return sent / Math.max(1, perNode);
}

/** Every rank sends to every other: what goes to other nodes takes its own share of the network, what stays inside runs beside it. */
function exchangeSeconds(bytes: number, path: GroupPath): number {
  const sent = wireBytes('all-to-all', bytes, path.ranks);
  const between = bytesBetweenNodes('all-to-all', sent, path);
  const outside = between > 0 ? between / path.inter.bytesPerSecond : 0;
  const inside = sent > between ? (sent - between) / path.intra.bytesPerSecond : 0;
  return Math.max(outside, inside);
}

function ringLatency({ perNode, nodes, intra, inter }: GroupPath): number {
  return (perNode - 1) * intra.latencySeconds + (nodes - 1) * inter.latencySeconds;
}

function ringSeconds(bytes: number, { ranks, perNode, nodes, intra, inter }: GroupPath): number {
  return (bytes * (ranks - 1)) / ranks / busRate({ perNode, nodes, intra, inter });
}

/** Bus bandwidth of the whole ring, bytes/s: its slowest hop. Infinite for one rank. */
export function busRate({ perNode, nodes, intra, inter }: Omit<GroupPath, 'ranks'>): number {
  const inside = perNode > 1 ? intra.bytesPerSecond : Number.POSITIVE_INFINITY;
  const between = nodes > 1 ? perNode * inter.bytesPerSecond : Number.POSITIVE_INFINITY;
  return Math.min(inside, between);
}

function treeSeconds(bytes: number, { perNode, nodes, intra, inter }: GroupPath): number {
  const latency =
    2 * (Math.ceil(Math.log2(perNode)) * intra.latencySeconds + Math.ceil(Math.log2(nodes)) * inter.latencySeconds);
  return latency + (2 * bytes) / (busRate({ perNode, nodes, intra, inter }) * TREE_EFFICIENCY);
}
