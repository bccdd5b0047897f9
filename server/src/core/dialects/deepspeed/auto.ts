import { type Known, known, type Origin, unknown } from '../../run/known';
import { pluginSetting, type RunSources } from '../../run/sources';
import type { AutoValue, Consumer } from '../../run/training-run';
import { booleanFrom, numberFrom, textFrom, type Written, writtenIn, writtenOf } from '../../run/written';
import { setting } from '../../settings';
import type { Config } from '../../source';
import type { MappingNode } from '../../syntax/node';
import { TRAINER_DEFAULTS, TRL_DEFAULTS } from '../trainer/defaults';
import { argumentOr, mixedPrecisionOf, NO_ARGUMENTS } from '../trainer/read';

/**
 * Who puts a value in place of "auto", by DeepSpeed key: the Trainer (transformers src/transformers/integrations/deepspeed.py:142-250,
 * 5.18.0) and Accelerate (accelerate src/accelerate/accelerator.py:2179-2349 and utils/dataclasses.py:1280-1418, 1.15.0), which
 * also runs below the Trainer.
 */
interface Filler {
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
    const { args } = sources;
    const bf16 = args.trl ? TRL_DEFAULTS.bf16 : TRAINER_DEFAULTS.bf16;
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

const FILLERS: Readonly<Record<string, Filler>> = {
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

/** Keys where "auto" is DeepSpeed's own word, or inside which no filler walks. */
const NATIVE =
  /^(pipeline\.stages|expert_parallel\.|autotuning\.|zero_optimization\.zenflow\.(select_strategy|select_interval|update_interval))/;

/** Sections that drop "auto" and use their default when DeepSpeed reads the file alone (deepspeed/runtime/config_utils.py:56). */
const DROPS_AUTO = /^(zero_optimization|fp16|bf16|bfloat16|comms_logger|hybrid_engine|compile|tensor_parallel)\./;

/** True where somebody among `consumers` replaces "auto" at this key. */
export function isFilled(path: string, consumers: readonly Consumer[]): boolean {
  const filler = FILLERS[path];
  if (NATIVE.test(path)) return true;
  if (!filler) return false;
  return consumers.some((one) =>
    one === 'trainer' ? filler.trainer : one === 'accelerate' ? filler.accelerate : undefined,
  );
}

/** The value "auto" becomes at a key, derived from the "auto" and from what fills it. */
export function fillAuto<T>(sources: RunSources, auto: Written, path: string, fallback: Known<T>): Known<T> {
  const { consumer } = sources;
  const filler = FILLERS[path];
  if (consumer.known && consumer.value === 'deepspeed') return droppedAuto(path, auto, fallback);
  const fill =
    consumer.known && consumer.value === 'accelerate' ? filler?.accelerate : (filler?.trainer ?? filler?.accelerate);
  if (!fill) return unknown(`nobody puts a value in place of "auto" in ${path}`, auto.origin);
  // Where it is not known who reads the file, only a value on which both agree is taken.
  if (!consumer.known && filler?.trainer !== filler?.accelerate && !agreeing(sources, filler)) {
    return unknown(`"auto" is filled by the Trainer or by Accelerate, and ${consumer.why}`, auto.origin);
  }
  const filled = fill(sources);
  // The table's entry for a key has the type that its reader expects; a wrong type in a file has become unknown above.
  return filled.known
    ? known(filled.value as T, {
        kind: 'derived',
        formula: formulaOf(filled.origin),
        from: [auto.origin, filled.origin],
      })
    : unknown(`"auto" in ${path}: ${filled.why}`, auto.origin);
}

function agreeing(sources: RunSources, filler: Filler | undefined): boolean {
  const trainer = filler?.trainer?.(sources);
  const accelerate = filler?.accelerate?.(sources);
  return (
    trainer?.known === true && (accelerate === undefined || (accelerate.known && accelerate.value === trainer.value))
  );
}

function formulaOf(origin: Origin): string {
  if (origin.kind === 'derived') return origin.formula;
  return origin.kind === 'file'
    ? `the value of ${origin.key}`
    : origin.kind === 'default'
      ? `the default of ${origin.of}`
      : 'the value given';
}

function droppedAuto<T>(path: string, auto: Written, fallback: Known<T>): Known<T> {
  if (!DROPS_AUTO.test(path) || !fallback.known)
    return unknown(`DeepSpeed alone keeps "auto" as text in ${path}`, auto.origin);
  return known(fallback.value, {
    kind: 'derived',
    formula: 'DeepSpeed alone drops "auto" and uses its default',
    from: [auto.origin, fallback.origin],
  });
}

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

/** Every "auto" of a DeepSpeed config with what it becomes. */
export function autoValues(sources: RunSources, batch: { readonly global: Known<number> }): AutoValue[] {
  const config = sources.deepspeed;
  return config
    ? autosOf(config).flatMap((path) => {
        const found = setting(config, path);
        if (!found || NATIVE.test(path)) return [];
        const unfilled = !isFilled(path, sources.consumers);
        const value =
          path === 'train_batch_size' && !unfilled
            ? batch.global
            : fillAuto(sources, writtenOf(found), path, unknown(`nobody fills ${path}`));
        return [{ setting: found, value, unfilled }];
      })
    : [];
}

const found = new WeakMap<MappingNode, readonly string[]>();

/** Dotted paths of every "auto" in a config. */
function autosOf({ root }: Config): readonly string[] {
  let paths = found.get(root);
  if (!paths) {
    paths = autoPaths(root, '', new Set());
    found.set(root, paths);
  }
  return paths;
}

/** Each mapping is walked once: aliases of a YAML file can make one stand in very many places. */
function autoPaths(mapping: MappingNode, prefix: string, seen: Set<MappingNode>): string[] {
  if (seen.has(mapping)) return [];
  seen.add(mapping);
  return mapping.entries.flatMap(({ key, value }) => {
    if (value?.kind === 'mapping') return autoPaths(value, `${prefix}${key}.`, seen);
    const isAuto =
      value?.kind === 'scalar' && value.scalar.type === 'string' && value.scalar.value === 'auto' && !value.templated;
    return isAuto ? [prefix + key] : [];
  });
}

/** True for a config in which some "auto" stands at a key that DeepSpeed alone cannot read. */
export function needsFilling(config: Config): boolean {
  return autosOf(config).some((path) => FILLERS[path] !== undefined && !DROPS_AUTO.test(path));
}

/** True for an "auto" that only the Trainer fills. */
export function needsTrainer(config: Config): boolean {
  return autosOf(config).some(
    (path) => FILLERS[path]?.trainer !== undefined && FILLERS[path]?.accelerate === undefined,
  );
}
