import type { Draft } from './draft';
import type { TimeFacts } from './facts';

/**
 * Every step ends with its slowest GPU, and among more of them there is a slower one: 1 % for each doubling of the nodes, fitted on
 * llm-foundry's table (1 to 64 nodes), where it is there whatever is sent.
 */
const PER_DOUBLING = 0.01;

/** Waiting for the slowest GPU of all nodes; nothing on one node, whose runs the other constants come from. */
export function stragglerDraft({ gpusPerNode, world }: TimeFacts, computeSeconds: number): Draft | undefined {
  const nodes = world / Math.max(1, gpusPerNode);
  if (nodes <= 1 || gpusPerNode < FULL_NODE) return undefined;
  const share = PER_DOUBLING * Math.log2(nodes);
  const seconds = computeSeconds * share;
  return {
    id: 'compute.stragglers',
    label: `waiting for the slowest of ${world} GPUs`,
    seconds,
    formula: `${PER_DOUBLING * 100} % × log2(${Math.round(nodes)} nodes) × ${computeSeconds.toFixed(2)} s`,
    source: 'fitted on llm-foundry scripts/train/benchmarking/README.md, runs of 8 to 512 GPUs',
    group: 'compute',
    cause: 'GPU compute',
    hides: 'never',
  };
}

/** Fewer GPUs a node are not what it was fitted on; they would count as many nodes. */
const FULL_NODE = 4;
