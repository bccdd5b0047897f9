import { type Setting, setting, stringOf } from '../settings';
import type { Config } from '../source';

/** Optimizers DeepSpeed builds itself, compared without case (deepspeed/runtime/config.py:84, 0.19.6). */
export const DEEPSPEED_OPTIMIZERS = [
  'adagrad',
  'adam',
  'adamw',
  'lamb',
  'onebitadam',
  'onebitlamb',
  'zerooneadam',
  'muadam',
  'muadamw',
  'musgd',
  'lion',
  'muon',
] as const;

/** Classes of torch.optim, which must be written exactly (torch 2.13; the newest are Adafactor and Muon). */
export const TORCH_OPTIMIZERS = [
  'ASGD',
  'Adadelta',
  'Adafactor',
  'Adagrad',
  'Adam',
  'AdamW',
  'Adamax',
  'LBFGS',
  'Muon',
  'NAdam',
  'RAdam',
  'RMSprop',
  'Rprop',
  'SGD',
  'SparseAdam',
] as const;

/** Schedules of DeepSpeed with the parameters their constructors take (deepspeed/runtime/lr_schedules.py, 0.19.6). */
export const SCHEDULES: Readonly<
  Record<string, { readonly needs: readonly string[]; readonly takes: readonly string[] }>
> = {
  LRRangeTest: {
    needs: [],
    takes: [
      'lr_range_test_min_lr',
      'lr_range_test_step_size',
      'lr_range_test_step_rate',
      'lr_range_test_staircase',
      'last_batch_iteration',
    ],
  },
  OneCycle: {
    needs: ['cycle_min_lr', 'cycle_max_lr'],
    takes: [
      'cycle_min_lr',
      'cycle_max_lr',
      'decay_lr_rate',
      'cycle_first_step_size',
      'cycle_second_step_size',
      'cycle_first_stair_count',
      'cycle_second_stair_count',
      'decay_step_size',
      'cycle_momentum',
      'cycle_min_mom',
      'cycle_max_mom',
      'decay_mom_rate',
      'last_batch_iteration',
    ],
  },
  WarmupLR: {
    needs: [],
    takes: ['warmup_min_lr', 'warmup_max_lr', 'warmup_num_steps', 'warmup_type', 'last_batch_iteration'],
  },
  WarmupDecayLR: {
    needs: ['total_num_steps'],
    takes: [
      'total_num_steps',
      'warmup_min_lr',
      'warmup_max_lr',
      'warmup_num_steps',
      'warmup_type',
      'last_batch_iteration',
    ],
  },
  WarmupCosineLR: {
    needs: ['total_num_steps'],
    takes: [
      'total_num_steps',
      'warmup_min_ratio',
      'warmup_num_steps',
      'cos_min_ratio',
      'warmup_type',
      'last_batch_iteration',
    ],
  },
};

/** `optimizer.type`, in lower case where DeepSpeed compares it so. */
export function optimizerOf(config: Config): { readonly found: Setting; readonly name: string } | undefined {
  const found = setting(config, 'optimizer.type');
  const written = stringOf(found);
  if (!found || written === undefined || written === 'auto') return undefined;
  const lower = written.toLowerCase();
  return { found, name: DEEPSPEED_OPTIMIZERS.some((known) => known === lower) ? lower : written };
}

/** A name of the list that differs from `written` by case alone. */
export function sameButCase(written: string, names: readonly string[]): string | undefined {
  const lower = written.toLowerCase();
  return names.find((name) => name.toLowerCase() === lower);
}
