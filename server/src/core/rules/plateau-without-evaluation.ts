import { evalStrategyOf, recipe, severityOfAbsence } from '../rules-support/trainer-recipe';
import { setting, stringOf } from '../settings';
import { insertEntry, replaceValue } from '../syntax/editing';
import { rule } from './rule';

/** Reports schedulers that follow the evaluation in a run that never evaluates. */
export const plateauWithoutEvaluation = rule({
  id: 'plateau-without-evaluation',
  severity: 'error',
  applies: ['trainer'],
  needs: ['lr_scheduler_type'],
  why: 'These schedulers lower the learning rate when the evaluation stops improving. TrainingArguments raises a ValueError when eval_strategy is "no".',
  source: ['transformers src/transformers/training_args.py:1758 (5.18.0)'],
  verified: 'run',
  examples: {
    bad: [{ files: recipe('lr_scheduler_type: reduce_lr_on_plateau\n') }],
    good: [{ files: recipe('lr_scheduler_type: reduce_lr_on_plateau\neval_strategy: epoch\n') }],
  },
  check({ config, report }) {
    const scheduler = setting(config, 'lr_scheduler_type');
    const name = stringOf(scheduler);
    const strategy = evalStrategyOf(config);
    if (!scheduler || (name !== 'reduce_lr_on_plateau' && name !== 'greedy') || strategy?.word !== 'no') return;
    const { written } = strategy;
    report({
      at: [scheduler, ...(written ? [written] : [])],
      severity: written ? 'error' : severityOfAbsence(config),
      message: `lr_scheduler_type ${name} follows the evaluation, but eval_strategy is "no"${written ? '' : ' by default'}; the Trainer stops at start-up.`,
      fixes: [
        {
          title: 'Set eval_strategy to "epoch"',
          edits: written?.node
            ? replaceValue(config.file, written.node, 'epoch')
            : insertEntry(config.file, config.root, 'eval_strategy', 'epoch', { after: scheduler.entry }),
        },
      ],
    });
  },
});
