import { evalStrategyOf, isSet, isTrl, numberOr, recipe } from '../rules-support/trainer-recipe';
import { setting } from '../settings';
import { insertEntry, replaceValue } from '../syntax/editing';
import { rule } from './rule';

/** Says how often a run evaluates that does not say it itself. */
export const evalStepsLeftOut = rule({
  id: 'eval-steps-left-out',
  severity: 'information',
  applies: ['trainer'],
  needs: ['eval_strategy', 'evaluation_strategy'],
  why: 'With eval_strategy "steps" and no eval_steps the Trainer evaluates every logging_steps, without a word: every 500 steps by default, with the configs of TRL every 10.',
  source: [
    'transformers src/transformers/training_args.py:1542 (5.18.0)',
    'trl trl/trainer/base_config.py:54 (1.13.0) logging_steps defaults to 10',
  ],
  verified: 'run',
  examples: {
    bad: [{ files: recipe('eval_strategy: steps\n') }],
    good: [{ files: recipe('eval_strategy: steps\neval_steps: 100\n') }],
  },
  check({ config, report }) {
    const strategy = evalStrategyOf(config);
    const steps = setting(config, 'eval_steps');
    if (strategy?.word !== 'steps' || !strategy.written || isSet(config, 'eval_steps')) return;
    const logging = numberOr(config, 'logging_steps', isTrl(config) ? 10 : 500);
    if (logging === undefined || logging <= 0) return;
    report({
      at: strategy.written,
      message: `eval_steps is not set, so the run evaluates every ${logging} steps: it takes logging_steps for it.`,
      fixes: [
        {
          title: `Set eval_steps to ${logging}`,
          edits: steps?.node
            ? replaceValue(config.file, steps.node, logging)
            : insertEntry(config.file, config.root, 'eval_steps', logging, { after: strategy.written.entry }),
        },
      ],
    });
  },
});
