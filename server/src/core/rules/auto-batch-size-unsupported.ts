import { isTrue, recipe } from '../rules-support/trainer-recipe';
import { stageOf } from '../rules-support/zero';
import { isAtLeast, statedVersion } from '../schema/versions';
import { setting } from '../settings';
import { replaceValue } from '../syntax/editing';
import { rule } from './rule';

const DS = (stage: number) =>
  `{ "train_micro_batch_size_per_gpu": "auto", "zero_optimization": { "stage": ${stage} } }`;

/** Reports auto_find_batch_size where it cannot restart the run. */
export const autoBatchSizeUnsupported = rule({
  id: 'auto-batch-size-unsupported',
  severity: 'error',
  applies: ['trainer'],
  needs: ['auto_find_batch_size'],
  why: 'auto_find_batch_size starts over with half the batch after running out of memory. The Trainer refuses it with ZeRO stage 3, whose weights are already spread, and GRPO refuses it because its batch has to fit num_generations.',
  source: [
    'transformers src/transformers/trainer.py:884 (5.18.0) ZeRO-3',
    'trl trl/trainer/grpo_config.py:1076 (1.13.0) GRPO',
  ],
  verified: 'run',
  examples: {
    bad: [
      { files: { 'train.yaml': recipe('deepspeed: ds.json\nauto_find_batch_size: true\n'), 'ds.json': DS(3) } },
      { files: recipe('auto_find_batch_size: true\nnum_generations: 8\nmax_completion_length: 256\n') },
    ],
    good: [{ files: { 'train.yaml': recipe('deepspeed: ds.json\nauto_find_batch_size: true\n'), 'ds.json': DS(2) } }],
  },
  check({ config, run, report }) {
    const auto = setting(config, 'auto_find_batch_size');
    if (!auto?.node || !isTrue(config, 'auto_find_batch_size')) return;
    const grpo = run.method.known && run.method.value === 'grpo';
    if (!grpo && stageOf(run) !== 3) return;
    const trl = statedVersion(run, 'trl');
    report({
      at: auto,
      // Older releases of TRL let it pass, and stop when a halved batch does not hold whole groups.
      severity: !grpo || (trl !== undefined && isAtLeast(trl, '1.13.0')) ? 'error' : 'warning',
      message: grpo
        ? 'auto_find_batch_size halves the batch, and GRPO needs whole groups of completions in it; TRL 1.13 stops at start-up.'
        : 'auto_find_batch_size does not work with ZeRO stage 3; the job stops at start-up.',
      fixes: [
        {
          title: 'Set auto_find_batch_size to false',
          preferred: true,
          edits: replaceValue(config.file, auto.node, false),
        },
      ],
    });
  },
});
