import { accelerateFsdp, fsdpSettingsOf, fsdpVersionOf, truthOf } from '../rules-support/fsdp';
import { removalOf } from '../rules-support/zero';
import { isAtLeast, statedVersion } from '../schema/versions';
import { setPath } from '../syntax/editing';
import { rule } from './rule';

/** Reports offload of checkpointed activations where none are checkpointed. */
export const checkpointingOffloadAlone = rule({
  id: 'checkpointing-offload-alone',
  severity: 'error',
  applies: ['accelerate'],
  needs: ['fsdp_config'],
  why: 'Only checkpointed activations of FSDP 2 can be moved to the host. Accelerate raises a ValueError without activation_checkpointing, and with FSDP 1.',
  source: ['accelerate src/accelerate/utils/dataclasses.py:1967 (1.15.0)'],
  verified: 'run',
  examples: {
    bad: [
      { files: accelerateFsdp('fsdp_version: 2\nfsdp_activation_checkpointing_offload: true') },
      {
        files: accelerateFsdp(
          'fsdp_version: 1\nfsdp_activation_checkpointing: true\nfsdp_activation_checkpointing_offload: true',
        ),
      },
    ],
    good: [
      {
        files: accelerateFsdp(
          'fsdp_version: 2\nfsdp_auto_wrap_policy: TRANSFORMER_BASED_WRAP\nfsdp_activation_checkpointing: true\nfsdp_activation_checkpointing_offload: true',
        ),
      },
    ],
  },
  check({ config, run, report }) {
    const settings = fsdpSettingsOf(config, run);
    const offload = settings?.get('activation_checkpointing_offload');
    if (!settings || !offload || truthOf(offload) !== true) return;
    const checkpointing = settings.get('activation_checkpointing');
    const version = fsdpVersionOf(settings, run);
    const isOff = checkpointing ? truthOf(checkpointing) === false : true;
    if (!isOff && version !== 1) return;
    const stated = statedVersion(run, 'accelerate');
    // Older releases have no such key and drop it.
    if (stated !== undefined && !isAtLeast(stated, '1.15.0')) return;
    const who = stated === undefined ? 'Accelerate 1.15 and later stops' : `Accelerate ${stated} stops`;
    report({
      at: offload,
      severity: stated === undefined ? 'warning' : 'error',
      message: isOff
        ? `${offload.path} needs fsdp_activation_checkpointing; ${who} at start-up.`
        : `${offload.path} needs FSDP 2 and this run is FSDP 1; ${who} at start-up.`,
      fixes: [
        ...(isOff && version === 2
          ? [
              {
                title: 'Set fsdp_activation_checkpointing to true',
                edits: setPath(
                  config.file,
                  config.root,
                  checkpointing?.path ?? settings.name('activation_checkpointing'),
                  true,
                ),
              },
            ]
          : []),
        { title: `Remove ${offload.path}`, edits: removalOf(offload) },
      ],
    });
  },
});
