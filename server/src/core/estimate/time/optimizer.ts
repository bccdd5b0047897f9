import { valueIfKnown } from '../../run/known';
import { formatParameters, formatRate } from '../../text/format';
import type { Draft } from './draft';
import type { TimeFacts } from './facts';

/** Bytes touched per parameter: weights, gradient and both moments read and written in fp32, 16-bit copy. */
const ADAM_BYTES = 30;
const ADAM_8BIT_BYTES = 14;
const SGD_BYTES = 16;
/** foreach kernels make about two more passes over one fp32 copy. */
const FOREACH_EXTRA_BYTES = 8;
const MEMORY_EFFICIENCY = 0.8;

/** Share of the optimizer's states that stays on the GPU. */
export function shareOnGpu({ sharding }: TimeFacts): number {
  if (sharding.kind === 'fsdp') return valueIfKnown(sharding.offloadParams) === true ? 0 : 1;
  if (sharding.kind !== 'zero') return 1;
  if ((valueIfKnown(sharding.offloadOptimizer) ?? 'none') === 'none') return 1;
  return 1 - Math.min(1, Math.max(0, valueIfKnown(sharding.offloadRatio) ?? 1));
}

/** Parameters whose optimizer states one rank holds. */
export function steppedParameters({ parameters, sharding, shard }: TimeFacts): number {
  return parameters.trainableOnRank / (sharding.kind === 'zero' || sharding.kind === 'fsdp' ? shard : 1);
}

/** The optimizer step on the GPU: a pass over weights, gradients and states, bound by memory. */
export function gpuOptimizerDraft(facts: TimeFacts): Draft | undefined {
  const stepped = steppedParameters(facts) * shareOnGpu(facts);
  if (stepped <= 0) return undefined;
  const name = valueIfKnown(facts.run.optimizer.name) ?? 'adamw';
  const bytesEach =
    bytesPerParameter(name) +
    (valueIfKnown(facts.run.optimizer.implementation) === 'foreach' ? FOREACH_EXTRA_BYTES : 0);
  const rate = facts.cluster.accelerator.memoryBytesPerSecond;
  const seconds = (stepped * bytesEach) / (rate * MEMORY_EFFICIENCY);
  return {
    id: 'optimizer.gpu',
    label: 'optimizer step on the GPU',
    seconds,
    low: seconds * 0.7,
    high: seconds * 2,
    formula: `${formatParameters(stepped)} parameters × ${bytesEach} B ÷ (${formatRate(rate)} × ${MEMORY_EFFICIENCY})`,
    source: 'torch.optim: every state read and written once',
    group: 'optimizer',
    cause: 'GPU optimizer',
    hides: 'never',
  };
}

function bytesPerParameter(name: string): number {
  if (name.includes('8bit')) return ADAM_8BIT_BYTES;
  if (name.includes('sgd') || name.includes('lion') || name.includes('adafactor')) return SGD_BYTES;
  return ADAM_BYTES;
}
