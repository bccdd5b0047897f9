import { removeFix } from '../rules-support/zero';
import { factsOf } from '../schema/keys';
import { describedSettings } from '../schema/settings';
import { isAtLeast, statedVersion } from '../schema/versions';
import { rule } from './rule';

/** Reports keys that the stated release of DeepSpeed does not have yet, or that only newer ones have. */
export const keyNewerThanDeepspeed = rule({
  id: 'key-newer-than-deepspeed',
  severity: 'error',
  applies: ['deepspeed'],
  why: "DeepSpeed's checked sections refuse keys they do not know: a file written for a newer release stops at start-up on an older one. Sections that are not checked drop the key without a word.",
  source: [
    'deepspeed/runtime/config_utils.py:110 (0.16.9)',
    'deepspeed/runtime/zero/config.py (fields of 0.16.9 to 0.19.8, compared release by release)',
  ],
  verified: 'run',
  examples: {
    bad: [
      {
        files: {
          'ds_config.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 3, "stage3_allgather_sequential": true } }',
          'shardlens.json': '{ "frameworks": { "deepspeed": "0.16.9" } }',
        },
      },
    ],
    good: [
      {
        files: {
          'ds_config.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 3, "stage3_allgather_sequential": true } }',
          'shardlens.json': '{ "frameworks": { "deepspeed": "0.19.8" } }',
        },
      },
    ],
  },
  check({ config, run, catalogs, report }) {
    const stated = statedVersion(run, 'deepspeed');
    const { schema: root } = catalogs.schema('deepspeed');
    const outer: string[] = [];
    for (const { setting, schema, parent } of describedSettings(config, root)) {
      const { addedIn } = factsOf(schema);
      if (addedIn === undefined || (stated !== undefined && isAtLeast(stated, addedIn))) continue;
      // A section that is too new says it for all keys in it.
      if (outer.some((path) => setting.path.startsWith(`${path}.`))) continue;
      outer.push(setting.path);
      const { unknownKeys, strictSince } = factsOf(parent);
      const refused =
        unknownKeys === 'reject' &&
        (strictSince === undefined ||
          (stated === undefined ? !isAtLeast(strictSince, addedIn) : isAtLeast(stated, strictSince)));
      if (refused) {
        report({
          at: setting,
          on: 'key',
          severity: stated === undefined ? 'warning' : 'error',
          message: `${setting.path} came with DeepSpeed ${addedIn}; ${stated ?? 'earlier releases'} ${stated ? 'stops' : 'stop'} at start-up on it.`,
          fixes: stated === undefined ? [] : [removeFix(setting)],
        });
      } else if (stated !== undefined) {
        report({
          at: setting,
          on: 'key',
          severity: 'warning',
          message: `${setting.path} came with DeepSpeed ${addedIn}; ${stated} does not read it.`,
          fixes: [removeFix(setting)],
        });
      }
    }
  },
});
