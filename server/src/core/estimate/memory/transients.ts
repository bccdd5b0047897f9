import { valueIfKnown } from '../../run/known';
import { bf16OptimizerTransients, usesBf16Optimizer } from './bf16-optimizer';
import { buffersOf, NO_TRANSIENTS, type Transients } from './buffers';
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

/**
 * Without partitioning, DeepSpeed's 16-bit optimizers copy all gradients at the step, beside the 16-bit ones: its own fused Adam once
 * to fp32, and once more into one flat tensor (fp16/fused_optimizer.py:286, 0.19.8); any other optimizer to fp32 (unfused_optimizer.py).
 */
function stage0Transients(facts: Facts): Transients {
  const { trainable, weightBytes: w, optimizerName } = facts;
  if (w === 4) return NO_TRANSIENTS;
  const isFused = optimizerName === 'adam' || optimizerName === 'adamw';
  const make = buffersOf(facts, `deepspeed/runtime/fp16/${isFused ? 'fused' : 'unfused'}_optimizer.py`, 'elements');
  const copies = isFused ? 2 : 1;
  return {
    ...NO_TRANSIENTS,
    step: [
      make('own-gradients', '16-bit gradients', w, trainable),
      make('fp32-gradients', 'fp32 copies of the gradients', 4, trainable, copies),
    ],
    flat: isFused ? 4 * trainable : 0,
  };
}
