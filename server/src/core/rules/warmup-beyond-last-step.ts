import { recipe } from '../rules-support/trainer-recipe';
import { numberOf, setting } from '../settings';
import { replaceValue } from '../syntax/editing';
import { rule } from './rule';

/** Reports a warm-up that ends after the run does. */
export const warmupBeyondLastStep = rule({
  id: 'warmup-beyond-last-step',
  severity: 'warning',
  applies: ['trainer'],
  needs: ['warmup_steps'],
  why: 'The learning rate rises for warmup_steps and falls after them. A run that ends first never reaches the learning rate it names, and nothing is printed.',
  source: ['transformers src/transformers/optimization.py:111 (5.18.0) _get_linear_schedule_with_warmup_lr_lambda'],
  verified: 'run',
  examples: {
    bad: [{ files: recipe('warmup_steps: 500\nmax_steps: 100\n') }],
    good: [{ files: recipe('warmup_steps: 10\nmax_steps: 100\n') }],
  },
  check({ config, report }) {
    const warmup = setting(config, 'warmup_steps');
    const most = setting(config, 'max_steps');
    const rising = numberOf(warmup);
    const last = numberOf(most);
    if (!warmup || !most || rising === undefined || last === undefined || last <= 0 || rising <= last) return;
    report({
      at: [warmup, most],
      message: `The learning rate rises for ${rising} steps and the run ends after ${last}: it never reaches what learning_rate says.`,
      fixes: warmup.node
        ? [
            {
              title: `Set warmup_steps to ${Math.floor(last / 10)}, a tenth of the run`,
              edits: replaceValue(config.file, warmup.node, Math.floor(last / 10)),
            },
          ]
        : [],
    });
  },
});
