import { accelerateFile } from '../rules-support/accelerate-file';
import { recipe } from '../rules-support/trainer-recipe';
import { booleanOf, setting, stringOf } from '../settings';
import { replaceValue } from '../syntax/editing';
import { rule } from './rule';

/** Reports a Trainer file and an Accelerate file that name different 16-bit formats. */
export const precisionDiffers = rule({
  id: 'precision-differs',
  severity: 'warning',
  applies: ['trainer', 'accelerate'],
  when: 'joined',
  why: "TrainingArguments takes Accelerate's mixed_precision only where neither fp16 nor bf16 is set; otherwise its own flag wins and the Accelerate file counts for nothing.",
  source: ['transformers src/transformers/training_args.py:1587 (5.18.0) mixed_precision'],
  verified: 'read',
  examples: {
    bad: [
      {
        files: {
          'train.yaml': recipe(''),
          'accelerate.yaml': accelerateFile('num_processes: 8\n').replace(
            'mixed_precision: bf16',
            'mixed_precision: fp16',
          ),
        },
      },
    ],
    good: [{ files: { 'train.yaml': recipe(''), 'accelerate.yaml': accelerateFile('num_processes: 8\n') } }],
  },
  check({ run, report }) {
    const { trainer, accelerate } = run.configs;
    if (!trainer || !accelerate) return;
    const theirs = setting(accelerate, 'mixed_precision');
    const word = stringOf(theirs);
    const fp16 = booleanOf(setting(trainer, 'fp16'));
    const bf16 = booleanOf(setting(trainer, 'bf16'));
    const own = fp16 === true && bf16 !== true ? 'fp16' : bf16 === true && fp16 !== true ? 'bf16' : undefined;
    const ours = own && setting(trainer, own);
    if (!theirs?.node || !ours || (word !== 'fp16' && word !== 'bf16') || word === own) return;
    report({
      at: [ours, theirs],
      message: `${own} is true in the Trainer file and mixed_precision is ${word} in the Accelerate file: the Trainer's flag wins, and the run computes in ${own}.`,
      fixes: [{ title: `Set mixed_precision to ${own}`, edits: replaceValue(accelerate.file, theirs.node, own) }],
    });
  },
});
