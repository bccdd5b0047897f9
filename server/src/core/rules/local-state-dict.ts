import { accelerateFsdp, fsdpSettingsOf, fsdpVersionOf, severityOfRead } from '../rules-support/fsdp';
import { stringOf } from '../settings';
import { replaceValue } from '../syntax/editing';
import { rule } from './rule';

/** Reports the local state dict, which FSDP 2 does not have. */
export const localStateDict = rule({
  id: 'local-state-dict',
  severity: 'error',
  applies: ['fsdp', 'accelerate'],
  why: 'FSDP 2 has no local state dict, and Accelerate raises a ValueError when it is asked for one.',
  source: ['accelerate src/accelerate/utils/dataclasses.py:2069 (1.15.0)'],
  verified: 'run',
  examples: {
    bad: [
      { name: 'accelerate.yaml', files: accelerateFsdp('fsdp_version: 2\nfsdp_state_dict_type: LOCAL_STATE_DICT') },
    ],
    good: [
      { name: 'accelerate.yaml', files: accelerateFsdp('fsdp_version: 2\nfsdp_state_dict_type: SHARDED_STATE_DICT') },
    ],
  },
  check({ config, run, report }) {
    const settings = fsdpSettingsOf(config, run);
    const found = settings?.get('state_dict_type');
    if (!settings || !found?.node || stringOf(found)?.toUpperCase() !== 'LOCAL_STATE_DICT') return;
    if (fsdpVersionOf(settings, run) !== 2) return;
    report({
      at: found,
      severity: severityOfRead(settings, run),
      message: `FSDP 2 has no LOCAL_STATE_DICT (${found.path}); Accelerate stops at start-up.`,
      fixes: [
        {
          title: 'Use SHARDED_STATE_DICT',
          preferred: true,
          edits: replaceValue(found.config.file, found.node, 'SHARDED_STATE_DICT'),
        },
      ],
    });
  },
});
