import { valueIfKnown } from '../../run/known';
import type { ZeroSharding } from '../../run/training-run';
import { buffersOf, NO_TRANSIENTS, type Transients } from './buffers';
import type { Facts } from './facts';

const SOURCE = 'deepspeed/runtime/bf16_optimizer.py (v0.19), counted';

/**
 * DeepSpeed steps bf16 weights with an optimizer of their own where stage 1 sums gradients in fp32 and nothing is offloaded:
 * deepspeed/runtime/engine.py, `_do_optimizer_sanity_check`. It has fp32 gradients of all parameters from start to end.
 */
export function usesBf16Optimizer(facts: Pick<Facts, 'isBf16'>, zero: ZeroSharding): boolean {
  const offloads = (valueIfKnown(zero.offloadOptimizer) ?? 'none') !== 'none';
  return facts.isBf16 && valueIfKnown(zero.stage) === 1 && valueIfKnown(zero.gradAccumDtype) === 'fp32' && !offloads;
}

/**
 * The 16-bit gradients of a micro-step stay until the next one's backward begins (`update_hp_grads(clear_lp_grads=False)`). The
 * fp32 ones are one tensor, reduced in a 16-bit copy since DeepSpeed 0.9.2 (d56268f37); the step reads them where they are.
 */
export function bf16OptimizerTransients(facts: Facts): Transients {
  const make = buffersOf(facts, SOURCE, 'elements');
  const w = facts.weightBytes;
  const own = make('own-gradients', '16-bit gradients of the micro-step', w, facts.trainable);
  const copy = facts.reducesInOwnType ? w * facts.trainable : 0;
  const reduced = make('reduce', '16-bit copy of the gradients that is reduced', w, copy / w);
  return { ...NO_TRANSIENTS, end: [own, reduced], step: [own], flat: copy };
}
