import { isTrue, recipe } from '../rules-support/trainer-recipe';
import { isAtLeast, statedVersion } from '../schema/versions';
import { booleanOf, setting } from '../settings';
import { replaceValue, setPath } from '../syntax/editing';
import { rule } from './rule';

const BOTH = 'gradient_checkpointing: true\nddp_find_unused_parameters: true\n';

/** Reports reentrant recomputation under DDP that looks for unused parameters. */
export const reentrantWithUnusedParameters = rule({
  id: 'reentrant-with-unused-parameters',
  severity: 'warning',
  applies: ['trainer'],
  needs: ['ddp_find_unused_parameters'],
  why: 'Reentrant checkpointing runs a second backward pass inside the first. DDP with find_unused_parameters has already marked those parameters as done and stops with "marked as ready twice".',
  source: [
    'transformers src/transformers/trainer.py:733 (5.18.0) ddp_find_unused_parameters',
    'torch/nn/parallel/distributed.py (2.13.0) marked as ready twice',
  ],
  verified: 'read',
  examples: {
    bad: [{ files: recipe(`${BOTH}gradient_checkpointing_kwargs:\n  use_reentrant: true\n`) }],
    good: [{ files: recipe(`${BOTH}gradient_checkpointing_kwargs:\n  use_reentrant: false\n`) }],
  },
  check({ config, run, report }) {
    const unused = setting(config, 'ddp_find_unused_parameters');
    if (!unused?.node || !isTrue(config, 'ddp_find_unused_parameters') || !isTrue(config, 'gradient_checkpointing'))
      return;
    if (
      run.configs.deepspeed ||
      (run.sharding.known && run.sharding.value.kind !== 'ddp' && run.sharding.value.kind !== 'single')
    )
      return;
    const reentrant =
      setting(config, 'gradient_checkpointing_kwargs.use_reentrant') ??
      setting(config, 'gradient_checkpointing_use_reentrant');
    const stated = statedVersion(run, 'transformers');
    // Without the key transformers 4 recomputes reentrantly and 5 does not.
    const on = reentrant ? booleanOf(reentrant) === true : stated !== undefined && !isAtLeast(stated, '5.0.0');
    if (!on) return;
    report({
      at: reentrant ? [unused, reentrant] : unused,
      message: `ddp_find_unused_parameters with reentrant gradient checkpointing${reentrant ? '' : `, the default of transformers ${stated ?? ''},`} makes DDP stop with "marked as ready twice" in the first backward pass.`,
      fixes: [
        { title: 'Set ddp_find_unused_parameters to false', edits: replaceValue(config.file, unused.node, false) },
        {
          title: 'Set use_reentrant to false',
          edits: reentrant?.node
            ? replaceValue(config.file, reentrant.node, false)
            : setPath(config.file, config.root, 'gradient_checkpointing_kwargs.use_reentrant', false),
        },
      ],
    });
  },
});
