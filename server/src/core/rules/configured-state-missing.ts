import { recipe } from '../rules-support/trainer-recipe';
import { booleanOf, setting } from '../settings';
import { replaceValue } from '../syntax/editing';
import { rule } from './rule';

/** Reports a Trainer that is to use a state that somebody else must have made. */
export const configuredStateMissing = rule({
  id: 'configured-state-missing',
  severity: 'warning',
  applies: ['trainer'],
  needs: ['accelerator_config.use_configured_state'],
  why: 'use_configured_state takes the Accelerator state that the script made before its arguments. Scripts that read their arguments first, as nearly all do, stop with a ValueError.',
  source: ['transformers src/transformers/training_args.py:1826 (5.18.0)'],
  verified: 'run',
  examples: {
    bad: [{ files: recipe('accelerator_config:\n  use_configured_state: true\n') }],
    good: [{ files: recipe('accelerator_config:\n  use_configured_state: false\n') }],
  },
  check({ config, report }) {
    const found = setting(config, 'accelerator_config.use_configured_state');
    if (!found?.node || booleanOf(found) !== true) return;
    report({
      at: found,
      message:
        'use_configured_state needs a script that makes an Accelerator before it reads these arguments; any other stops at start-up.',
      fixes: [{ title: 'Set use_configured_state to false', edits: replaceValue(config.file, found.node, false) }],
    });
  },
});
