import type { FileEdit } from '../findings';
import { factsOf, findKey } from '../schema/keys';
import { applyReplacement } from '../schema/replace';
import { type DescribedSetting, describedSettings } from '../schema/settings';
import { readerAtStart } from '../schema/verdict';
import { booleanOf, setting as settingAt } from '../settings';
import type { Config } from '../source';
import { removeEntry, renameKey, setPath } from '../syntax/editing';
import { toPlain } from '../syntax/plain';
import { type RuleContext, rule } from './rule';

/** Reports keys with a successor. */
export const deprecatedKey = rule({
  id: 'deprecated-key',
  severity: 'hint',
  applies: ['deepspeed', 'accelerate'],
  why: 'The old name still works, or is quietly unread; the next release may drop it. Naming both the old and the new key is an assertion in DeepSpeed.',
  source: [
    'deepspeed/runtime/config_utils.py:60 (0.19.6) _process_deprecated_field',
    'deepspeed/runtime/zero/config.py:171 (0.19.6)',
    'accelerate src/accelerate/commands/config/config_args.py:117 (1.15.0)',
    'accelerate src/accelerate/utils/launch.py:82 (1.15.0) fp8 environment names',
  ],
  verified: 'run',
  examples: {
    bad: [
      { files: '{ "train_micro_batch_size_per_gpu": 1, "zero_optimization": { "stage": 2, "cpu_offload": true } }' },
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "zero_optimization": { "stage": 3, "stage3_gather_fp16_weights_on_model_save": true } }',
      },
      { files: '{ "train_micro_batch_size_per_gpu": 1, "bfloat16": { "enabled": true } }' },
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "optimizer": { "type": "AdamW", "params": { "lr": 1e-5, "max_grad_norm": 1.0 } } }',
      },
    ],
    good: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "zero_optimization": { "stage": 2, "offload_optimizer": { "device": "cpu" } } }',
      },
    ],
  },
  check(context) {
    const { config, catalogs, report } = context;
    const { schema: root } = catalogs.schema(config.dialect);
    for (const described of describedSettings(config, root)) {
      const { setting, schema, key, owner } = described;
      const facts = factsOf(schema);
      const { replacedBy } = facts;
      if (!schema?.deprecated || replacedBy === undefined || facts.removedIn) continue;
      if (setting.path.startsWith('bfloat16.')) continue;
      const unread = facts.effect === 'none';
      const refused = facts.raises === true;
      const reader = readerAtStart(config.dialect);
      report({
        at: setting,
        on: 'key',
        tag: 'deprecated',
        severity: unread || refused ? 'warning' : 'hint',
        message: refused
          ? `${reader} stops on ${setting.path} when it builds this section itself; the key is ${replacedBy} now.`
          : unread
            ? `${reader} does not read ${key} any more; the key is ${replacedBy} now.`
            : `${key} is deprecated in favour of ${replacedBy}.`,
        fixes: [
          ...replacementFix(context, described, replacedBy),
          ...(unread || refused
            ? [{ title: `Remove ${key}`, edits: removeEntry(config.file, owner, setting.entry) }]
            : []),
        ],
      });
    }
  },
});

function replacementFix({ config, catalogs }: RuleContext, described: DescribedSetting, replacedBy: string) {
  const { setting, key, owner } = described;
  const { schema: root } = catalogs.schema(config.dialect);
  if (!findKey(root, replacedBy) || settingAt(config, replacedBy)) return [];
  const name = replacedBy.split('.').pop() ?? replacedBy;
  if (key === 'cpu_offload' || key === 'cpu_offload_param') {
    const on = booleanOf(setting);
    if (on === undefined) return [];
    const edits: readonly FileEdit[] = on
      ? applyReplacement(config.file, setting.entry, name, { device: 'cpu' })
      : removeEntry(config.file, owner, setting.entry);
    const title = on ? `Write ${name} with device cpu` : `Remove ${key}`;
    return [{ title, preferred: true, edits }];
  }
  const sameSection = replacedBy.split('.').slice(0, -1).join('.') === setting.path.split('.').slice(0, -1).join('.');
  if (!sameSection) return [moveFix(config, described, replacedBy)];
  return [{ title: `Rename to ${name}`, preferred: true, edits: renameKey(config.file, setting.entry, name) }];
}

/** The value goes to the new key, wherever that stands; what else compares it (the Trainer's arguments) the user decides. */
function moveFix(config: Config, { setting, key, owner }: DescribedSetting, replacedBy: string) {
  const value = toPlain(setting.node, config.file.tree.format);
  return {
    title: `Move ${key} to ${replacedBy}`,
    edits: [...setPath(config.file, config.root, replacedBy, value), ...removeEntry(config.file, owner, setting.entry)],
  };
}
