import { valueIfKnown } from '../run/known';
import type { Consumer, ZeroSharding } from '../run/training-run';

/**
 * Share of the optimizer's states that stays on the GPU under Twin-Flow. Stage 3 cuts what a rank steps into sub-groups of at least
 * `sub_group_size` elements and deals out whole ones: the first int((1 − ratio) × count) stay, however large each is
 * (deepspeed/runtime/zero/stage3.py:1099 and 1210, 0.19.8). A rank with less than one sub-group's worth has one; beside it the Trainer
 * makes another of norms and biases, which take no weight decay and hardly any room (transformers src/transformers/trainer.py:1273, 5.23.0).
 */
export function shareKeptOnGpu(
  { stage, offloadRatio, subGroupElements }: Pick<ZeroSharding, 'stage' | 'offloadRatio' | 'subGroupElements'>,
  steppedElements: number,
  consumer: Consumer | undefined,
): number {
  const ratio = Math.min(1, Math.max(0, valueIfKnown(offloadRatio) ?? 1));
  if (ratio === 1 || valueIfKnown(stage) !== 3 || steppedElements <= 0) return 0;
  const size = valueIfKnown(subGroupElements) ?? Number.POSITIVE_INFINITY;
  const large = Math.max(1, Math.ceil(steppedElements / size));
  const groups = large + (consumer === 'trainer' ? 1 : 0);
  // As Python computes it: 1 - 0.9 is a little more than a tenth.
  const kept = Math.min(large, Math.trunc((1 - ratio) * groups));
  return kept === large ? 1 : (kept * size) / steppedElements;
}
