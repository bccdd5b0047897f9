import { type Known, known, unknown } from '../../run/known';
import { isOlder, pluginSetting, type RunSources } from '../../run/sources';
import { booleanFrom, numberFrom, textFrom, writtenIn } from '../../run/written';
import { TRAINER_DEFAULTS, TRL_DEFAULTS } from '../trainer/defaults';
import { argumentOr, mixedPrecisionOf, NO_ARGUMENTS } from '../trainer/read';

/**
 * Who puts a value in place of "auto", by DeepSpeed key: the Trainer (transformers src/transformers/integrations/deepspeed.py:142-250,
 * 5.18.0) and Accelerate (accelerate src/accelerate/accelerator.py:2179-2349 and utils/dataclasses.py:1280-1418, 1.15.0), which
 * also runs below the Trainer.
 */
export interface Filler {
  readonly trainer: ((sources: RunSources) => Known<unknown>) | undefined;
  readonly accelerate: ((sources: RunSources) => Known<unknown>) | undefined;
}

const SCRIPT_FILLS: Known<unknown> = unknown('the script gives it to Accelerate');

const hidden =
  (formula: string, f: (hidden: number) => number) =>
  ({ model }: RunSources): Known<number> =>
    model.known
      ? known(f(model.value.hiddenSize), {
          kind: 'derived',
          formula: `${formula} = ${f(model.value.hiddenSize)}, with hidden_size ${model.value.hiddenSize}`,
          from: [model.origin],
        })
      : unknown(`it becomes ${formula}, and ${model.why}`);

const argument =
  (name: string, fallback: { value: number; of: string; source: string }) =>
  ({ args }: RunSources): Known<number> => {
    const written = args.get(name);
    if (written) return numberFrom(written);
    return args.present ? known(fallback.value, { kind: 'default', ...fallback }) : unknown(NO_ARGUMENTS);
  };

const ARGUMENTS = 'transformers src/transformers/training_args.py';
const fallbackOf = (value: number, line: number) => ({
  value,
  of: 'transformers 5.18.0',
  source: `${ARGUMENTS}:${line}`,
});

const plugin =
  (key: string, fallback: Known<unknown>) =>
  (sources: RunSources): Known<unknown> => {
    const written = pluginSetting(sources, key);
    if (!written) return fallback;
    return typeof written.plain === 'boolean'
      ? booleanFrom(written)
      : typeof written.plain === 'number'
        ? numberFrom(written)
        : textFrom(written);
  };

const ACCELERATE = 'accelerate 1.15.0';
const pluginDefault = (value: unknown, line: number): Known<unknown> =>
  known(value, { kind: 'default', of: ACCELERATE, source: `accelerate src/accelerate/utils/dataclasses.py:${line}` });

const micro = argument('per_device_train_batch_size', TRAINER_DEFAULTS.micro);
const accumulation = argument('gradient_accumulation_steps', TRAINER_DEFAULTS.accumulation);
const learningRate = argument('learning_rate', fallbackOf(5e-5, 785));

function enabled(precision: 'bf16' | 'fp16') {
  return (sources: RunSources): Known<unknown> => {
    const { args, frameworks } = sources;
    const bf16 = args.trl && !isOlder(frameworks.trl, '0.19') ? TRL_DEFAULTS.bf16 : TRAINER_DEFAULTS.bf16;
    const mixed = mixedPrecisionOf(args, { bf16, fp16: TRAINER_DEFAULTS.fp16 });
    const full = argumentOr(args, TRAINER_DEFAULTS.bf16, `${precision}_full_eval`);
    if (full.known && full.value) return full;
    return mixed.known ? known(mixed.value === precision, mixed.origin) : mixed;
  };
}

function enabledByAccelerate(precision: 'bf16' | 'fp16') {
  return ({ accelerate }: RunSources): Known<unknown> => {
    const written = writtenIn(accelerate, 'mixed_precision');
    if (!written) return SCRIPT_FILLS;
    const mixed = textFrom(written);
    if (!mixed.known) return mixed;
    const is = mixed.value === precision || (precision === 'bf16' && mixed.value === 'fp8');
    return known(is, mixed.origin);
  };
}

