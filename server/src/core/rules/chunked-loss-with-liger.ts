import { isTrue, recipe } from '../rules-support/trainer-recipe';
import { removeFix } from '../rules-support/zero';
import { setting, stringOf } from '../settings';
import { replaceValue } from '../syntax/editing';
import { rule } from './rule';

/** Reports two ways at once of computing the loss without the whole logits. */
export const chunkedLossWithLiger = rule({
  id: 'chunked-loss-with-liger',
  severity: 'error',
  applies: ['trainer'],
  why: "TRL's chunked loss and Liger's fused loss both replace the loss over the whole logits. SFTTrainer raises a ValueError when it is asked for both.",
  source: ['trl trl/trainer/sft_trainer.py:1312 (1.13.0)'],
  verified: 'upstream-test',
  examples: {
    bad: [{ files: recipe('packing: false\nloss_type: chunked_nll\nuse_liger_kernel: true\n') }],
    good: [{ files: recipe('packing: false\nloss_type: nll\nuse_liger_kernel: true\n') }],
  },
  check({ config, report }) {
    const loss = setting(config, 'loss_type');
    const liger = setting(config, 'use_liger_kernel');
    if (!loss || !liger?.node || stringOf(loss) !== 'chunked_nll' || !isTrue(config, 'use_liger_kernel')) return;
    report({
      at: [loss, liger],
      message:
        'loss_type chunked_nll and use_liger_kernel both replace the loss; SFTTrainer takes one of them and stops at start-up.',
      fixes: [
        removeFix(loss),
        { title: 'Set use_liger_kernel to false', edits: replaceValue(config.file, liger.node, false) },
      ],
    });
  },
});
