import { stageOf } from '../rules-support/zero';
import { booleanOf, setting } from '../settings';
import { replaceValue } from '../syntax/editing';
import { rule } from './rule';

const FILE = (flag: string) =>
  `compute_environment: LOCAL_MACHINE\ndistributed_type: DEEPSPEED\nnum_processes: 2\nmixed_precision: bf16\ndeepspeed_config:\n  zero_stage: 2\n  zero3_init_flag: ${flag}\n`;

/** Reports sharded loading at a stage that does not shard weights. */
export const zero3InitBelowStage3 = rule({
  id: 'zero3-init-below-stage-3',
  severity: 'hint',
  applies: ['accelerate'],
  needs: ['deepspeed_config.zero3_init_flag'],
  why: 'zero3_init_flag makes from_pretrained load straight into shards, which only stage 3 has. Below it Accelerate warns and sets it to false.',
  source: ['accelerate src/accelerate/utils/dataclasses.py:1337 (1.15.0)'],
  verified: 'run',
  examples: {
    bad: [{ name: 'accelerate.yaml', files: FILE('true') }],
    good: [{ name: 'accelerate.yaml', files: FILE('false') }],
  },
  check({ config, run, report }) {
    const found = setting(config, 'deepspeed_config.zero3_init_flag');
    const stage = stageOf(run);
    if (!found?.node || booleanOf(found) !== true || stage === undefined || stage === 3) return;
    report({
      at: found,
      tag: 'unnecessary',
      message: `zero3_init_flag works at ZeRO stage 3 only; at stage ${stage} Accelerate warns and sets it to false.`,
      fixes: [
        { title: 'Set zero3_init_flag to false', preferred: true, edits: replaceValue(config.file, found.node, false) },
      ],
    });
  },
});
