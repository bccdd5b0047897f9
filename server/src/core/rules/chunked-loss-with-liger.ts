import { isTrue, recipe } from '../rules-support/trainer-recipe';
import { removeFix } from '../rules-support/zero';
import { isAtLeast, statedVersion } from '../schema/versions';
import { setting, stringOf } from '../settings';
import { replaceValue } from '../syntax/editing';
import { rule } from './rule';

/** Reports two ways at once of computing the loss without the whole logits. */
export const chunkedLossWithLiger = rule({
  id: 'chunked-loss-with-liger',
  severity: 'error',
  applies: ['trainer'],
  needs: ['loss_type'],
  why: "TRL's chunked loss and Liger's fused loss both replace the loss over the whole logits. SFTTrainer of TRL 1.6 to 1.14 raises a ValueError when it is asked for both; 1.15 and later always take the loss in chunks.",
  source: ['trl trl/trainer/sft_trainer.py:1312 (1.13.0)'],
  verified: 'upstream-test',
  examples: {
    bad: [
      {
        files: {
          'train.yaml': recipe('packing: false\nloss_type: chunked_nll\nuse_liger_kernel: true\n'),
          'requirements.txt': 'trl==1.13.0\n',
        },
      },
    ],
    good: [{ files: recipe('packing: false\nloss_type: nll\nuse_liger_kernel: true\n') }],
  },
  check({ config, run, report }) {
    const loss = setting(config, 'loss_type');
    const liger = setting(config, 'use_liger_kernel');
    if (!loss || !liger?.node || stringOf(loss) !== 'chunked_nll' || !isTrue(config, 'use_liger_kernel')) return;
    const stated = statedVersion(run, 'trl');
    if (stated !== undefined && (isAtLeast(stated, '1.15.0') || !isAtLeast(stated, '1.6.0'))) return;
    report({
      at: [loss, liger],
      severity: stated === undefined ? 'warning' : 'error',
      message: `loss_type chunked_nll and use_liger_kernel both replace the loss; SFTTrainer takes one of them and stops at start-up${stated === undefined ? ', up to TRL 1.14' : ''}.`,
      fixes: [
        removeFix(loss),
        { title: 'Set use_liger_kernel to false', edits: replaceValue(config.file, liger.node, false) },
      ],
    });
  },
});
