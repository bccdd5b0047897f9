import { fillAuto } from '../dialects/deepspeed/auto';
import { CLIPPING_DEFAULT, DEEPSPEED } from '../dialects/deepspeed/defaults';
import { TRAINER_DEFAULTS, TRL_DEFAULTS } from '../dialects/trainer/defaults';
import { argumentOr, NO_ARGUMENTS, type TrainerArguments } from '../dialects/trainer/read';
import type { Place } from './cluster';
import { type Known, known, unknown } from './known';
import { readLiger, readLigerLoss, smoothsLabels } from './liger';
import { megatronCheckpointing } from './megatron';
import { isOlder, pluginSetting, type RunSources } from './sources';
import type { Sharding, TrainingRun } from './training-run';
import { booleanFrom, byDefault, choiceFrom, countFrom, isAutoText, numberFrom, textFrom, writtenIn } from './written';

/** transformers 5.23 calls it activation_checkpointing, and takes the new name before the old one (training_args.py:1531). */
const CHECKPOINTING = ['activation_checkpointing', 'gradient_checkpointing'] as const;

/** Recompute: the Trainer's gradient_checkpointing, or FSDP's activation_checkpointing. */
export function readCheckpointing(sources: RunSources, sharding: Known<Sharding>): TrainingRun['checkpointing'] {
  const { args, frameworks } = sources;
  if (sharding.known && sharding.value.kind === 'megatron') return megatronCheckpointing(sources);
  const fsdp = sharding.known && sharding.value.kind === 'fsdp' ? sharding.value.activationCheckpointing : undefined;
  if (fsdp?.known && fsdp.value) return known('full', fsdp.origin);
  // TRL's configs recompute by default since 0.22 (trl/trainer/sft_config.py:111); before, TrainingArguments' default held.
  const isNew = !isOlder(frameworks.trl, '0.22');
  const isTrl = args.trl && isNew;
  const fallback = isTrl ? TRL_DEFAULTS.gradientCheckpointing : TRAINER_DEFAULTS.gradientCheckpointing;
  if (isNew && mayBeTrl(args) && !args.get(...CHECKPOINTING))
    return unknown("TRL's trainers recompute by default, the Trainer does not, and no file tells which one runs");
  const on = argumentOr(args, fallback, ...CHECKPOINTING);
  if (!on.known)
    return unknown(args.present ? on.why : 'the script, which is not read, turns recomputation on or off', on.origin);
  if (!on.value) return known('none', on.origin);
  const every = args.get(
    'activation_checkpointing_kwargs.every_n_layers',
    'gradient_checkpointing_kwargs.every_n_layers',
  );
  const layers = every && countFrom(every);
  return layers?.known && layers.value > 1 ? known('selective', layers.origin) : known('full', on.origin);
}

/** TRL's scripts read these keys too, and scripts of the Trainer's examples, which have `do_train` or their own names for the length. */
function mayBeTrl({ trl, method, get }: TrainerArguments): boolean {
  return !trl && (method.known || get('max_length', 'dataset_name') !== undefined) && !get('do_train', 'block_size');
}

const ATTENTION = ['sdpa', 'eager', 'flash_attention_2', 'flash_attention_3', 'flex_attention'] as const;

/** The attention implementation the model is loaded with. */
export function readAttention({ args }: RunSources): TrainingRun['attention'] {
  const written = args.get('attn_implementation', 'model_init_kwargs.attn_implementation', 'attn_impl');
  if (written && written.plain !== null) return choiceFrom(written, ATTENTION);
  const flash = args.get('use_flash_attention_2', 'use_flash_attn');
  const on = flash && booleanFrom(flash);
  if (on && !on.known) return unknown(on.why, on.origin);
  if (on?.value) return known('flash_attention_2', on.origin);
  return byDefault('sdpa', 'transformers 5.18.0', 'transformers src/transformers/modeling_utils.py:1628');
}

/** Whether the loss is computed without a full logits tensor: Liger's kernel, or TRL's chunked loss. */
export function readFusedLoss(sources: RunSources): Known<boolean> {
  const { args, frameworks } = sources;
  const liger = readLiger(sources);
  if (!liger.known) return liger;
  const sft = args.trl && args.method.known && args.method.value === 'sft';
  const { trl } = frameworks;
  // TRL then leaves Liger the blocks alone (sft_trainer.py:1126, 1.16.0).
  const isTrls = sft && trl?.known && !isOlder(trl, '1.15');
  if (isTrls || liger.value) {
    const ours = isTrls
      ? byDefault(true, 'trl 1.15.0', 'trl trl/trainer/sft_trainer.py, fused_lm_head')
      : readLigerLoss(sources, liger);
    return (ours.known && ours.value && smoothsLabels(sources)) || ours;
  }
  const loss = args.get('loss_type');
  if (loss?.plain === 'chunked_nll') return known(true, loss.origin);
  if (!sft) return liger;
  const isWritten = loss !== undefined && loss.plain !== null;
  if (isWritten && trl?.known) return liger;
  // The releases were read one by one: "nll" is the default up to 1.6, "chunked_nll" from 1.7 to 1.14; since 1.15 all are fused.
  if (isOlder(trl, '1.7')) return byDefault(false, 'trl before 1.7', 'trl trl/trainer/sft_config.py:270 (1.6.0)');
  if (trl?.known) return byDefault(true, 'trl 1.7.0', 'trl trl/trainer/sft_config.py:283 (1.7.0)');
  return unknown(
    isWritten
      ? 'TRL 1.15 computes every SFT loss in chunks and releases before it do not, and the version is not known'
      : 'TRL 1.7 computes the SFT loss in chunks by default and old releases build all logits, and the version is not known',
    loss?.origin,
  );
}

