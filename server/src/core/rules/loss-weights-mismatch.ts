import { recipe } from '../rules-support/trainer-recipe';
import { removeFix } from '../rules-support/zero';
import { type Setting, setting } from '../settings';
import { rule } from './rule';

/** Checks that every loss of DPO has its weight. */
export const lossWeightsMismatch = rule({
  id: 'loss-weights-mismatch',
  severity: 'error',
  applies: ['trainer'],
  needs: ['loss_weights'],
  why: 'DPOConfig adds up the losses of loss_type with the weights of loss_weights, one for each, and raises a ValueError when the lists differ in length.',
  source: ['trl trl/trainer/dpo_config.py:354 (1.13.0)'],
  verified: 'run',
  examples: {
    bad: [{ files: recipe('loss_type: [sigmoid, bco_pair, sft]\nloss_weights: [0.8, 0.2]\n') }],
    good: [{ files: recipe('loss_type: [sigmoid, bco_pair, sft]\nloss_weights: [0.8, 0.2, 1.0]\n') }],
  },
  check({ config, run, report }) {
    if (!run.method.known || run.method.value !== 'dpo') return;
    const weights = setting(config, 'loss_weights');
    const losses = setting(config, 'loss_type');
    const given = weights && lengthOf(weights);
    const wanted = losses ? lengthOf(losses) : undefined;
    if (!weights || !losses || given === undefined || wanted === undefined || given === wanted) return;
    report({
      at: [weights, losses],
      on: 'key',
      message: `loss_weights has ${given} ${given === 1 ? 'weight' : 'weights'} for ${wanted} ${wanted === 1 ? 'loss' : 'losses'} in loss_type; the job stops at start-up.`,
      fixes: [removeFix(weights)],
    });
  },
});

function lengthOf({ node }: Setting): number | undefined {
  if (node?.kind === 'sequence') return node.items.length;
  return node?.kind === 'scalar' && !node.templated && node.scalar.type === 'string' ? 1 : undefined;
}
