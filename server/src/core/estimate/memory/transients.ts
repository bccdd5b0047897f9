import { valueIfKnown } from '../../run/known';
import { formatParameters } from '../../text/format';
import { bf16OptimizerTransients, usesBf16Optimizer } from './bf16-optimizer';
import { buffer, NO_TRANSIENTS, type Transients } from './buffers';
import type { Facts } from './facts';
import { fsdpTransients } from './fsdp-units';
import { megatronTransients } from './megatron';
import { zero12Transients } from './zero-buckets';
import { zero3Transients } from './zero-gathers';

/** What the run's sharding allocates beside states and activations, by moment. */
export function shardingTransients(facts: Facts): Transients {
  const { sharding } = facts;
  if (sharding.kind === 'fsdp') return fsdpTransients(facts, sharding);
  if (sharding.kind === 'megatron') return megatronTransients(facts, sharding);
  if (sharding.kind !== 'zero') return NO_TRANSIENTS;
  const stage = valueIfKnown(sharding.stage) ?? 0;
  if (stage === 0) return stage0Transients(facts);
  if (usesBf16Optimizer(facts, sharding)) return bf16OptimizerTransients(facts);
  return stage === 3 ? zero3Transients(facts, sharding) : zero12Transients(facts, sharding);
}

/** Without partitioning, DeepSpeed's 16-bit optimizers make fp32 gradients of everything at the step. */
function stage0Transients(facts: Facts): Transients {
  if (facts.weightBytes === 4) return NO_TRANSIENTS;
  const source = 'deepspeed/runtime/fp16/fused_optimizer.py';
  const formula = (): string => `4 B × ${formatParameters(facts.trainable)} elements`;
  return {
    ...NO_TRANSIENTS,
    step: [buffer(facts, 'fp32-gradients', 4 * facts.trainable, 'fp32 gradients', source, formula)],
    flat: 4 * facts.trainable,
  };
}
