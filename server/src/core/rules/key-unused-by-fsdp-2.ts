import { accelerateFsdp, fsdpSettingsOf, fsdpVersionOf } from '../rules-support/fsdp';
import { removalOf } from '../rules-support/zero';
import { scalarOf } from '../settings';
import { rule } from './rule';

/** What became of the keys of FSDP 1 that FSDP 2 does without. */
const GONE: Readonly<Record<string, string>> = {
  backward_prefetch: 'it always fetches the next unit',
  forward_prefetch: 'it has no such setting',
  use_orig_params: 'it always keeps the original parameters',
  sync_module_states: 'it needs none',
  limit_all_gathers: 'it has no such setting',
  sharding_strategy: 'it has reshard_after_forward instead',
};

/** Reports keys of FSDP 1 in a config of FSDP 2. */
export const keyUnusedByFsdp2 = rule({
  id: 'key-unused-by-fsdp-2',
  severity: 'hint',
  applies: ['fsdp', 'accelerate'],
  why: 'FSDP 2 has no prefetch setting, no sharding strategy and always keeps the original parameters. Accelerate prints one warning and drops the keys; the Trainer does not look at them.',
  source: [
    'accelerate src/accelerate/utils/dataclasses.py:1903 (1.15.0)',
    'transformers src/transformers/training_args.py:2816 (5.18.0)',
  ],
  verified: 'run',
  examples: {
    bad: [{ name: 'accelerate.yaml', files: accelerateFsdp('fsdp_version: 2\nfsdp_use_orig_params: true') }],
    good: [{ name: 'accelerate.yaml', files: accelerateFsdp('fsdp_version: 1\nfsdp_use_orig_params: true') }],
  },
  check({ config, run, report }) {
    const settings = fsdpSettingsOf(config, run);
    if (!settings || fsdpVersionOf(settings, run) !== 2) return;
    for (const [key, instead] of Object.entries(GONE)) {
      const found = settings.get(key);
      if (!found || scalarOf(found)?.value === null) continue;
      // The Trainer has no sharding_strategy in either version: an unknown key there.
      if (key === 'sharding_strategy' && settings.reader === 'trainer') continue;
      const isLost =
        key === 'sharding_strategy' &&
        !settings.get('reshard_after_forward') &&
        /^(?!FULL_SHARD$|1$)/i.test(String(scalarOf(found)?.value));
      report({
        at: found,
        on: 'key',
        tag: 'unnecessary',
        severity: isLost ? 'warning' : 'hint',
        message: isLost
          ? `FSDP 2 does not read ${found.path}, so this runs as FULL_SHARD; ${instead}.`
          : `FSDP 2 does not read ${found.path}: ${instead}.`,
        fixes: [{ title: `Remove ${found.path}`, edits: removalOf(found) }],
      });
    }
  },
});
