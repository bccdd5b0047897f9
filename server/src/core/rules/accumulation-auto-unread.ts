import { accelerateFile } from '../rules-support/accelerate-file';
import { removeFix } from '../rules-support/zero';
import { isAuto, setting } from '../settings';
import { rule } from './rule';

const DS = (value: string) =>
  accelerateFile(
    `num_processes: 2\ndeepspeed_config:\n  zero_stage: 2\n  gradient_accumulation_steps: ${value}\n`,
    'DEEPSPEED',
  );

/** Reports "auto" for gradient_accumulation_steps in an Accelerate file. */
export const accumulationAutoUnread = rule({
  id: 'accumulation-auto-unread',
  severity: 'warning',
  applies: ['accelerate'],
  needs: ['deepspeed_config.gradient_accumulation_steps'],
  why: 'The launcher hands the word on in the environment, where Accelerator() of a plain script reads an integer and raises a ValueError. Only the Trainer brings a number of its own.',
  source: ['accelerate src/accelerate/accelerator.py:546 (1.15.0) ACCELERATE_GRADIENT_ACCUMULATION_STEPS'],
  verified: 'run',
  examples: { bad: [{ files: DS('auto') }], good: [{ files: DS('2') }] },
  check({ config, run, report }) {
    const found = setting(config, 'deepspeed_config.gradient_accumulation_steps');
    if (!found || !isAuto(found) || !run.consumers.includes('accelerate')) return;
    const certain = run.consumer.known;
    report({
      at: found,
      severity: certain ? 'error' : 'warning',
      message: `gradient_accumulation_steps is "auto", and Accelerator() reads a number there; ${certain ? 'the script stops' : 'a script without the Trainer stops'} at start-up.`,
      fixes: [removeFix(found)],
    });
  },
});
