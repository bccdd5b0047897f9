import { valueIfKnown } from '../../run/known';
import type { TrainingRun } from '../../run/training-run';
import { formatCount, formatGib } from '../../text/format';
import type { Assumption } from '../estimate';
import type { Transients } from './buffers';
import type { Corner, Facts, Note } from './facts';
import { fusedHead } from './fused-head';
import { hasVocabularyHead, logitElements } from './loss-head';
import type { Part } from './part';
import { type Moment, moment } from './phases';
import type { States } from './states';

/** What evaluation keeps of its logits, in plain numbers. */
export interface EvalFacts {
  /** Batches whose logits are on the GPU at once; none where the loss alone is kept. */
  readonly keptBatches: number;
  /** Ranks whose logits are gathered on each. */
  readonly gatheredFrom: number;
}

/**
 * Batches that evaluation keeps for compute_metrics: up to eval_accumulation_steps, else all, of which there is one at the least.
 * What preprocess_logits_for_metrics makes of them no file says, so that the low end has none.
 */
export function readEvaluation(run: TrainingRun, corner: Corner, note: Note): EvalFacts {
  const { evalLogits, parallelism } = run;
  const gatheredFrom = Math.max(1, valueIfKnown(parallelism.data) ?? valueIfKnown(run.worldSize) ?? 1);
  const isKept = valueIfKnown(run.evaluation) === true && valueIfKnown(evalLogits?.kept) === true;
  if (!isKept) return { keptBatches: 0, gatheredFrom };
  const batches = valueIfKnown(evalLogits?.movedAfter) ?? 1;
  note({
    what: 'logits that evaluation keeps',
    value: batches === 1 ? 'of one batch' : `of ${batches} batches`,
    because: `compute_metrics must make the metric that chooses the best model; ${
      evalLogits?.movedAfter.known ? '' : 'without eval_accumulation_steps each further batch adds as much; '
    }preprocess_logits_for_metrics may make them small, and the band reaches down to that`,
  });
  return { keptBatches: corner === 'low' ? 0 : batches, gatheredFrom };
}

/** Bytes of one batch's logits from all ranks: fp32 where accelerate converts what autocast gave (convert_outputs_to_fp32). */
function gatheredBytes(facts: Facts): number {
  const width = facts.mixed ? 4 : facts.computeBytes;
  return width * facts.gatheredFrom * logitElements(facts, facts.evalTokens);
}

/** What the files do not decide, said where it would be much. */
export function evaluationHint({ evalLogits, evaluation }: TrainingRun, facts: Facts): Assumption | undefined {
  if (!(evaluation.known && evaluation.value) || !evalLogits || evalLogits.kept.known || !hasVocabularyHead(facts))
    return undefined;
  const each = formatGib(gatheredBytes(facts));
  const until = evalLogits.movedAfter.known
    ? `until ${evalLogits.movedAfter.value} batches go to the host`
    : 'until evaluation ends, since eval_accumulation_steps is not set';
  return {
    what: 'logits that evaluation keeps',
    value: 'none',
    because: `if the script passes compute_metrics, each batch leaves ${each} on every GPU ${until}`,
  };
}

/** Evaluation between steps: no graph, two layers of activations, the logits of a batch and those that are kept. */
export function evalMoment(facts: Facts, states: States, transients: Transients): Moment {
  const { model, evalTokens, computeBytes, keptBatches } = facts;
  const h = model.hiddenSize;
  let widest = 3 * h;
  for (const block of model.blocks) widest = Math.max(widest, 2 * (block.mlp?.intermediateSize ?? 0));
  const perToken = computeBytes * (3 * h + 2 * (widest / facts.tensor));
  const layer: Part = {
    id: 'activations.eval',
    group: 'activations',
    bytes: perToken * evalTokens,
    label: () => 'one layer in forward',
    formula: () => `${formatCount(perToken)} B × ${formatCount(evalTokens)} tokens`,
    source: 'inputs and outputs of the widest layer, without a graph',
    from: facts.from.evaluation,
  };
  // Who keeps logits asks for them, and then no loss is made in chunks.
  const fusedBy = keptBatches === 0 ? facts.evalFusedBy : undefined;
  const factor = hasVocabularyHead(facts) ? computeBytes + 4 + 4 : 0;
  const whole: Part = {
    id: 'logits',
    group: 'logits',
    bytes: factor * logitElements(facts, evalTokens),
    label: () => 'logits of one evaluation batch',
    formula: () =>
      `${factor} B × ${formatCount(evalTokens)} tokens × ${formatCount(logitElements(facts, 1))} vocabulary`,
    source: 'transformers ForCausalLMLoss (fp32 upcast)',
    from: facts.from.evaluation,
  };
  const logits = factor > 0 && fusedBy !== undefined ? fusedHead(facts, fusedBy, 'evaluation') : whole;
  const bytes = hasVocabularyHead(facts) ? keptBatches * gatheredBytes(facts) : 0;
  const kept: Part = {
    id: 'logits.kept',
    group: 'logits',
    bytes,
    label: () => 'logits kept for compute_metrics, gathered from all ranks',
    formula: () => `${keptBatches} × ${formatGib(gatheredBytes(facts))}`,
    source: 'transformers src/transformers/trainer.py:3011 (5.23.0), evaluation_loop',
    from: facts.from.evaluation,
  };
  return moment('eval', 'logits of a batch', [
    ...states.resident,
    ...states.standing,
    layer,
    logits,
    ...(bytes > 0 ? [kept] : []),
    ...transients.loss,
  ]);
}
