import { DEEPSPEED } from '../dialects/deepspeed/defaults';
import { engineDtype } from '../dialects/deepspeed/read';
import { TRAINER_DEFAULTS, TRL_DEFAULTS } from '../dialects/trainer/defaults';
import { mixedPrecisionOf, NO_ARGUMENTS } from '../dialects/trainer/read';
import { ownValue } from '../own-value';
import { type Known, known, unknown } from './known';
import { readQuantization } from './lora';
import { isOlder, type RunSources } from './sources';
import type { Dtype, Precision, Sharding } from './training-run';
import { assumed, byDefault, textFrom, writtenIn } from './written';

/** What the run computes in, and what its weights are stored in. */
export function readPrecision(sources: RunSources, sharding: Known<Sharding>): Precision {
  const loaded = loadedDtype(sources);
  const zero = sharding.known && sharding.value.kind === 'zero' ? sharding : undefined;
  const mixed = mixedPrecision(sources);
  if (zero) {
    const dtype = sources.deepspeed ? engineDtype(sources) : asDtype(mixed);
    const compute = dtype.known || !mixed.known ? dtype : asDtype(mixed);
    const mode = known('pure' as const, { kind: 'default', of: DEEPSPEED, source: 'deepspeed/runtime/engine.py:1755' });
    return { compute, weights: compute, mode };
  }
  if (sharding.known && sharding.value.kind === 'megatron') {
    const compute = asDtype(mixed);
    const source = 'accelerate src/accelerate/utils/dataclasses.py, set_mixed_precision';
    return { compute, weights: compute, mode: known('pure', { kind: 'default', of: 'Megatron-LM', source }) };
  }
  if (!mixed.known)
    return { compute: unknown(mixed.why, mixed.origin), weights: loaded, mode: unknown(mixed.why, mixed.origin) };
  if (mixed.value === 'no') {
    const mode = known('pure' as const, { kind: 'derived', formula: 'no mixed precision', from: [mixed.origin] });
    return { compute: loaded, weights: loaded, mode };
  }
  return { compute: asDtype(mixed), weights: loaded, mode: known('autocast', mixed.origin) };
}

/** The Trainer's flags set Accelerate's mixed precision; without a Trainer the Accelerate file does. */
function mixedPrecision(sources: RunSources): Known<'bf16' | 'fp16' | 'fp8' | 'no'> {
  const { args, accelerate, links, frameworks } = sources;
  // TRL's configs turn bf16 on by default since 0.19 (trl/trainer/sft_config.py:111).
  const bf16 = args.trl && !isOlder(frameworks.trl, '0.19') ? TRL_DEFAULTS.bf16 : TRAINER_DEFAULTS.bf16;
  if (args.present) {
    const own = mixedPrecisionOf(args, { bf16, fp16: TRAINER_DEFAULTS.fp16 });
    // With neither flag the launcher's ACCELERATE_MIXED_PRECISION stays (transformers training_args.py, 5.18.0).
    if (!own.known || own.value !== 'no' || own.origin.kind !== 'default') return own;
  }
  const written =
    (links.launch?.launcher === 'accelerate' ? links.launch.flags.get('mixed_precision') : undefined) ??
    writtenIn(accelerate, 'mixed_precision');
  const text = written && textFrom(written);
  const word = text?.known
    ? (['bf16', 'fp16', 'fp8', 'no'] as const).find((one) => one === text.value.toLowerCase())
    : undefined;
  if (word && written) return known(word, written.origin);
  if (args.present) return byDefault('no', TRAINER_DEFAULTS.bf16.of, TRAINER_DEFAULTS.bf16.source);
  return unknown(accelerate ? 'the Accelerate file gives no mixed_precision' : NO_ARGUMENTS);
}

function asDtype(mixed: Known<'bf16' | 'fp16' | 'fp8' | 'no'>): Known<Dtype> {
  if (!mixed.known) return unknown(mixed.why, mixed.origin);
  return known(mixed.value === 'no' ? 'fp32' : mixed.value, mixed.origin);
}

const NAMES: Readonly<Record<string, Dtype>> = {
  float32: 'fp32',
  fp32: 'fp32',
  bfloat16: 'bf16',
  bf16: 'bf16',
  float16: 'fp16',
  fp16: 'fp16',
  half: 'fp16',
};

/** The dtype the checkpoint is loaded in: as named, else by the framework's default, which changed with transformers 5. */
function loadedDtype(sources: RunSources): Known<Dtype> {
  const { args, frameworks, model } = sources;
  const written = args.get('dtype', 'torch_dtype', 'model_init_kwargs.dtype', 'model_init_kwargs.torch_dtype');
  const name = written && textFrom(written);
  const dtype = name?.known ? ownValue(NAMES, name.value.replace(/^torch\./, '')) : undefined;
  if (dtype && written) return known(dtype, written.origin);
  const wantsAuto = name?.known === true && name.value === 'auto';
  // Before 0.27 TRL named none (trl/trainer/model_config.py:92, 0.26.2).
  if (args.trl && !wantsAuto && !isOlder(frameworks.trl, '0.27'))
    return byDefault('fp32', TRL_DEFAULTS.dtype.of, TRL_DEFAULTS.dtype.source);
  if (!wantsAuto && isOlder(frameworks.transformers, '5.0')) {
    // bitsandbytes asks for 16 bits in what it leaves alone; transformers 5 takes the checkpoint's type there too.
    if (readQuantization(sources)?.known)
      return byDefault(
        'fp16',
        'transformers before 5',
        'transformers src/transformers/quantizers/quantizer_bnb_4bit.py:254 (4.57.6)',
      );
    return byDefault('fp32', 'transformers before 5', 'transformers src/transformers/modeling_utils.py:1228 (4.57.6)');
  }
  if (!model.known) return unknown(`it is the checkpoint's dtype, and ${model.why}`);
  const stored = ownValue(NAMES, model.value.dtype);
  if (!stored) return unknown("the model's config.json names no dtype", model.origin);
  // A checkpoint in float32 is loaded in it by every release.
  const sure = wantsAuto || stored === 'fp32' || frameworks.transformers?.known === true;
  return sure
    ? known(stored, {
        kind: 'derived',
        formula: 'transformers 5 loads the dtype of the checkpoint (modeling_utils.py:4178, 5.23.0)',
        from: [model.origin],
      })
    : assumed(
        stored,
        'transformers 5 loads the dtype of the checkpoint, releases before it float32, and no file pins the release',
      );
}
