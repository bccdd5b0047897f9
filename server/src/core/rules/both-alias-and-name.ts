import { factsOf } from '../schema/keys';
import { describedSettings } from '../schema/settings';
import { removeEntry } from '../syntax/editing';
import { lookup } from '../syntax/node';
import { rule } from './rule';

/** Reports one setting written under two of its names. */
export const bothAliasAndName = rule({
  id: 'both-alias-and-name',
  severity: 'error',
  applies: ['deepspeed', 'fsdp', 'accelerate'],
  why: "DeepSpeed takes either name of such a key, refuses both at once, and asserts when a deprecated key and its successor are both named. The Trainer's fsdp_config and Accelerate keep one of them without a word.",
  source: [
    'deepspeed/runtime/config_utils.py:109 (0.19.6)',
    'deepspeed/runtime/config_utils.py:91 (0.19.6)',
    'transformers src/transformers/training_args.py:2742 (5.18.0)',
    'accelerate src/accelerate/commands/launch.py:1263 (1.15.0)',
  ],
  verified: 'run',
  examples: {
    bad: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "zero_optimization": { "stage": 3, "stage3_prefetch_bucket_size": 5e7, "prefetch_bucket_size": 5e7 } }',
      },
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "zero_optimization": { "stage": 2, "cpu_offload": true, "offload_optimizer": { "device": "cpu" } } }',
      },
    ],
    good: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "zero_optimization": { "stage": 3, "stage3_prefetch_bucket_size": 5e7 } }',
      },
    ],
  },
  check({ config, catalogs, report }) {
    const { schema: root } = catalogs.schema(config.dialect);
    for (const { setting, schema, parent, owner, key } of describedSettings(config, root)) {
      const facts = factsOf(schema);
      const strict = config.dialect === 'deepspeed' && factsOf(parent).unknownKeys === 'reject';
      const successor = strict && schema?.deprecated ? successorBeside(setting.path, facts.replacedBy) : undefined;
      const twin = facts.aliasOf ?? successor;
      const other = twin === undefined ? undefined : lookup(owner, twin);
      if (twin === undefined || !other) continue;
      report({
        at: setting,
        on: 'key',
        severity: strict ? 'error' : 'warning',
        message: strict
          ? `${key} and ${twin} are two names of one setting; DeepSpeed stops at start-up when both are written.`
          : `${key} and ${twin} are two names of one setting; one of the two values is lost without a word.`,
        related: [
          { at: { path: config.file.path, start: other.start, end: other.end }, message: `${twin} is set here.` },
        ],
        fixes: [{ title: `Remove ${key}`, preferred: true, edits: removeEntry(config.file, owner, setting.entry) }],
      });
    }
  },
});

/** The successor's name when it stands in the same section; DeepSpeed compares only there. */
function successorBeside(path: string, replacedBy: string | undefined): string | undefined {
  const parts = replacedBy?.split('.') ?? [];
  const name = parts.pop();
  return parts.join('.') === path.split('.').slice(0, -1).join('.') ? name : undefined;
}
