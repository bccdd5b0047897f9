import { known, valueIfKnown } from '../run/known';
import type { Precision, TrainingRun } from '../run/training-run';
import { booleanOf, isAuto, setting } from '../settings';
import type { Config } from '../source';
import { argumentsOf, argumentWrites } from './arguments';
import { type Dimension, type Write, writeTo } from './move';
import { isOpen, TRIED } from './settled';
import { zeroOf } from './sharding';

/** bfloat16 instead of float32 or float16, where the GPU has it. Under DeepSpeed its own sections agree with the Trainer's arguments. */
export const precision: Dimension = (run, note) => {
  const { compute } = run.precision;
  if (!compute.known || (compute.value !== 'fp32' && compute.value !== 'fp16')) return [];
  if (!run.cluster.known || (run.cluster.value.accelerator.peakFlops.bf16 ?? 0) === 0) return [];
  const zero = zeroOf(run);
  const sections = zero ? sectionWrites(run) : [];
  if (typeof sections === 'string') {
    note?.({ what: 'precision', because: sections });
    return [];
  }
  if (!isOpen(run, 'precision', [compute], note)) return [];
  const half = argumentsOf(run).get('fp16');
  const writes = argumentWrites(run, { bf16: true, ...(half && { fp16: undefined }) });
  if (!writes) return [];
  return [
    {
      dimension: 'precision',
      title: 'Compute in bfloat16 (bf16)',
      training: 'numerics',
      writes: [...writes, ...sections],
      apply: (it) => ({ ...it, precision: { ...it.precision, ...(zero ? PURE : AUTOCAST) } }),
    },
  ];
};

const AUTOCAST: Partial<Precision> = { compute: known('bf16', TRIED), mode: known('autocast', TRIED) };
/** DeepSpeed makes the weights themselves 16-bit (deepspeed/runtime/engine.py _configure_distributed_model, 0.19.8). */
const PURE: Partial<Precision> = {
  compute: known('bf16', TRIED),
  weights: known('bf16', TRIED),
  mode: known('pure', TRIED),
};

/**
 * What the DeepSpeed file has to say beside the arguments, which the Trainer compares with it; "auto" follows by itself
 * (transformers src/transformers/integrations/deepspeed.py trainer_config_process, 5.23.0). Or why that cannot be said.
 */
function sectionWrites(run: TrainingRun): readonly Write[] | string {
  const { deepspeed } = run.configs;
  if (!deepspeed) return 'it is not searched where an Accelerate file holds the DeepSpeed settings';
  if (valueIfKnown(run.consumer) !== 'trainer')
    return 'the script may make batches in the precision that it was written for';
  return [
    ...(isFollowing(deepspeed, 'bf16') ? [] : [writeTo(deepspeed, 'bf16.enabled', true)]),
    ...(booleanOf(setting(deepspeed, 'fp16.enabled')) === true ? [writeTo(deepspeed, 'fp16.enabled', false)] : []),
  ];
}

function isFollowing(deepspeed: Config, section: string): boolean {
  return isAuto(setting(deepspeed, `${section}.enabled`));
}
