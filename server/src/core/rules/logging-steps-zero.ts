import { evalStrategyOf, loggingStrategyOf, numberOr, recipe } from '../rules-support/trainer-recipe';
import { numberOf, setting } from '../settings';
import { insertEntry, replaceValue } from '../syntax/editing';
import { rule } from './rule';

/** Reports a count of zero where the strategy counts steps. */
export const loggingStepsZero = rule({
  id: 'logging-steps-zero',
  severity: 'error',
  applies: ['trainer'],
  needs: ['logging_steps'],
  why: 'TrainingArguments raises a ValueError when it logs or evaluates by steps and the number of steps is 0.',
  source: [
    'transformers src/transformers/training_args.py:1700 (5.18.0) logging_steps',
    'transformers src/transformers/training_args.py:1542 (5.18.0) eval_steps falls back to logging_steps',
  ],
  verified: 'run',
  examples: {
    bad: [
      {
        files:
          'output_dir: out\nlearning_rate: 2.0e-5\nper_device_train_batch_size: 1\nnum_train_epochs: 1\nlogging_steps: 0\nbf16: true\n',
      },
    ],
    good: [
      { files: recipe('') },
      { files: recipe('').replace('logging_steps: 10', 'logging_strategy: "no"\nlogging_steps: 0') },
    ],
  },
  check({ config, report }) {
    const steps = setting(config, 'logging_steps');
    if (!steps?.node || numberOf(steps) !== 0) return;
    const logs = loggingStrategyOf(config)?.word === 'steps';
    const evaluates = evalStrategyOf(config)?.word === 'steps' && numberOr(config, 'eval_steps', 0) === 0;
    if (!logs && !evaluates) return;
    const strategy = setting(config, 'logging_strategy');
    report({
      at: steps,
      message: logs
        ? 'logging_steps is 0 while logging_strategy is "steps"; the Trainer stops at start-up.'
        : 'eval_steps is not set and logging_steps, which stands in for it, is 0; the Trainer stops at start-up.',
      fixes: [
        { title: 'Set logging_steps to 10', edits: replaceValue(config.file, steps.node, 10) },
        ...(logs && !evaluates && !strategy
          ? [
              {
                title: 'Set logging_strategy to "no"',
                edits: insertEntry(config.file, config.root, 'logging_strategy', 'no', { after: steps.entry }),
              },
            ]
          : []),
      ],
    });
  },
});
