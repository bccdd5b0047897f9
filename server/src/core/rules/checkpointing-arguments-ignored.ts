import { checkpointingArguments, checkpointingSetting, isSpread, isTrl, recipe } from '../rules-support/trainer-recipe';
import { booleanOf } from '../settings';
import { insertEntry, replaceValue } from '../syntax/editing';
import { rule } from './rule';

/** Reports gradient_checkpointing_kwargs where nothing is checkpointed. */
export const checkpointingArgumentsIgnored = rule({
  id: 'checkpointing-arguments-ignored',
  severity: 'warning',
  applies: ['trainer'],
  needs: ['activation_checkpointing_kwargs', 'gradient_checkpointing_kwargs'],
  why: 'The Trainer reads gradient_checkpointing_kwargs only when gradient_checkpointing is true; its default is false, except in the configs of TRL.',
  source: [
    'transformers src/transformers/trainer.py (5.18.0) train: gradient_checkpointing_enable',
    'transformers src/transformers/training_args.py:904 (5.18.0) default',
  ],
  verified: 'read',
  examples: {
    bad: [{ files: recipe('gradient_checkpointing_kwargs:\n  use_reentrant: false\n') }],
    good: [{ files: recipe('gradient_checkpointing: true\ngradient_checkpointing_kwargs:\n  use_reentrant: false\n') }],
  },
  check({ config, run, report }) {
    const kwargs = checkpointingArguments(config);
    const on = checkpointingSetting(config);
    if (kwargs?.node?.kind !== 'mapping' || isSpread(config)) return;
    const off = on ? booleanOf(on) === false : !isTrl(config) && !run.method.known;
    if (!off) return;
    report({
      at: [kwargs, ...(on ? [on] : [])],
      on: 'key',
      severity: on ? 'hint' : 'warning',
      tag: 'unnecessary',
      message: `${kwargs.path} count for nothing while ${on?.path ?? kwargs.path.replace('_kwargs', '')} is false${on ? '' : ', its default'}: activations are kept in full.`,
      fixes: [
        {
          title: `Set ${on?.path ?? kwargs.path.replace('_kwargs', '')} to true`,
          edits: on?.node
            ? replaceValue(config.file, on.node, true)
            : insertEntry(config.file, config.root, kwargs.path.replace('_kwargs', ''), true),
        },
      ],
    });
  },
});
