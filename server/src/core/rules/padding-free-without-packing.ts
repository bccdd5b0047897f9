import { severitySince } from '../rules-support/since';
import { isTrue, recipe } from '../rules-support/trainer-recipe';
import { booleanOf, scalarOf, setting } from '../settings';
import { replaceValue, setPath } from '../syntax/editing';
import { rule } from './rule';

/** Reports padding-free batches whose length nothing limits. */
export const paddingFreeWithoutPacking = rule({
  id: 'padding-free-without-packing',
  severity: 'error',
  applies: ['trainer'],
  needs: ['padding_free'],
  why: 'A padding-free batch is one long row, in which max_length is not enforced. SFTTrainer 1.13 raises a ValueError unless samples are packed or max_length is null; DPOTrainer drops padding_free with a warning.',
  source: ['trl trl/trainer/sft_trainer.py:1269 (1.13.0)', 'trl trl/trainer/dpo_trainer.py:708 (1.13.0)'],
  verified: 'run',
  examples: {
    bad: [
      {
        files: {
          'train.yaml': recipe('dataset_text_field: text\npadding_free: true\nmax_length: 2048\n'),
          'shardlens.json': '{ "frameworks": { "trl": "1.13.0" } }',
        },
      },
    ],
    good: [{ files: recipe('dataset_text_field: text\npadding_free: true\npacking: true\nmax_length: 2048\n') }],
  },
  check({ config, run, report }) {
    const free = setting(config, 'padding_free');
    const length = setting(config, 'max_length');
    const severity = severitySince(run, 'trl', '1.0.0');
    if (!free?.node || !severity || !isTrue(config, 'padding_free')) return;
    const packing = setting(config, 'packing');
    if (packing && booleanOf(packing) !== false) return;
    if (!run.method.known || run.method.value !== 'sft' || (length && scalarOf(length)?.type === 'null')) return;
    const { node } = free;
    report({
      at: length ? [free, length] : free,
      severity,
      message: `padding_free without packing does not enforce max_length${length ? '' : ' (1024 by default)'}; TRL ${severity === 'warning' ? '1.0 and later ' : ''}stops at start-up.`,
      fixes: [
        { title: 'Set packing to true', edits: setPath(config.file, config.root, 'packing', true) },
        { title: 'Set padding_free to false', edits: replaceValue(config.file, node, false) },
      ],
    });
  },
});
