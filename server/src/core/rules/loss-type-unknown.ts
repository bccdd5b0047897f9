import { recipe } from '../rules-support/trainer-recipe';
import { nearestKey } from '../schema/keys';
import { isAtLeast, statedVersion } from '../schema/versions';
import { type Setting, setting } from '../settings';
import { replaceValue } from '../syntax/editing';
import type { Node } from '../syntax/node';
import { rule } from './rule';

/** Losses of each trainer in some release from 0.26 to 1.16 (trl trainer/*_trainer.py and *_config.py). */
const LOSSES: Readonly<Record<string, readonly string[]>> = {
  sft: ['nll', 'dft', 'chunked_nll'],
  dpo: (
    'sigmoid sigmoid_norm hinge ipo exo_pair nca_pair robust bco_pair sppo_hard aot aot_unpaired aot_pair ' +
    'apo_zero apo_down discopop sft kto_pair'
  ).split(' '),
  grpo: 'grpo bnpo dr_grpo dapo cispo sapo luspo vespo'.split(' '),
};

/** Reports losses that the trainer of the method does not have. */
export const lossTypeUnknown = rule({
  id: 'loss-type-unknown',
  severity: 'error',
  applies: ['trainer'],
  needs: ['loss_type'],
  why: 'TRL checks loss_type when it builds the trainer or at the first loss, and raises a ValueError for a name it does not know. Each method has losses of its own.',
  source: [
    'trl trl/trainer/sft_trainer.py:1043 (1.16.0)',
    'trl trl/trainer/dpo_trainer.py:1512 (1.16.0)',
    'trl trl/trainer/grpo_trainer.py (1.16.0) _compute_loss',
  ],
  verified: 'run',
  examples: {
    bad: [
      { files: recipe('packing: false\nloss_type: ce\n') },
      { files: recipe('precompute_ref_log_probs: false\nloss_type: sigmoids\n') },
      {
        files: {
          'train.yaml': recipe('packing: false\nloss_type: chunked_nll\n'),
          'requirements.txt': 'trl==0.26.2\n',
        },
      },
    ],
    good: [
      { files: recipe('packing: false\nloss_type: nll\n') },
      { files: recipe('precompute_ref_log_probs: false\nloss_type: [sigmoid, sft]\n') },
    ],
  },
  check({ config, run, report }) {
    const loss = setting(config, 'loss_type');
    const known = run.method.known ? LOSSES[run.method.value] : undefined;
    if (!loss?.node || !known || !run.method.known) return;
    const method = run.method.value.toUpperCase();
    const stated = statedVersion(run, 'trl');
    for (const node of nodesOf(loss)) {
      const name = node.kind === 'scalar' && !node.templated ? node.scalar.value : undefined;
      if (typeof name !== 'string') continue;
      if (known.includes(name)) {
        // Not in the releases before 1.6, of which 0.26 was run.
        if (name !== 'chunked_nll' || (stated !== undefined && isAtLeast(stated, '1.6.0'))) continue;
        report({
          at: loss,
          severity: stated !== undefined && !isAtLeast(stated, '1.0.0') ? 'error' : 'warning',
          message: `loss_type chunked_nll came with TRL 1.x; ${stated ? `TRL ${stated}` : 'a release before it'} stops at start-up.`,
        });
        continue;
      }
      const nearest = nearestKey(name, known);
      report({
        // Without a release of TRL in sight a script may bring a trainer with losses of its own.
        severity: stated === undefined ? 'warning' : 'error',
        at: loss.node.kind === 'sequence' ? { start: node.start, end: node.end } : loss,
        message: `${method} has no loss "${name}"; TRL stops when it builds the trainer or takes the first loss.`,
        fixes:
          nearest === undefined
            ? []
            : // Another loss is another training, so the user has to choose it.
              [{ title: `Write "${nearest}"`, edits: replaceValue(config.file, node, nearest) }],
      });
    }
  },
});

function nodesOf({ node }: Setting): readonly Node[] {
  return node?.kind === 'sequence' ? node.items : node ? [node] : [];
}