/** Whether the model is compiled by torch.compile. */
export function readCompile({ args, accelerate }: RunSources): Known<boolean> {
  const setting = argumentOr(args, TRAINER_DEFAULTS.torchCompile, 'torch_compile');
  if (setting.known && setting.origin.kind !== 'default') return setting;
  // A backend or a mode alone switches it on (transformers training_args.py:1589, 5.18.0).
  const implied = args.get('torch_compile_backend', 'torch_compile_mode');
  if (implied && implied.plain !== null) return known(true, implied.origin);
  if (!setting.known && setting.origin) return setting;
  const dynamo = writtenIn(accelerate, 'dynamo_config.dynamo_backend');
  const backend = dynamo && textFrom(dynamo);
  if (backend?.known) return known(backend.value.toLowerCase() !== 'no', backend.origin);
  if (dynamo?.templated && backend) return unknown(backend.why, backend.origin);
  return setting.known || !accelerate
    ? setting
    : byDefault(false, 'accelerate 1.15.0', 'accelerate src/accelerate/commands/launch.py:216');
}

/** DeepSpeed clips by its own key; the Trainer's max_grad_norm fills "auto", and clips alone where there is no DeepSpeed. */
export function readClipping(sources: RunSources): Known<number> {
  const { args, deepspeed, frameworks } = sources;
  const written = writtenIn(deepspeed, 'gradient_clipping');
  if (isAutoText(written))
    return fillAuto(sources, written, 'gradient_clipping', unknown('nobody fills gradient_clipping'));
  if (written) return numberFrom(written);
  const argument = args.get('max_grad_norm');
  if (deepspeed && !args.present) {
    const old = isOlder(frameworks.deepspeed, '0.19.5');
    return byDefault(
      old ? 0 : CLIPPING_DEFAULT.value,
      old ? 'DeepSpeed before 0.19.5' : DEEPSPEED,
      CLIPPING_DEFAULT.source,
    );
  }
  if (argument) return numberFrom(argument);
  const plugin = pluginSetting(sources, 'gradient_clipping');
  if (plugin && !isAutoText(plugin)) return numberFrom(plugin);
  const { value, of, source } = TRAINER_DEFAULTS.maxGradNorm;
  return args.present ? byDefault(value, of, source) : unknown(NO_ARGUMENTS);
}

/** `eval_strategy` and `save_strategy` other than "no". */
export function readStrategy({ args }: RunSources, which: 'eval' | 'save'): Known<boolean> {
  const written = args.get(which === 'eval' ? 'eval_strategy' : 'save_strategy');
  if (written?.templated) return unknown(`${written.key} is filled in by a template or variable`, written.origin);
  // PyYAML reads a bare `no` as false; the framework rejects it, and what was meant is clear.
  if (written) return known(written.plain !== 'no' && written.plain !== false, written.origin);
  const { value, of, source } = which === 'eval' ? TRAINER_DEFAULTS.evaluates : TRAINER_DEFAULTS.saves;
  return args.present ? byDefault(value, of, source) : unknown(NO_ARGUMENTS);
}

/** Whether a checkpoint holds what resuming needs (`save_only_model`). */
export function readSavesOptimizer({ args }: RunSources): Known<boolean> {
  const written = args.get('save_only_model');
  const only = written && booleanFrom(written);
  if (only?.known) return known(!only.value, only.origin);
  return (
    only ?? byDefault(true, 'transformers 5.18.0', 'transformers src/transformers/training_args.py save_only_model')
  );
}

/** CPU threads of each rank: the environment's, the cluster description's, else 1 where torchrun starts several processes (torch/distributed/run.py). */
export function readThreads(
  { links }: RunSources,
  { worldSize, gpusPerNode, cluster }: Place,
  environment: TrainingRun['environment'],
): Known<number> {
  const { launch } = links;
  const said = environment.OMP_NUM_THREADS;
  if (said?.known) {
    const threads = Number(said.value);
    return Number.isInteger(threads) && threads > 0
      ? known(threads, said.origin)
      : unknown('OMP_NUM_THREADS is no whole number', said.origin);
  }
  if (said) return unknown(said.why, said.origin);
  const cpu = launch?.flags.get('num_cpu_threads_per_process');
  if (cpu) return countFrom(cpu);
  const described = cluster.known ? cluster.value.cpuThreadsPerProcess : undefined;
  if (cluster.known && described !== undefined) {
    return known(described, {
      kind: 'derived',
      formula: `cpuThreadsPerProcess of ${cluster.value.id}`,
      from: [cluster.origin],
    });
  }
  const torch =
    launch && (launch.launcher === 'torchrun' || launch.launcher === 'accelerate' || launch.launcher === 'trl');
  if (!torch) return unknown('no launch line sets OMP_NUM_THREADS');
  // torchrun counts the processes of the node: `nproc_per_node > 1` (torch/distributed/run.py).
  const started = launch.launcher === 'torchrun' && gpusPerNode.known ? gpusPerNode : worldSize;
  if (!started.known) return unknown(`torchrun sets 1 for several processes, and ${started.why}`);
  return started.value > 1
    ? byDefault(1, 'torchrun with several processes', 'torch/distributed/run.py')
    : unknown('one process takes every core it may use');
}
