import { evalStrategyOf, recipe } from '../rules-support/trainer-recipe';
import { numberOf, setting } from '../settings';
import { insertEntry, replaceValue } from '../syntax/editing';
import { rule } from './rule';

/** Reports eval_steps in a run that never evaluates. */
export const evalStepsWithoutStrategy = rule({
  id: 'eval-steps-without-strategy',
  severity: 'warning',
  applies: ['trainer'],
  needs: ['eval_steps'],
  why: 'eval_steps counts only while eval_strategy is "steps". Its default is "no", so the run trains to the end without one evaluation and says nothing.',
  source: [
    'transformers src/transformers/training_args.py:1088 (5.18.0) default of eval_strategy',
    'transformers src/transformers/trainer_callback.py (5.18.0) DefaultFlowCallback.on_step_end',
  ],
  verified: 'read',
  examples: {
    bad: [{ files: recipe('eval_steps: 100\n') }, { files: recipe('eval_steps: 100\neval_strategy: epoch\n') }],
    good: [{ files: recipe('eval_steps: 100\neval_strategy: steps\n') }],
  },
  check({ config, report }) {
    const steps = setting(config, 'eval_steps');
    const strategy = evalStrategyOf(config);
    if (!steps || numberOf(steps) === undefined || !strategy || strategy.word === 'steps') return;
    const { word, written } = strategy;
    report({
      at: [steps, ...(written ? [written] : [])],
      on: 'key',
      severity: written ? 'hint' : 'warning',
      message: written
        ? `eval_steps counts for nothing while eval_strategy is "${word}".`
        : 'eval_steps is set, but eval_strategy is not, and its default is "no": the run never evaluates.',
      fixes: [
        {
          title: 'Set eval_strategy to "steps"',
          edits: written?.node
            ? replaceValue(config.file, written.node, 'steps')
            : insertEntry(config.file, config.root, 'eval_strategy', 'steps', { after: steps.entry }),
        },
      ],
      ...(written ? { tag: 'unnecessary' as const } : {}),
    });
  },
});
