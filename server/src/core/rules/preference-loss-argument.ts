import { severitySince } from '../rules-support/since';
import { isSet, isTrue, recipe } from '../rules-support/trainer-recipe';
import { removeFix } from '../rules-support/zero';
import { numberOf, type Setting, setting, stringOf } from '../settings';
import { replaceValue } from '../syntax/editing';
import { type RuleContext, rule } from './rule';

const DPO = (lines: string) => recipe(`precompute_ref_log_probs: false\n${lines}`);
const WITH_TRL = (lines: string, version: string) => ({
  'train.yaml': DPO(lines),
  'shardlens.json': `{ "frameworks": { "trl": "${version}" } }`,
});

/** Losses that divide by the reference in another way than reverse KL allows (trl 1.16.0, dpo_trainer.py). */
const WITH_DIVERGENCE = new Set(['sigmoid', 'sigmoid_norm', 'hinge', 'ipo', 'exo_pair', 'robust', 'discopop', 'sft']);

/** Reports arguments of DPO that the chosen loss does not go with. */
export const preferenceLossArgument = rule({
  id: 'preference-loss-argument',
  severity: 'error',
  applies: ['trainer'],
  needs: ['loss_type'],
  why: 'Each loss of DPO has its own terms. DPOTrainer raises a ValueError where one of them makes no sense with another argument: an EXO loss without smoothing, another divergence than reverse KL with a loss that has no other, weights for AOT.',
  source: [
    'trl trl/trainer/dpo_trainer.py:811 (1.16.0) f_divergence_type',
    'trl trl/trainer/dpo_trainer.py:819 (1.16.0) use_weighting',
    'trl trl/trainer/dpo_trainer.py:829 (1.16.0) exo_pair',
  ],
  verified: 'run',
  examples: {
    bad: [
      { files: WITH_TRL('loss_type: exo_pair\nlabel_smoothing: 0.0\n', '1.16.0') },
      { files: DPO('loss_type: exo_pair\nlabel_smoothing: 0.0\n') },
      { files: WITH_TRL('loss_type: bco_pair\nf_divergence_type: js_divergence\n', '1.16.0') },
      { files: WITH_TRL('loss_type: aot\nuse_weighting: true\n', '1.16.0') },
    ],
    good: [
      { files: DPO('loss_type: exo_pair\nlabel_smoothing: 0.001\n') },
      { files: DPO('loss_type: sigmoid\nf_divergence_type: js_divergence\n') },
      { files: WITH_TRL('loss_type: sigmoid\nuse_weighting: true\n', '1.16.0') },
    ],
  },
  check(context) {
    const { config, run } = context;
    const loss = setting(config, 'loss_type');
    if (!loss?.node || !run.method.known || run.method.value !== 'dpo') return;
    const losses = lossesOf(loss);
    if (losses.includes('exo_pair')) smoothing(context, loss, severitySince(run, 'trl', '0.29.1'));
    const forDivergence = severitySince(run, 'trl', '1.13.0');
    if (forDivergence) divergence(context, loss, losses, forDivergence);
    const severity = severitySince(run, 'trl', '0.29.1');
    if (!severity || !isTrue(config, 'use_weighting') || !losses.some((one) => one === 'aot' || one === 'aot_unpaired'))
      return;
    const weighting = setting(config, 'use_weighting');
    if (!weighting) return;
    context.report({
      at: [weighting, loss],
      severity,
      message: `use_weighting does not go with an AOT loss; DPOTrainer stops at start-up${severity === 'warning' ? ' from TRL 0.29 on' : ''}.`,
      fixes: [removeFix(weighting)],
    });
  },
});

function smoothing({ config, report }: RuleContext, loss: Setting, since: 'error' | 'warning' | undefined): void {
  const found = setting(config, 'label_smoothing');
  const value = isSet(config, 'label_smoothing') ? numberOf(found) : 0;
  if (value !== 0 || !since) return;
  report({
    at: found ? [loss, found] : loss,
    // The file may leave it to a flag of the launch line.
    severity: found ? since : 'warning',
    message: `loss_type exo_pair needs a label_smoothing above 0, and it is 0${found ? '' : ' by default'}; DPOTrainer stops at start-up${since === 'warning' ? ' from TRL 0.29 on' : ''}.`,
    fixes: found?.node
      ? [{ title: 'Set label_smoothing to 0.001', edits: replaceValue(config.file, found.node, 0.001) }]
      : [],
  });
}

function divergence(
  { config, report }: RuleContext,
  loss: Setting,
  losses: readonly string[],
  severity: 'error' | 'warning',
): void {
  const kind = setting(config, 'f_divergence_type');
  const name = stringOf(kind);
  if (!kind || name === undefined || name === 'reverse_kl') return;
  const without = losses.find((one) => !WITH_DIVERGENCE.has(one));
  if (without === undefined) return;
  report({
    at: [kind, loss],
    severity,
    message: `f_divergence_type ${name} does not go with loss_type ${without}, which has only reverse_kl; DPOTrainer stops at start-up${severity === 'warning' ? ' from TRL 1.13 on' : ''}.`,
    fixes: [removeFix(kind)],
  });
}

function lossesOf({ node }: Setting): readonly string[] {
  const nodes = node?.kind === 'sequence' ? node.items : node ? [node] : [];
  return nodes.flatMap((one) =>
    one.kind === 'scalar' && !one.templated && typeof one.scalar.value === 'string' ? [one.scalar.value] : [],
  );
}
