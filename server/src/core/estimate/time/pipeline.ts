import type { Draft } from './draft';
import type { TimeFacts } from './facts';

/** What each stage of a pipeline has to do. */
export interface StageLoad {
  /** The slowest stage's work over the mean of all; every stage waits for it in every micro-batch. */
  readonly slowest: number;
  /** As shown: `7 of 78 blocks`. */
  readonly what: string;
}

/**
 * Blocks are dealt out in equal numbers, and what is left over makes the first stages longer; the last stage has the head as well.
 * Where two more blocks would divide evenly, embedding and head have a place of their own, as DeepSpeed's
 * `partition_method="type:transformer|embed"` deals them (deepspeed runtime/pipe/module.py, `_partition_layers`).
 * `head` is the head's work in blocks.
 */
export function stageLoad({ model, pipeline }: TimeFacts, head: number): StageLoad {
  const { layers } = model;
  const mean = (layers + head) / pipeline;
  const placed = (layers + 2) % pipeline === 0 && layers % pipeline !== 0;
  const most = placed ? (layers + 2) / pipeline : Math.ceil(layers / pipeline);
  const last = (placed ? most - 1 : Math.max(0, layers - most * (pipeline - 1))) + head;
  const slowest = Math.max(1, most / mean, last / mean);
  const what = last > most ? `${(last - head).toFixed(0)} blocks and the head` : `${most} of ${layers} blocks`;
  return { slowest, what };
}

export interface StageWork {
  /** Seconds of a mean stage over all micro-batches, with the communication inside it. */
  readonly seconds: number;
  readonly load: StageLoad;
}

/** Stages wait for the slowest one, and while the pipeline fills and drains; nothing with one stage. */
export function pipelineDrafts({ pipeline, accumulation }: TimeFacts, { seconds, load }: StageWork): Draft[] {
  if (pipeline <= 1) return [];
  // Over m micro-batches the slowest stage is always busy; before and after, the others pass one through.
  const uneven = seconds * (load.slowest - 1);
  const bubble = (seconds / accumulation) * Math.max(0, pipeline - load.slowest);
  const common = { group: 'compute', cause: 'pipeline bubble', hides: 'never' } as const;
  return [
    {
      ...common,
      id: 'compute.uneven-stages',
      label: `waiting for the slowest of ${pipeline} stages`,
      seconds: uneven,
      formula: `${load.what} in one stage: ${load.slowest.toFixed(2)} × the mean, − 1, × ${seconds.toFixed(2)} s`,
      source: 'Narayanan et al. 2021 (arXiv 2104.04473) §2.2; blocks in equal numbers, the head in the last stage',
    },
    {
      ...common,
      id: 'compute.bubble',
      label: `pipeline bubble of ${pipeline} stages`,
      seconds: bubble,
      formula: `(${pipeline} − ${load.slowest.toFixed(2)}) ÷ ${accumulation} micro-batches × ${seconds.toFixed(2)} s`,
      source: 'Narayanan et al. 2021 (arXiv 2104.04473) §2.2; 1F1B, not interleaved; interleaving would shorten it',
    },
  ];
}
