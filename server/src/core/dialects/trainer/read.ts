import { kept } from '../../kept';
import { type Known, known, unknown } from '../../run/known';
import type { Launch } from '../../run/launch';
import type { RunOutline } from '../../run/training-run';
import { assumed, booleanFrom, byDefault, firstKnown, textFrom, type Written, writtenIn } from '../../run/written';
import type { Config } from '../../source';
import type { Default } from './defaults';

/** Arguments of the training script: flags of the launch line win over the Trainer file, as in HfArgumentParser and TrlParser. */
export interface TrainerArguments {
  /** Somebody wrote arguments: a Trainer file, or flags of a launch line. */
  readonly present: boolean;
  readonly config: Config | undefined;
  readonly launch: Launch | undefined;
  /** TRL's configs rather than plain TrainingArguments: their defaults differ. */
  readonly trl: boolean;
  readonly method: RunOutline['method'];
  /** The first source that writes one of these names. */
  get(...names: readonly string[]): Written | undefined;
}

/** Rules ask for the arguments of a file again and again. */
const read = kept<Config, TrainerArguments>();

/** The training arguments of a run: a flag of the launch line before what the file says, as HfArgumentParser and TRL do. */
export function readArguments(config: Config | undefined, launch: Launch | undefined): TrainerArguments {
  const earlier = config && read.get(config);
  if (earlier && earlier.launch === launch) return earlier;
  const args = makeArguments(config, launch);
  if (config) read.set(config, args);
  return args;
}

function makeArguments(config: Config | undefined, launch: Launch | undefined): TrainerArguments {
  const flags = launch && (config || isTraining(launch)) ? launch : undefined;
  // Written out case by case: the readers of a run ask for some hundred names, and most runs have neither flags nor old names.
  const hasOlder = [...OLDER.values()].some((older) => flags?.arguments.has(older) || writtenIn(config, older));
  const get = (...names: readonly string[]): Written | undefined => {
    if (hasOlder) {
      for (const name of names) {
        const older = olderOf(name, config, flags);
        if (older) return older;
      }
    }
    if (flags) {
      for (const name of names) {
        const found = flags.arguments.get(name) ?? abbreviated(flags, name);
        if (found) return found;
      }
    }
    if (!config) return undefined;
    for (const name of names) {
      const found = writtenIn(config, name);
      if (found) return found;
    }
    return undefined;
  };
  const { method, trl } = methodOf(get, config, launch);
  return { present: config !== undefined || flags !== undefined, config, launch, trl, method, get };
}

/**
 * Arguments of their own that stand over the ones that took their place, as long as a release has both: transformers
 * src/transformers/training_args.py:2194, :2208 and :1779 (4.57.6, gone in 5); `evaluation_strategy` in __post_init__ of 4.41 to 4.45.
 */
const OLDER: ReadonlyMap<string, string> = new Map([
  ['per_device_train_batch_size', 'per_gpu_train_batch_size'],
  ['per_device_eval_batch_size', 'per_gpu_eval_batch_size'],
  ['eval_strategy', 'evaluation_strategy'],
  ['optim', 'adafactor'],
]);

function olderOf(name: string, config: Config | undefined, launch: Launch | undefined): Written | undefined {
  const older = OLDER.get(name);
  if (older === undefined) return undefined;
  const written = launch?.arguments.get(older) ?? writtenIn(config, older);
  if (!written || written.plain === null) return undefined;
  if (name === 'eval_strategy' || written.templated) return written;
  if (name !== 'optim') return isZero(written) ? undefined : written;
  const isOn = booleanFrom(written);
  return isOn.known && isOn.value ? { ...written, plain: older } : undefined;
}

function isZero({ plain }: Written): boolean {
  return plain === 0 || plain === '0';
}

/** Arguments on which the size of a step rests, and whose beginnings mean nothing else. */
const ABBREVIATED: ReadonlySet<string> = new Set([
  'per_device_train_batch_size',
  'per_device_eval_batch_size',
  'gradient_accumulation_steps',
  'gradient_checkpointing',
  'use_liger_kernel',
]);

/** argparse takes the beginning of a flag for the flag, where no other one begins so: `--per_device_train_batch 4`. */
function abbreviated({ arguments: given }: Launch, name: string): Written | undefined {
  if (!ABBREVIATED.has(name)) return undefined;
  for (const [flag, written] of given)
    if (flag.length > SHORTEST && flag.length < name.length && name.startsWith(flag))
      return { ...written, literal: false };
  return undefined;
}

/** What is shorter than `gradient_` or `per_device_` and a letter begins several arguments, or is a script's own. */
const SHORTEST = 'per_device_'.length;

/** Flags of TrainingArguments that scripts with loops of their own (diffusers, `*_no_trainer.py`) do not have. */
const TELLING = [
  'deepspeed',
  'fsdp',
  'bf16',
  'fp16',
  'tf32',
  'do_train',
  'save_strategy',
  'save_steps',
  'save_total_limit',
  'logging_steps',
  'eval_strategy',
  'evaluation_strategy',
  'warmup_ratio',
  'optim',
];

/** Flags of Megatron's, which share `--bf16` and others with TrainingArguments. */
const MEGATRON = ['tensor_model_parallel_size', 'pipeline_model_parallel_size'];

