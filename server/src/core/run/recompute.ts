import { type Known, known, unknown } from './known';
import { isOlder, type RunSources } from './sources';
import type { Sharding } from './training-run';
import { booleanFrom, byDefault, countFrom } from './written';

const USE_REENTRANT = [
  'activation_checkpointing_kwargs.use_reentrant',
  'gradient_checkpointing_kwargs.use_reentrant',
  'gradient_checkpointing_use_reentrant',
] as const;

/**
 * Whether recomputing a block ends once everything is there that its backward needs, so that its last product is not run again.
 * torch does so since 2.1 in the way without re-entrance (torch/utils/checkpoint.py, `_StopRecomputationError`); accelerate wraps
 * FSDP's blocks in that way (accelerate/utils/fsdp_utils.py, `NO_REENTRANT`), the Trainer by default since transformers 5.
 */
export function readEarlyStop({ args, frameworks }: RunSources, sharding: Known<Sharding>): Known<boolean> {
  if (isOlder(frameworks.torch, '2.1')) return byDefault(false, 'torch before 2.1', 'torch torch/utils/checkpoint.py');
  const fsdp = sharding.known && sharding.value.kind === 'fsdp' ? sharding.value.activationCheckpointing : undefined;
  if (fsdp?.known && fsdp.value) {
    return byDefault(true, 'accelerate 1.15.0', 'accelerate src/accelerate/utils/fsdp_utils.py');
  }
  const written = args.get(...USE_REENTRANT);
  const reentrant = written && booleanFrom(written);
  if (reentrant?.known) return known(!reentrant.value, reentrant.origin);
  return isOlder(frameworks.transformers, '5.0')
    ? byDefault(false, 'transformers before 5', 'transformers src/transformers/modeling_utils.py:3692 (4.57.6)')
    : byDefault(true, 'transformers 5', 'transformers src/transformers/modeling_utils.py:3138 (5.18.0)');
}

const KWARGS = ['activation_checkpointing_kwargs', 'gradient_checkpointing_kwargs'] as const;

/** `every_n_layers` of transformers 5 recomputes every n-th block (modeling_utils.py:3237, 5.23.0). */
export function readRecomputedEvery({ args }: RunSources): Known<number> | undefined {
  const written = args.get(...KWARGS.map((name) => `${name}.every_n_layers`));
  return written && countFrom(written);
}

/** TRL's activation_offloading sends all that autograd keeps to the host, transformers' `offload` the inputs of recomputed blocks. */
export function readSavedOnHost({ args }: RunSources): Known<'nothing' | 'checkpoints' | 'everything'> | undefined {
  const all = args.get('activation_offloading');
  const inputs = args.get(...KWARGS.map((name) => `${name}.offload`));
  for (const [written, what] of [
    [all, 'everything'],
    [inputs, 'checkpoints'],
  ] as const) {
    const on = written && booleanFrom(written);
    if (on && !on.known) return unknown(on.why, on.origin);
    if (on?.value) return known(what, on.origin);
  }
  return undefined;
}

/** Processes that load samples beside each rank (`dataloader_num_workers`). */
export function readLoaderWorkers({ args }: RunSources): Known<number> {
  const written = args.get('dataloader_num_workers');
  if (written) return countFrom(written, 0);
  return args.present
    ? byDefault(0, 'transformers 5.18.0', 'transformers src/transformers/training_args.py dataloader_num_workers')
    : unknown('the script builds its data loader');
}

/** Whether gradients are reduced after every micro-batch, not only after the last of a step (accelerate's `sync_each_batch`). */
export function readSyncEachMicro({ args }: RunSources): Known<boolean> {
  const written = args.get('accelerator_config.gradient_accumulation_kwargs.sync_each_batch');
  const each = written && booleanFrom(written);
  return each ?? byDefault(false, 'accelerate 1.15.0', 'accelerate src/accelerate/utils/dataclasses.py');
}
