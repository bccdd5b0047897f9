import { accelerateFsdp, fsdpSettingsOf } from '../rules-support/fsdp';
import { removalOf } from '../rules-support/zero';
import { numberOf, scalarOf } from '../settings';
import { rule } from './rule';

/** Reports wrap settings that the chosen policy does not read. */
export const wrapKeyUnread = rule({
  id: 'wrap-key-unread',
  severity: 'warning',
  applies: ['fsdp', 'accelerate'],
  why: 'A policy by layer class reads only the class names, a policy by size only min_num_params; the other key counts for nothing.',
  source: [
    'transformers src/transformers/training_args.py:2795 (5.18.0)',
    'accelerate src/accelerate/utils/dataclasses.py:1918 (1.15.0)',
  ],
  verified: 'run',
  examples: {
    bad: [
      {
        name: 'accelerate.yaml',
        files: accelerateFsdp(
          'fsdp_version: 1\nfsdp_auto_wrap_policy: SIZE_BASED_WRAP\nfsdp_min_num_params: 1000000\nfsdp_transformer_layer_cls_to_wrap: LlamaDecoderLayer',
        ),
      },
      {
        name: 'accelerate.yaml',
        files: accelerateFsdp(
          'fsdp_version: 1\nfsdp_auto_wrap_policy: TRANSFORMER_BASED_WRAP\nfsdp_min_num_params: 1000000',
        ),
      },
    ],
    good: [
      {
        name: 'accelerate.yaml',
        files: accelerateFsdp(
          'fsdp_version: 1\nfsdp_auto_wrap_policy: TRANSFORMER_BASED_WRAP\nfsdp_min_num_params: 0\nfsdp_transformer_layer_cls_to_wrap: LlamaDecoderLayer',
        ),
      },
    ],
  },
  check({ config, run, report }) {
    const settings = fsdpSettingsOf(config, run);
    const policy = settings?.get('auto_wrap_policy');
    const word = scalarOf(policy)?.value;
    if (!settings || !policy || typeof word !== 'string') return;
    const classes = settings.get('transformer_layer_cls_to_wrap');
    const size = settings.get('min_num_params');
    const kind = word.toUpperCase();
    const unread = kind === 'SIZE_BASED_WRAP' ? classes : kind === 'TRANSFORMER_BASED_WRAP' ? size : undefined;
    if (!unread || scalarOf(unread)?.value === null || (unread === size && !((numberOf(size) ?? 0) > 0))) return;
    report({
      at: [unread, policy],
      on: 'key',
      tag: 'unnecessary',
      severity: unread === size ? 'hint' : 'warning',
      message: `${kind} does not read ${unread.path}.`,
      fixes: [{ title: `Remove ${unread.path}`, edits: removalOf(unread) }],
    });
  },
});
