import { factsOf } from '../schema/keys';
import { describedSettings } from '../schema/settings';
import { isAtLeast, removalOf, statedVersion } from '../schema/versions';
import { removeEntry, renameKey } from '../syntax/editing';
import { lookup } from '../syntax/node';
import { rule } from './rule';

/** Reports arguments that the stated release of transformers or TRL does not have yet. */
export const keyNewerThanFramework = rule({
  id: 'key-newer-than-framework',
  severity: 'error',
  applies: ['trainer'],
  why: 'TrainingArguments takes no unknown argument: a recipe written for a newer release stops when its arguments are parsed.',
  source: [
    'transformers src/transformers/training_args.py (fields of 4.35 to 5.18, compared release by release)',
    'transformers src/transformers/hf_argparser.py:383 (5.18.0) parse_dict',
  ],
  verified: 'run',
  examples: {
    bad: [
      {
        files: {
          'train.yaml':
            'output_dir: out\nlearning_rate: 2.0e-5\nper_device_train_batch_size: 1\ngradient_accumulation_steps: 2\nbf16: true\neval_strategy: steps\neval_steps: 50\n',
          'shardlens.json': '{ "frameworks": { "transformers": "4.38.2" } }',
        },
      },
    ],
    good: [
      {
        files: {
          'train.yaml':
            'output_dir: out\nlearning_rate: 2.0e-5\nper_device_train_batch_size: 1\ngradient_accumulation_steps: 2\nbf16: true\neval_strategy: steps\neval_steps: 50\n',
          'shardlens.json': '{ "frameworks": { "transformers": "4.57.6" } }',
        },
      },
    ],
  },
  check({ config, run, catalogs, report }) {
    if (statedVersion(run, 'transformers') === undefined && statedVersion(run, 'trl') === undefined) return;
    const { schema: root } = catalogs.schema('trainer');
    for (const { setting, schema, parent, key, owner } of describedSettings(config, root)) {
      const { addedIn, appliesTo } = factsOf(schema);
      // Only the fields of TrainingArguments and of TRL's configs were measured; a nested key has no such record.
      if (addedIn === undefined || parent !== root || !/^(?:trl )?\d/.test(addedIn)) continue;
      const { framework, version: since } = removalOf(addedIn);
      const stated = statedVersion(run, framework);
      if (stated === undefined || (appliesTo && framework !== 'trl') || isAtLeast(stated, since)) continue;
      report({
        at: setting,
        on: 'key',
        message: `${framework} ${stated} has no ${key}, which came with ${since}; the job stops when its arguments are parsed.`,
        fixes:
          key === 'eval_strategy' && !lookup(owner, 'evaluation_strategy')
            ? [
                {
                  title: 'Rename to evaluation_strategy',
                  preferred: true,
                  edits: renameKey(config.file, setting.entry, 'evaluation_strategy'),
                },
              ]
            : [{ title: `Remove ${key}`, edits: removeEntry(config.file, owner, setting.entry) }],
      });
    }
  },
});
