import { accelerateFsdp, fsdpSettingsOf } from '../rules-support/fsdp';
import { setting } from '../settings';
import { insertEntry } from '../syntax/editing';
import { rule } from './rule';

/** Says which FSDP an Accelerate file without a version runs. */
export const fsdpVersionMissing = rule({
  id: 'fsdp-version-missing',
  severity: 'information',
  applies: ['accelerate'],
  needs: ['fsdp_config'],
  why: 'Accelerate takes FSDP 1 where fsdp_version is absent, while `accelerate config` proposes 2 and the Trainer of transformers 5 takes 2. transformers announces the end of FSDP 1 for 5.20.',
  source: [
    'accelerate src/accelerate/commands/launch.py:513 (1.15.0)',
    'transformers src/transformers/training_args.py:2784 (5.18.0)',
    'transformers src/transformers/training_args.py:2822 (5.18.0) removal of FSDP 1',
  ],
  verified: 'run',
  examples: {
    bad: [{ files: accelerateFsdp('fsdp_auto_wrap_policy: TRANSFORMER_BASED_WRAP') }],
    good: [{ files: accelerateFsdp('fsdp_version: 1\nfsdp_auto_wrap_policy: TRANSFORMER_BASED_WRAP') }],
  },
  check({ config, run, report }) {
    const settings = fsdpSettingsOf(config, run);
    const section = setting(config, 'fsdp_config');
    if (!settings || settings.get('version') || section?.node?.kind !== 'mapping') return;
    const { node } = section;
    report({
      at: section,
      on: 'key',
      message:
        'fsdp_version is not set, so Accelerate runs FSDP 1; say so, or move to FSDP 2 with `accelerate to-fsdp2`.',
      fixes: [{ title: 'Set fsdp_version to 1', edits: insertEntry(config.file, node, 'fsdp_version', 1) }],
    });
  },
});
