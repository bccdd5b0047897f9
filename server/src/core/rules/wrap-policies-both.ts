import { fsdpSettingsOf } from '../rules-support/fsdp';
import { recipe } from '../rules-support/trainer-recipe';
import { removeFix } from '../rules-support/zero';
import { isAtLeast, statedVersion } from '../schema/versions';
import { numberOf } from '../settings';
import { rule } from './rule';

const BOTH =
  'fsdp: full_shard auto_wrap\nfsdp_config:\n  min_num_params: 100\n  transformer_layer_cls_to_wrap: LlamaDecoderLayer\n';

/** Reports an fsdp_config that names both ways of wrapping. */
export const wrapPoliciesBoth = rule({
  id: 'wrap-policies-both',
  severity: 'error',
  applies: ['fsdp'],
  why: 'A model is cut into units by size or by class. transformers 4 raises a ValueError when both are given; 5 goes by auto_wrap_policy alone.',
  source: ['transformers src/transformers/training_args.py:1982 (4.57.6)'],
  verified: 'run',
  examples: {
    bad: [
      { files: { 'train.yaml': recipe(BOTH), 'shardlens.json': '{ "frameworks": { "transformers": "4.57.6" } }' } },
    ],
    good: [
      {
        files: {
          'train.yaml': recipe(BOTH.replace('  min_num_params: 100\n', '')),
          'shardlens.json': '{ "frameworks": { "transformers": "4.57.6" } }',
        },
      },
    ],
  },
  check({ config, run, report }) {
    const settings = fsdpSettingsOf(config, run);
    const size = settings?.get('min_num_params');
    const classes = settings?.get('transformer_layer_cls_to_wrap');
    const stated = statedVersion(run, 'transformers');
    if (!size || !classes?.node || (numberOf(size) ?? 0) <= 0) return;
    if (stated !== undefined && isAtLeast(stated, '5.0.0')) return;
    report({
      at: [size, classes],
      severity: stated === undefined ? 'warning' : 'error',
      message: `${size.path} and ${classes.path} are two ways of wrapping; transformers ${stated ?? '4'} stops at start-up when both are given.`,
      fixes: [removeFix(size), removeFix(classes)],
    });
  },
});
