import { ownValue } from '../own-value';
import { isBuiltByDeepSpeed } from '../rules-support/owners';
import { recipe } from '../rules-support/trainer-recipe';
import { setting, stringOf } from '../settings';
import { removeEntry } from '../syntax/editing';
import type { Entry } from '../syntax/node';
import { rule } from './rule';

/** What each schedule takes besides warm-up and total steps (transformers src/transformers/optimization.py, 5.18.0). */
const ARGUMENTS: Readonly<Record<string, readonly string[]>> = {
  linear: [],
  cosine: ['num_cycles'],
  cosine_with_restarts: ['num_cycles'],
  polynomial: ['lr_end', 'power'],
  inverse_sqrt: ['timescale'],
  cosine_with_min_lr: ['num_cycles', 'min_lr', 'min_lr_rate'],
  cosine_warmup_with_min_lr: ['num_cycles', 'min_lr', 'min_lr_rate', 'warmup_lr_rate'],
  warmup_stable_decay: [
    'num_decay_steps',
    'num_stable_steps',
    'warmup_type',
    'decay_type',
    'min_lr_ratio',
    'num_cycles',
  ],
};

/** Forms of the rising and the falling part of warmup_stable_decay (optimization.py:560). */
const SHAPES = new Set(['linear', 'cosine', '1-sqrt']);

/** Arguments every schedule function has, which the Trainer passes itself: a second time is an error too. */
const SHARED = new Set(['last_epoch']);

/** Reports lr_scheduler_kwargs that the chosen schedule does not take. */
export const schedulerArgumentUnknown = rule({
  id: 'scheduler-argument-unknown',
  severity: 'error',
  applies: ['trainer'],
  needs: ['lr_scheduler_kwargs'],
  why: 'lr_scheduler_kwargs go to the schedule function as they are, and Python raises a TypeError for an argument it does not have when the schedule is built.',
  source: ['transformers src/transformers/optimization.py:1049 (5.18.0) get_scheduler'],
  verified: 'run',
  examples: {
    bad: [{ files: recipe('lr_scheduler_type: cosine\nlr_scheduler_kwargs:\n  min_lr_rate: 0.1\n') }],
    good: [{ files: recipe('lr_scheduler_type: cosine_with_min_lr\nlr_scheduler_kwargs:\n  min_lr_rate: 0.1\n') }],
  },
  check({ config, run, report }) {
    const kwargs = setting(config, 'lr_scheduler_kwargs');
    const type = setting(config, 'lr_scheduler_type');
    const name = type ? stringOf(type) : 'linear';
    const known = ownValue(ARGUMENTS, name);
    if (kwargs?.node?.kind !== 'mapping' || known === undefined || isBuiltByDeepSpeed(run, 'scheduler')) return;
    for (const entry of kwargs.node.entries) {
      if (name === 'warmup_stable_decay') shapeOf(entry);
      if (known.includes(entry.key) || SHARED.has(entry.key)) continue;
      const takers = Object.keys(ARGUMENTS).filter((one) => ARGUMENTS[one]?.includes(entry.key));
      report({
        at: { config, path: `lr_scheduler_kwargs.${entry.key}`, entry, node: entry.value },
        on: 'key',
        severity: type ? 'error' : 'warning',
        message: `The ${name} schedule takes ${known.length === 0 ? 'no arguments' : known.join(', ')}, not ${entry.key}${takers.length > 0 ? ` (${takers.join(', ')} ${takers.length === 1 ? 'does' : 'do'})` : ''}; the job stops when the schedule is built.`,
        fixes: [{ title: `Remove ${entry.key}`, edits: removeEntry(config.file, kwargs.node, entry) }],
      });
    }

    function shapeOf(entry: Entry): void {
      const { key, value } = entry;
      const shape = value?.kind === 'scalar' && !value.templated ? value.scalar.value : undefined;
      if ((key !== 'decay_type' && key !== 'warmup_type') || typeof shape !== 'string' || SHAPES.has(shape)) return;
      report({
        at: { config, path: `lr_scheduler_kwargs.${key}`, entry, node: value },
        message: `${key} is "${shape}", and takes ${[...SHAPES].join(', ')}; the job stops when the schedule is built.`,
      });
    }
  },
});
