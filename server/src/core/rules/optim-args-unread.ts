import { isBuiltByDeepSpeed } from '../rules-support/owners';
import { recipe } from '../rules-support/trainer-recipe';
import { removeFix } from '../rules-support/zero';
import { setting, stringOf } from '../settings';
import { rule } from './rule';

/** Optimizers whose handlers look at no optim_args, in transformers 4.57 as in 5.18. */
const READS_NONE =
  /^(?:adamw_torch|adamw_torch_fused|adafactor|adamw_8bit|adamw_bnb_8bit|paged_adamw_(?:8bit|32bit)|lion_(?:8bit|32bit)|paged_lion_(?:8bit|32bit))$/;

/** Reports optim_args for an optimizer that takes none. */
export const optimArgsUnread = rule({
  id: 'optim-args-unread',
  severity: 'warning',
  applies: ['trainer'],
  needs: ['optim_args'],
  why: 'Each optimizer of the Trainer picks its own keys out of optim_args. AdamW, Adafactor and Lion pick none: their settings are adam_beta1, adam_beta2, adam_epsilon and weight_decay, and what stands in optim_args is dropped without a word.',
  source: ['transformers src/transformers/trainer_optimizer.py:195 (5.18.0) handlers'],
  verified: 'read',
  examples: {
    bad: [{ files: recipe('optim: adamw_torch\noptim_args: "momentum=0.9"\n') }],
    good: [{ files: recipe('optim: sgd\noptim_args: "momentum=0.9"\n') }],
  },
  check({ config, run, report }) {
    const found = setting(config, 'optim_args');
    const optim = setting(config, 'optim');
    const name = stringOf(optim);
    const text = found?.node?.kind === 'scalar' && !found.node.templated ? stringOf(found) : undefined;
    if (!found || !optim || !text || name === undefined || !READS_NONE.test(name)) return;
    if (isBuiltByDeepSpeed(run, 'optimizer')) return;
    report({
      at: [found, optim],
      message: `${name} reads nothing from optim_args, so "${text}" counts for nothing.`,
      tag: 'unnecessary',
      fixes: [removeFix(found)],
    });
  },
});
