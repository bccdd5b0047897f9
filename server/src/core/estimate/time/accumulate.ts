import { valueIfKnown } from '../../run/known';
import { counted, formatRate } from '../../text/format';
import type { Draft } from './draft';
import { bytesOf, type TimeFacts } from './facts';
import { MEMORY_EFFICIENCY } from './gpu-constants';
import { gigabytes } from './traffic-gather';

/**
 * From the second micro-step on, each gradient is added to what is there: both read, the sum written (torch AccumulateGrad; DeepSpeed's
 * BF16_Optimizer adds 16-bit gradients to fp32 ones, deepspeed runtime/bf16_optimizer.py `_update_hp_grad`).
 */
export function accumulateDraft(facts: TimeFacts): Draft | undefined {
  const { accumulation, parameters, cluster } = facts;
  // Megatron's products for weights add to the buffer of gradients themselves (gradient_accumulation_fusion).
  if (accumulation <= 1 || facts.sharding.kind === 'megatron') return undefined;
  const kept = keptBytes(facts);
  const held = parameters.trainableOnRank / heldBy(facts);
  const bytes = (accumulation - 1) * held * (facts.gradientBytes + 2 * kept);
  if (bytes <= 0) return undefined;
  const rate = cluster.accelerator.memoryBytesPerSecond;
  const seconds = bytes / (rate * MEMORY_EFFICIENCY);
  return {
    id: 'compute.accumulate',
    label: 'adding up the gradients of the micro-steps',
    seconds,
    formula: `${counted(accumulation - 1, 'micro-step')} × ${gigabytes(held * (facts.gradientBytes + 2 * kept))} ÷ (${formatRate(rate)} × ${MEMORY_EFFICIENCY})`,
    source: 'torch csrc/autograd/functions/accumulate_grad.h; deepspeed runtime/bf16_optimizer.py _update_hp_grad',
    group: 'compute',
    cause: 'GPU compute',
    hides: 'never',
  };
}

function keptBytes({ sharding, gradientBytes }: TimeFacts): number {
  const own = sharding.kind === 'zero' ? valueIfKnown(sharding.gradAccumDtype) : undefined;
  return own === undefined ? gradientBytes : bytesOf(own);
}

/** ZeRO-2 and -3 add to their own shard; FSDP too where it reduces every micro-step, else it keeps whole gradients. */
function heldBy({ sharding, shard, run }: TimeFacts): number {
  if (sharding.kind === 'zero') return (valueIfKnown(sharding.stage) ?? 0) >= 2 ? shard : 1;
  if (sharding.kind !== 'fsdp') return 1;
  return run.syncsEachMicro !== undefined && valueIfKnown(run.syncsEachMicro) === true ? shard : 1;
}
