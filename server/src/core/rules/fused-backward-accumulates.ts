import { isTrue, recipe } from '../rules-support/trainer-recipe';
import { numberOf, setting, stringOf } from '../settings';
import { replaceValue } from '../syntax/editing';
import { rule } from './rule';

/** Reports accumulation with an optimizer that steps in the backward pass. */
export const fusedBackwardAccumulates = rule({
  id: 'fused-backward-accumulates',
  severity: 'warning',
  applies: ['trainer'],
  needs: ['optim'],
  why: 'LOMO updates each weight in the backward pass and keeps no gradient. With gradient accumulation it makes an update for every micro-batch, at the full learning rate, instead of one for all of them.',
  source: [
    'transformers src/transformers/trainer_optimizer.py:413 (5.18.0) lomo',
    'accelerate src/accelerate/accelerator.py:4370 (1.15.0) lomo_backward',
  ],
  verified: 'read',
  examples: {
    bad: [{ files: recipe('optim: adalomo\ngradient_accumulation_steps: 4\n') }],
    good: [{ files: recipe('optim: adalomo\ngradient_accumulation_steps: 1\n') }],
  },
  check({ config, report }) {
    const optim = setting(config, 'optim');
    const accumulation = setting(config, 'gradient_accumulation_steps');
    const steps = numberOf(accumulation);
    const name = stringOf(optim);
    if (!optim || !accumulation?.node || (name !== 'lomo' && name !== 'adalomo')) return;
    if (steps === undefined || steps <= 1 || isTrue(config, 'auto_find_batch_size')) return;
    report({
      at: [accumulation, optim],
      message: `${name} updates the weights in every backward pass, so gradient_accumulation_steps ${steps} makes ${steps} small updates and accumulates nothing.`,
      fixes: [
        {
          title: 'Set gradient_accumulation_steps to 1',
          edits: replaceValue(config.file, accumulation.node, 1),
        },
      ],
    });
  },
});