/**
 * Whether the script of a launch line reads TrainingArguments: without that, no default of theirs holds. Their `--deepspeed` takes a
 * file; bare, it is the switch of deepspeed.add_config_arguments (deepspeed/__init__.py, 0.19.8).
 */
function isTraining(launch: Launch): boolean {
  if (launch.arguments.get('deepspeed')?.plain === true) return false;
  if (MEGATRON.some((name) => launch.arguments.has(name))) return false;
  return launch.launcher === 'trl' || TELLING.filter((name) => launch.arguments.has(name)).length > 1;
}

type Method = 'sft' | 'dpo' | 'grpo' | 'reward' | 'kto';

/** Keys that only one of TRL's configs has (trl 1.13.0 and the releases before it). */
const METHOD_KEYS: Readonly<Record<Method, readonly string[]>> = {
  grpo: [
    'num_generations',
    'max_completion_length',
    'reward_funcs',
    'reward_weights',
    'steps_per_generation',
    'use_vllm',
    'vllm_mode',
  ],
  kto: ['desirable_weight', 'undesirable_weight'],
  dpo: ['precompute_ref_log_probs', 'loss_weights', 'ld_alpha', 'f_divergence_type', 'rpo_alpha'],
  reward: ['center_rewards_coefficient'],
  sft: [
    'packing',
    'packing_strategy',
    'completion_only_loss',
    'assistant_only_loss',
    'chat_template_path',
    'dataset_text_field',
    'eval_packing',
  ],
};

/** Keys of TRL's ModelConfig and ScriptArguments, shared by its trainers. */
const TRL_KEYS = [
  'use_peft',
  'use_bnb_nested_quant',
  'bnb_4bit_quant_storage',
  'lora_task_type',
  'lora_modules_to_save',
  'dataset_num_proc',
  'padding_free',
  'dataset_train_split',
  'dataset_test_split',
  'max_prompt_length',
];

/** Told by a key that only one trainer has, then by the script's name, then by the file's own path. */
function methodOf(
  get: TrainerArguments['get'],
  config: Config | undefined,
  launch: Launch | undefined,
): { method: RunOutline['method']; trl: boolean } {
  for (const method of ['grpo', 'kto', 'dpo', 'reward', 'sft'] as const) {
    const key = get(...METHOD_KEYS[method]);
    if (!key) continue;
    const formula = `${key.key} is a key of TRL's ${method.toUpperCase()} trainer`;
    return { method: known(method, { kind: 'derived', formula, from: [key.origin] }), trl: true };
  }
  const trl = launch?.launcher === 'trl' || get(...TRL_KEYS) !== undefined;
  const script = launch?.script.known ? launch.script : undefined;
  const byScript = script && wordIn(script.value);
  if (byScript) {
    const formula = `the script is ${script.value}`;
    return { method: known(byScript, { kind: 'derived', formula, from: [script.origin] }), trl };
  }
  const byPath = config && wordIn(config.file.path.split('/').slice(-3).join('/'));
  if (byPath) return { method: assumed(byPath, `the path of the Trainer file says ${byPath}`), trl };
  return { method: unknown('no key and no script or file name tells the training method'), trl };
}

/** A training method among the words of a path. */
function wordIn(path: string): Method | undefined {
  const word = /(?:^|[/_.-])(sft|dpo|grpo|kto|reward)(?=[_./-]|$)/.exec(path.toLowerCase())?.[1];
  return (['sft', 'dpo', 'grpo', 'kto', 'reward'] as const).find((method) => method === word);
}

/** A boolean argument, or the framework's default where arguments are known. */
export function argumentOr(
  args: TrainerArguments,
  fallback: Default<boolean>,
  ...names: readonly string[]
): Known<boolean> {
  const written = args.get(...names);
  if (written) return booleanFrom(written);
  return args.present ? byDefault(fallback.value, fallback.of, fallback.source) : unknown(NO_ARGUMENTS);
}

/** Why a training argument is not known where nothing gives any. */
export const NO_ARGUMENTS = 'no Trainer file or launch line gives the training arguments';

/** `bf16` or `fp16` as TrainingArguments has it in the end. */
export function mixedPrecisionOf(
  args: TrainerArguments,
  defaults: { bf16: Default<boolean>; fp16: Default<boolean> },
): Known<'bf16' | 'fp16' | 'no'> {
  const fp16 = argumentOr(args, defaults.fp16, 'fp16');
  const bf16 = argumentOr(args, defaults.bf16, 'bf16');
  if (fp16.known && fp16.value) return { known: true, value: 'fp16', origin: fp16.origin };
  if (bf16.known && bf16.value) return { known: true, value: 'bf16', origin: bf16.origin };
  if (!bf16.known) return unknown(bf16.why, bf16.origin);
  if (!fp16.known) return unknown(fp16.why, fp16.origin);
  return { known: true, value: 'no', origin: bf16.origin };
}

/** `deepspeed`/`fsdp` switched on or off in the arguments themselves. */
export function switchOf(args: TrainerArguments, name: string): Known<string> | undefined {
  const written = args.get(name);
  return written && firstKnown(`${name} is not text`, textFrom(written));
}
