import { recipe } from '../rules-support/trainer-recipe';
import { removeFix } from '../rules-support/zero';
import { numberOf, setting } from '../settings';
import { rule } from './rule';

const TWICE = (steps: number) =>
  recipe(
    `gradient_accumulation_steps: ${steps}\naccelerator_config:\n  gradient_accumulation_kwargs:\n    num_steps: 4\n`,
  );

/** Reports gradient accumulation that is set in two places of the Trainer's arguments. */
export const accumulationSetTwice = rule({
  id: 'accumulation-set-twice',
  severity: 'error',
  applies: ['trainer'],
  needs: ['accelerator_config.gradient_accumulation_kwargs.num_steps'],
  why: 'accelerator_config can carry num_steps for gradient accumulation. The Trainer raises a ValueError when gradient_accumulation_steps is above 1 as well, and takes num_steps without a word when it is 1.',
  source: ['transformers src/transformers/trainer.py:798 (5.18.0)'],
  verified: 'run',
  examples: { bad: [{ files: TWICE(2) }], good: [{ files: TWICE(1) }] },
  check({ config, report }) {
    const inner = setting(config, 'accelerator_config.gradient_accumulation_kwargs.num_steps');
    const outer = setting(config, 'gradient_accumulation_steps');
    const steps = numberOf(outer);
    if (!inner || !outer || numberOf(inner) === undefined || steps === undefined || steps <= 1) return;
    report({
      at: [inner, outer],
      message: `num_steps and gradient_accumulation_steps ${steps} both set the accumulation; the Trainer stops at start-up.`,
      fixes: [removeFix(inner)],
    });
  },
});
