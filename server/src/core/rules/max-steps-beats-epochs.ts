import { recipe } from '../rules-support/trainer-recipe';
import { removeFix } from '../rules-support/zero';
import { numberOf, setting } from '../settings';
import { rule } from './rule';

/** Says which of two lengths of the run counts. */
export const maxStepsBeatsEpochs = rule({
  id: 'max-steps-beats-epochs',
  severity: 'hint',
  applies: ['trainer'],
  needs: ['num_train_epochs'],
  why: 'A positive max_steps overrides num_train_epochs; the Trainer says so only at info level.',
  source: ['transformers src/transformers/trainer.py:714 (5.18.0)'],
  verified: 'run',
  examples: {
    bad: [{ files: recipe('max_steps: 100\n') }],
    good: [{ files: recipe('max_steps: -1\n') }],
  },
  check({ config, report }) {
    const epochs = setting(config, 'num_train_epochs');
    const steps = setting(config, 'max_steps');
    const count = numberOf(steps);
    if (!epochs || !steps || numberOf(epochs) === undefined || count === undefined || count <= 0) return;
    report({
      at: [epochs, steps],
      on: 'key',
      tag: 'unnecessary',
      message: `max_steps is ${count}, so num_train_epochs counts for nothing.`,
      fixes: [removeFix(epochs)],
    });
  },
});