const both = (fill: (sources: RunSources) => Known<unknown>): Filler => ({ trainer: fill, accelerate: fill });
const onlyTrainer = (fill: (sources: RunSources) => Known<unknown>): Filler => ({
  trainer: fill,
  accelerate: undefined,
});

/** Who fills "auto" at which key; a key that is not here is filled by nobody. */
export const FILLERS: Readonly<Record<string, Filler>> = {
  train_micro_batch_size_per_gpu: { trainer: micro, accelerate: () => SCRIPT_FILLS },
  gradient_accumulation_steps: {
    trainer: accumulation,
    accelerate: plugin('gradient_accumulation_steps', SCRIPT_FILLS),
  },
  train_batch_size: both(() => unknown('it becomes micro batch × accumulation × data-parallel ranks')),
  gradient_clipping: {
    trainer: argument('max_grad_norm', TRAINER_DEFAULTS.maxGradNorm),
    accelerate: plugin('gradient_clipping', pluginDefault(1, 1281)),
  },
  'optimizer.params.lr': { trainer: learningRate, accelerate: () => SCRIPT_FILLS },
  'optimizer.params.weight_decay': {
    trainer: argument('weight_decay', fallbackOf(0, 820)),
    accelerate: () => SCRIPT_FILLS,
  },
  'optimizer.params.eps': onlyTrainer(argument('adam_epsilon', fallbackOf(1e-8, 838))),
  'optimizer.params.betas': onlyTrainer(betas),
  'scheduler.params.warmup_min_lr': both(() =>
    known(0, {
      kind: 'default',
      of: 'transformers 5.18.0',
      source: 'transformers src/transformers/integrations/deepspeed.py:169',
    }),
  ),
  'scheduler.params.warmup_max_lr': { trainer: learningRate, accelerate: () => SCRIPT_FILLS },
  'scheduler.params.warmup_num_steps': {
    trainer: () => unknown('it becomes the warm-up steps, which may depend on the data'),
    accelerate: () => SCRIPT_FILLS,
  },
  'scheduler.params.total_num_steps': { trainer: totalSteps, accelerate: () => SCRIPT_FILLS },
  'fp16.enabled': { trainer: enabled('fp16'), accelerate: enabledByAccelerate('fp16') },
  'bf16.enabled': { trainer: enabled('bf16'), accelerate: enabledByAccelerate('bf16') },
  'zero_optimization.stage': both(plugin('zero_stage', pluginDefault(2, 1282))),
  'zero_optimization.offload_optimizer.device': both(plugin('offload_optimizer_device', pluginDefault('none', 1283))),
  'zero_optimization.offload_param.device': both(plugin('offload_param_device', pluginDefault('none', 1284))),
  'zero_optimization.offload_param.nvme_path': both(plugin('offload_param_nvme_path', pluginDefault('none', 1285))),
  'zero_optimization.offload_optimizer.nvme_path': both(
    plugin('offload_optimizer_nvme_path', pluginDefault('none', 1286)),
  ),
  'zero_optimization.stage3_gather_16bit_weights_on_model_save': both(
    plugin('zero3_save_16bit_model', pluginDefault(false, 1287)),
  ),
  'zero_optimization.reduce_bucket_size': both(hidden('hidden_size²', (h) => h * h)),
  'zero_optimization.stage3_prefetch_bucket_size': both(hidden('0.9 × hidden_size²', (h) => Math.floor(0.9 * h * h))),
  'zero_optimization.stage3_param_persistence_threshold': both(hidden('10 × hidden_size', (h) => 10 * h)),
};

function betas({ args }: RunSources): Known<unknown> {
  const first = argument('adam_beta1', fallbackOf(0.9, 826))({ args } as RunSources);
  const second = argument('adam_beta2', fallbackOf(0.999, 832))({ args } as RunSources);
  if (!first.known) return first;
  if (!second.known) return second;
  return known([first.value, second.value], {
    kind: 'derived',
    formula: '[adam_beta1, adam_beta2]',
    from: [first.origin, second.origin],
  });
}

function totalSteps({ args }: RunSources): Known<unknown> {
  const written = args.get('max_steps');
  const steps = written && numberFrom(written);
  return steps?.known && steps.value > 0
    ? steps
    : unknown('it becomes the number of training steps, which depends on the data');
}
