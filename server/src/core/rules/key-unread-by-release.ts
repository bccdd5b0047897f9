import { accelerateFsdp } from '../rules-support/fsdp';
import { factsOf } from '../schema/keys';
import { describedSettings } from '../schema/settings';
import { isAtLeast, statedVersion } from '../schema/versions';
import { removeEntry } from '../syntax/editing';
import { rule } from './rule';

/** Reports keys that the stated release of transformers or Accelerate does not read yet. */
export const keyUnreadByRelease = rule({
  id: 'key-unread-by-release',
  severity: 'warning',
  applies: ['fsdp', 'accelerate'],
  why: 'A section of an Accelerate file and the fsdp_config of the Trainer take keys they do not know without a word. A file written for a newer release then runs with the defaults of the older one.',
  source: [
    'transformers src/transformers/training_args.py:1939 (4.57.6) the keys of fsdp_config that are read',
    'accelerate src/accelerate/commands/launch.py:1263 (1.15.0), compared from 1.6 to 1.15 release by release',
  ],
  verified: 'run',
  examples: {
    bad: [
      {
        files: {
          'fsdp_config.json':
            '{ "state_dict_type": "SHARDED_STATE_DICT", "transformer_layer_cls_to_wrap": "LlamaDecoderLayer" }',
          'shardlens.json': '{ "frameworks": { "transformers": "4.57.6", "accelerate": "1.12.0" } }',
        },
      },
      {
        files: {
          'accelerate.yaml': accelerateFsdp(
            'fsdp_version: 2\nfsdp_auto_wrap_policy: TRANSFORMER_BASED_WRAP\nfsdp_activation_checkpointing: true\nfsdp_activation_checkpointing_offload: true',
          ),
          'shardlens.json': '{ "frameworks": { "accelerate": "1.12.0" } }',
        },
      },
    ],
    good: [
      {
        files: {
          'fsdp_config.json':
            '{ "state_dict_type": "SHARDED_STATE_DICT", "transformer_layer_cls_to_wrap": "LlamaDecoderLayer" }',
          'shardlens.json': '{ "frameworks": { "transformers": "5.23.0", "accelerate": "1.15.0" } }',
        },
      },
    ],
  },
  check({ config, run, catalogs, report }) {
    const framework = config.dialect === 'fsdp' ? 'transformers' : 'accelerate';
    const stated = statedVersion(run, framework);
    if (stated === undefined) return;
    const { schema: root } = catalogs.schema(config.dialect);
    for (const { setting, schema, parent, key, owner } of describedSettings(config, root)) {
      const { readSince, addedIn } = factsOf(schema);
      const since = config.dialect === 'fsdp' ? readSince : addedIn;
      if (since === undefined || isAtLeast(stated, since)) continue;
      const stops = config.dialect === 'accelerate' && parent === root;
      report({
        at: setting,
        on: 'key',
        severity: stops ? 'error' : 'warning',
        message: stops
          ? `accelerate ${stated} has no ${key}, which came with ${since}; it stops at start-up.`
          : `${framework} ${stated} does not read ${setting.path} and drops it without a word; ${since} and later do.`,
        fixes: [{ title: `Remove ${setting.path}`, edits: removeEntry(config.file, owner, setting.entry) }],
      });
    }
  },
});
