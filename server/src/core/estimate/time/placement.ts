import { groupLink } from '../../hardware/group-link';
import type { Cluster, Link } from '../../hardware/hardware';
import type { GroupPath } from './collectives';
import type { TimeFacts } from './facts';

export type Dimension = 'tensor' | 'pipeline' | 'context' | 'expert' | 'data' | 'shard';

/** A process group on the cluster: which link it has to use. */
export interface Placement {
  readonly dimension: Dimension;
  readonly path: GroupPath;
  readonly crossesNodes: boolean;
  /** The link that decides. */
  readonly link: Link;
  /** Inside a node, but wider than the fast link reaches (a bridge joins two GPUs only). */
  readonly beyondDomain: boolean;
}

/** What placing a group depends on. */
export type Dimensions = Pick<TimeFacts, 'tensor' | 'context' | 'data' | 'shard' | 'gpusPerNode' | 'cluster'>;

/**
 * Places a group of `ranks` as Megatron, torch device meshes and DeepSpeed order them: tensor innermost, then context,
 * then shards, then replicas, pipeline stages outermost. Neighbours in an inner dimension sit on the same node.
 */
export function place(facts: Dimensions, dimension: Dimension, ranks: number): Placement {
  return placeStrided(facts.cluster, facts.gpusPerNode, dimension, ranks, strideOf(facts, dimension));
}

function strideOf({ tensor, context, data, shard }: Dimensions, dimension: Dimension): number {
  switch (dimension) {
    case 'tensor':
      return 1;
    case 'context':
      return tensor;
    case 'expert':
    case 'shard':
      return tensor * context;
    case 'data':
      return tensor * context * (shard < data ? shard : 1);
    case 'pipeline':
      return tensor * context * data;
    default:
      return dimension satisfies never;
  }
}

function placeStrided(
  cluster: Cluster,
  gpusPerNode: number,
  dimension: Dimension,
  ranks: number,
  stride: number,
): Placement {
  const { intra, inter } = cluster;
  // A rack of NVLink-switched nodes is one domain, whatever the size of a node.
  const near = intra.kind === 'nvlink-rack' ? Math.max(gpusPerNode, intra.domain) : gpusPerNode;
  const extent = stride * ranks;
  // One node has nothing to cross; a run with more ranks than the cluster has GPUs is said elsewhere.
  const perNode =
    extent <= near || inter.kind === 'none' ? ranks : Math.min(ranks, Math.max(1, Math.floor(near / stride)));
  const nodes = Math.ceil(ranks / perNode);
  const wider = perNode > 1 && Math.min(extent, near) > intra.domain ? cluster.beyondDomain : undefined;
  const inside = wider ?? groupLink(cluster, perNode);
  const crossesNodes = nodes > 1;
  return {
    dimension,
    path: {
      ranks,
      perNode,
      nodes,
      intra: { bytesPerSecond: inside.bytesPerSecond, latencySeconds: inside.latencySeconds },
      inter: { bytesPerSecond: inter.bytesPerSecond, latencySeconds: inter.latencySeconds },
    },
    crossesNodes,
    link: crossesNodes ? inter : inside,
    beyondDomain: wider !== undefined,
  };
}
