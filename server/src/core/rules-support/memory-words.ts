import type { MemoryEstimate, MemoryGroup, PhaseMemory } from '../estimate/estimate';
import { estimateMemory } from '../estimate/memory/index';
import { known } from '../run/known';
import type { TrainingRun } from '../run/training-run';

const GIB = 2 ** 30;

/** A band of memory in GiB: `41–47 GiB`, `3.7–5.9 GiB`. */
export function bandGib({ low, high }: { readonly low: number; readonly high: number }): string {
  const digits = high / GIB < 10 ? 1 : 0;
  const [from, to] = [low, high].map((bytes) => (bytes / GIB).toFixed(digits));
  return from === to ? `${from} GiB` : `${from}–${to} GiB`;
}

/** `41–47 of 79 GiB`. */
export function bandOfCapacity(memory: {
  readonly low: number;
  readonly high: number;
  readonly capacity: number | null;
}): string {
  if (memory.capacity === null) return bandGib(memory);
  return `${bandGib(memory).replace(/ GiB$/, '')} of ${capacityGib(memory.capacity)}`;
}

/** Capacities as the driver gives them, one decimal: `79.2 GiB`. */
export function capacityGib(bytes: number): string {
  return `${(bytes / GIB).toFixed(bytes / GIB < 1000 ? 1 : 0)} GiB`;
}

const NAMES: Readonly<Record<MemoryGroup, string>> = {
  parameters: 'weights',
  gradients: 'gradients',
  optimizer: 'optimizer states',
  activations: 'activations',
  logits: 'logits',
  buffers: 'buffers',
  context: 'CUDA and NCCL',
  fragmentation: 'allocator cache',
};

/** The largest parts of a peak, by group: `optimizer states 59.8, weights 29.9 and activations 11.2 GiB`. */
export function largestParts(phase: PhaseMemory, count = 3): string {
  const sums = new Map<MemoryGroup, number>();
  for (const { group, bytes } of phase.terms) sums.set(group, (sums.get(group) ?? 0) + bytes);
  const parts = [...sums]
    .sort(([, a], [, b]) => b - a)
    .slice(0, count)
    .map(([group, bytes]) => `${NAMES[group]} ${(bytes / GIB).toFixed(1)}`);
  const last = parts.pop() ?? '';
  return `${parts.length > 0 ? `${parts.join(', ')} and ` : ''}${last} GiB`;
}

/** What loading and training need, whatever evaluating and saving do: the peak of a run without them. */
export function trainingAlone(run: TrainingRun): MemoryEstimate | null {
  const never = known(false, { kind: 'assumed', because: 'training is looked at alone' });
  return estimateMemory({ ...run, evaluation: never, saves: never }).memory;
}

/** `, which is too close to call`, or that it cannot be told; nothing where it can be called. */
export function undecidedClause({ fits, open }: MemoryEstimate): string {
  if (fits !== null) return '';
  return open === undefined ? ', which is too close to call' : `, of which cannot be told whether it fits (${open})`;
}
