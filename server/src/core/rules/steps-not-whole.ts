import { evalStrategyOf, loggingStrategyOf, recipe, saveStrategyOf } from '../rules-support/trainer-recipe';
import { numberOf, setting } from '../settings';
import { replaceValue } from '../syntax/editing';
import { rule } from './rule';

const STEPS = [
  ['logging_steps', loggingStrategyOf],
  ['eval_steps', evalStrategyOf],
  ['save_steps', saveStrategyOf],
] as const;

/** Reports numbers of steps that are neither a count nor a share of the run. */
export const stepsNotWhole = rule({
  id: 'steps-not-whole',
  severity: 'error',
  applies: ['trainer'],
  needs: STEPS.map(([key]) => key),
  why: 'logging_steps, eval_steps and save_steps are counts from 1 on and shares of the run below 1. TrainingArguments raises a ValueError for 10.5.',
  source: ['transformers src/transformers/training_args.py:1703 (5.18.0)'],
  verified: 'run',
  examples: {
    bad: [{ files: recipe('save_steps: 10.5\n') }],
    good: [{ files: recipe('save_steps: 0.5\n') }, { files: recipe('save_strategy: epoch\nsave_steps: 10.5\n') }],
  },
  check({ config, report }) {
    for (const [key, strategyOf] of STEPS) {
      const found = setting(config, key);
      const steps = numberOf(found);
      if (!found?.node || steps === undefined || steps <= 1 || Number.isInteger(steps)) continue;
      if (strategyOf(config)?.word !== 'steps') continue;
      report({
        at: found,
        message: `${key} is ${steps}; above 1 it has to be a whole number of steps, and the Trainer stops at start-up.`,
        fixes: Number.isFinite(steps)
          ? [
              {
                title: `Set ${key} to ${Math.round(steps)}`,
                preferred: true,
                edits: replaceValue(config.file, found.node, Math.round(steps)),
              },
            ]
          : [],
      });
    }
  },
});
