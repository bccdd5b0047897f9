import type { JsonSchema } from '../catalogs';
import { factsOf } from '../schema/keys';
import { type DescribedSetting, describedSettings } from '../schema/settings';
import { isAtLeast, removalOf, statedVersion } from '../schema/versions';
import { removeEntry, renameKey } from '../syntax/editing';
import { lookup } from '../syntax/node';
import { rule } from './rule';

/** Reports arguments that newer releases of transformers or TRL do not have. */
export const removedKey = rule({
  id: 'removed-key',
  severity: 'error',
  applies: ['trainer'],
  why: 'TrainingArguments takes no unknown argument: a recipe written for an older release stops when its arguments are parsed. Which release lacks the key was measured on the packages, not read from deprecation notices.',
  source: [
    'transformers src/transformers/training_args.py (fields of 4.35 to 5.18, compared release by release)',
    'transformers src/transformers/hf_argparser.py:383 (5.18.0) parse_dict: ValueError naming the unused keys',
    'trl trl/trainer/{sft,dpo,grpo}_config.py (fields of 0.12 to 1.13)',
  ],
  verified: 'run',
  examples: {
    bad: [
      {
        files: {
          'train.yaml':
            'output_dir: out\nlearning_rate: 2.0e-5\nper_device_train_batch_size: 1\ngradient_accumulation_steps: 2\nbf16: true\nwarmup_ratio: 0.1\n',
          'shardlens.json': '{ "frameworks": { "transformers": "5.18.0" } }',
        },
      },
      {
        name: 'train.yaml',
        files:
          'output_dir: out\nlearning_rate: 2.0e-5\nper_device_train_batch_size: 1\ngradient_accumulation_steps: 2\nbf16: true\nevaluation_strategy: steps\n',
      },
    ],
    good: [
      {
        files: {
          'train.yaml':
            'output_dir: out\nlearning_rate: 2.0e-5\nper_device_train_batch_size: 1\ngradient_accumulation_steps: 2\nbf16: true\nwarmup_ratio: 0.1\n',
          'shardlens.json': '{ "frameworks": { "transformers": "4.57.6" } }',
        },
      },
    ],
  },
  check({ config, run, catalogs, report }) {
    const { schema: root } = catalogs.schema('trainer');
    const settings = describedSettings(config, root);
    const usesTrl = settings.some(({ schema }) => isTrlOwn(schema));
    for (const described of settings) {
      const facts = factsOf(described.schema);
      if (facts.removedIn === undefined) continue;
      const { framework, version: gone } = removalOf(facts.removedIn);
      const stated = statedVersion(run, framework);
      if (stated !== undefined && !isAtLeast(stated, gone)) continue;
      // Scripts of all kinds have a max_seq_length of their own.
      if (framework === 'trl' && stated === undefined && !usesTrl) continue;
      // A key that another method's config had is the script's own here.
      if (framework === 'trl' && run.method.known && !belongsTo(run.method.value, facts.appliesTo)) continue;
      const { setting, key } = described;
      const instead = facts.replacedBy ? ` Use ${facts.replacedBy}${replacementNote(key)}.` : '';
      report({
        at: setting,
        on: 'key',
        tag: 'deprecated',
        // Without a stated version the file may well run: releases that have the key are still in use. And where nothing
        // tells which trainer of TRL reads the file, the key may be the script's own.
        severity: stated === undefined || (framework === 'trl' && !run.method.known) ? 'warning' : 'error',
        message:
          stated === undefined
            ? `${key} is gone from ${framework} ${gone}; on that or a later version the job stops when its arguments are parsed.${instead}`
            : `${framework} ${stated} has no ${key} (gone from ${gone}), so the job stops when its arguments are parsed.${instead}`,
        fixes: fixesOf(described, stated !== undefined),
      });
    }
  },
});

/** A key that only TRL's trainers have. */
function isTrlOwn(schema: JsonSchema | undefined): boolean {
  const { appliesTo, removedIn } = factsOf(schema);
  return !removedIn && (appliesTo?.some((name) => TRL_CONFIGS.has(name)) ?? false);
}

/** Whether a key was one of the config that TRL has for the method. */
function belongsTo(method: string, appliesTo: readonly string[] | undefined): boolean {
  return appliesTo?.some((name) => name.toLowerCase() === `${method}config`) ?? true;
}

const TRL_CONFIGS = new Set(['SFTConfig', 'DPOConfig', 'GRPOConfig', 'RewardConfig']);

function replacementNote(key: string): string {
  return key === 'warmup_ratio' ? ', which takes a fraction below 1 from transformers 5.0 on' : '';
}

function fixesOf({ setting, schema, key, owner }: DescribedSetting, certain: boolean) {
  const { fix, replacedBy } = factsOf(schema);
  const { file } = setting.config;
  if (fix === 'rename' && replacedBy && !replacedBy.includes('.') && !lookup(owner, replacedBy)) {
    return [
      { title: `Rename to ${replacedBy}`, preferred: certain, edits: renameKey(file, setting.entry, replacedBy) },
    ];
  }
  if (fix === 'delete' || (fix === 'rename' && replacedBy)) {
    return [
      {
        title: `Remove ${key}`,
        preferred: certain && fix === 'delete',
        edits: removeEntry(file, owner, setting.entry),
      },
    ];
  }
  return [];
}
