import { isTrue, recipe } from '../rules-support/trainer-recipe';
import { setting } from '../settings';
import { replaceValue } from '../syntax/editing';
import { rule } from './rule';

const PAIRS = [
  ['fp16', 'bf16'],
  ['fp16_full_eval', 'bf16_full_eval'],
] as const;

const LAUNCHED = (fp16: string) => ({
  files: { 'train.yaml': recipe(''), 'run.sh': `trl sft --config train.yaml --fp16 ${fp16}\n` },
});

/** Reports TrainingArguments that ask for both 16-bit formats. */
export const fp16AndBf16Arguments = rule({
  id: 'fp16-and-bf16-arguments',
  severity: 'error',
  applies: ['trainer'],
  needs: PAIRS.map(([half]) => half),
  why: 'TrainingArguments raises a ValueError when both 16-bit formats are switched on: a run computes in one of them.',
  source: ['transformers src/transformers/training_args.py:1752 (5.18.0)'],
  verified: 'run',
  examples: {
    bad: [
      { files: recipe('fp16: true\n') },
      { files: recipe('fp16_full_eval: true\nbf16_full_eval: true\n') },
      LAUNCHED('true'),
    ],
    good: [{ files: recipe('fp16: false\n') }, LAUNCHED('false')],
  },
  check({ config, report }) {
    for (const [half, brain] of PAIRS) {
      const first = setting(config, half);
      const second = setting(config, brain);
      if (!first?.node || !second?.node || !isTrue(config, half) || !isTrue(config, brain)) continue;
      report({
        at: [first, second],
        message: `${half} and ${brain} are both true; the Trainer stops at start-up. Models stored in bf16 and GPUs from Ampere on want ${brain}.`,
        fixes: [
          { title: `Set ${half} to false`, edits: replaceValue(config.file, first.node, false) },
          { title: `Set ${brain} to false`, edits: replaceValue(config.file, second.node, false) },
        ],
      });
    }
  },
});
