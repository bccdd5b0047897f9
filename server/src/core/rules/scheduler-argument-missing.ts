import { isBuiltByDeepSpeed } from '../rules-support/owners';
import { isSet, isSpread, recipe, severityOfAbsence } from '../rules-support/trainer-recipe';
import { removeFix } from '../rules-support/zero';
import { setting, stringOf } from '../settings';
import { setPath } from '../syntax/editing';
import { rule } from './rule';

/** Checks the arguments that a schedule cannot do without. */
export const schedulerArgumentMissing = rule({
  id: 'scheduler-argument-missing',
  severity: 'error',
  applies: ['trainer'],
  needs: ['lr_scheduler_type'],
  why: 'The cosine schedules with a floor need exactly one of min_lr and min_lr_rate, and warmup_stable_decay needs num_decay_steps. The job stops when the schedule is built.',
  source: [
    'transformers src/transformers/optimization.py:373 (5.18.0) cosine_with_min_lr',
    'transformers src/transformers/optimization.py:453 (5.18.0) cosine_warmup_with_min_lr',
    'transformers src/transformers/optimization.py:553 (5.18.0) warmup_stable_decay',
  ],
  verified: 'run',
  examples: {
    bad: [
      { files: recipe('lr_scheduler_type: cosine_with_min_lr\n') },
      {
        files: recipe(
          'lr_scheduler_type: cosine_with_min_lr\nlr_scheduler_kwargs:\n  min_lr: 0.00001\n  min_lr_rate: 0.1\n',
        ),
      },
      { files: recipe('lr_scheduler_type: warmup_stable_decay\nlr_scheduler_kwargs:\n  num_stable_steps: 100\n') },
    ],
    good: [
      { files: recipe('lr_scheduler_type: cosine_with_min_lr\nlr_scheduler_kwargs:\n  min_lr_rate: 0.1\n') },
      { files: recipe('lr_scheduler_type: warmup_stable_decay\nlr_scheduler_kwargs:\n  num_decay_steps: 100\n') },
    ],
  },
  check({ config, run, report }) {
    const type = setting(config, 'lr_scheduler_type');
    const name = stringOf(type);
    const kwargs = setting(config, 'lr_scheduler_kwargs');
    if (!type || name === undefined || isBuiltByDeepSpeed(run, 'scheduler') || isSpread(config)) return;
    // A text is JSON of a command line, which is not read here.
    if (kwargs && kwargs.node?.kind !== 'mapping') return;
    const severity = kwargs ? 'error' : severityOfAbsence(config);
    if (name === 'cosine_with_min_lr' || name === 'cosine_warmup_with_min_lr') {
      const floors = ['min_lr', 'min_lr_rate'].filter((key) => isSet(config, `lr_scheduler_kwargs.${key}`));
      if (floors.length === 1) return;
      const second = setting(config, 'lr_scheduler_kwargs.min_lr');
      report({
        at: type,
        severity,
        message: `${name} needs exactly one of min_lr and min_lr_rate in lr_scheduler_kwargs, and ${floors.length === 0 ? 'has neither' : 'has both'}; the job stops when the schedule is built.`,
        fixes:
          floors.length === 0
            ? [set('min_lr_rate', 0.1)]
            : second
              ? [{ ...removeFix(second), title: 'Keep min_lr_rate only' }]
              : [],
      });
    }
    if (name === 'warmup_stable_decay' && !isSet(config, 'lr_scheduler_kwargs.num_decay_steps')) {
      report({
        at: type,
        severity,
        message:
          'warmup_stable_decay needs num_decay_steps in lr_scheduler_kwargs; the job stops when the schedule is built.',
        fixes: [set('num_decay_steps', 100)],
      });
    }

    function set(key: string, value: number) {
      return {
        title: `Set lr_scheduler_kwargs.${key} to ${value}`,
        edits: setPath(config.file, config.root, `lr_scheduler_kwargs.${key}`, value),
      };
    }
  },
});
