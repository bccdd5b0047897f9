import { valueIfKnown } from '../../run/known';
import type { TrainingRun } from '../../run/training-run';
import { formatCount, formatGib } from '../../text/format';
import type { Assumption } from '../estimate';
import { isEncoderDecoder } from './blocks';
import type { Transients } from './buffers';
import type { Corner, Facts, Note } from './facts';
import { layerPart } from './forward-layer';
import { fusedHead } from './fused-head';
import { generationMoments, readGenerated } from './generation';
import { evalHeadFactor, hasVocabularyHead, logitElements } from './loss-head';
import type { Part } from './part';
import { type Moment, moment } from './phases';
import type { States } from './states';

const COUNTED = 'counted with transformers 5.23 by test/oracle/record_evaluation.py';

/** What evaluation keeps of its logits, in plain numbers. */
export interface EvalFacts {
  /** Batches whose logits are on the GPU at once; none where the loss alone is kept. */
  readonly keptBatches: number;
  /** Ranks whose logits are gathered on each. */
  readonly gatheredFrom: number;
  readonly generated: Facts['generated'];
}

/**
 * Batches that evaluation keeps for compute_metrics: up to eval_accumulation_steps, else all, of which there is one at the least.
 * What preprocess_logits_for_metrics makes of them no file says, so that the low end has none.
 */
export function readEvaluation(run: TrainingRun, corner: Corner, note: Note): EvalFacts {
  const { evalLogits, parallelism } = run;
  const gatheredFrom = Math.max(1, valueIfKnown(parallelism.data) ?? valueIfKnown(run.worldSize) ?? 1);
  const generated = readGenerated(run, corner, note);
  const isKept = valueIfKnown(run.evaluation) === true && valueIfKnown(evalLogits?.kept) === true;
  if (!isKept) return { keptBatches: 0, gatheredFrom, generated };
  const batches = valueIfKnown(evalLogits?.movedAfter) ?? 1;
  note({
    what: 'logits that evaluation keeps',
    value: batches === 1 ? 'of one batch' : `of ${batches} batches`,
    because: `compute_metrics must make the metric that chooses the best model; ${
      evalLogits?.movedAfter.known ? '' : 'without eval_accumulation_steps each further batch adds as much; '
    }preprocess_logits_for_metrics may make them small, and the band reaches down to that`,
  });
  return { keptBatches: corner === 'low' ? 0 : batches, gatheredFrom, generated };
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

/** Evaluation between steps: a forward without a graph, then its logits and those that are kept, and what is generated. */
export function evalMoments(facts: Facts, states: States, transients: Transients): Moment[] {
  const held = [...states.resident, ...states.standing, ...keptPart(facts)];
  // Copies of weights gather until the forward ends, that of the head last.
  const inside = [...held, ...evalCasts(facts, false), ...transients.forward];
  const after = [...held, ...evalCasts(facts, true)];
  const layer = layerPart(facts, facts.evalTokens, facts.from.evaluation);
  return [
    moment('eval', 'logits of a batch', [...after, streamPart(facts), logitsOf(facts), ...transients.loss]),
    moment('eval', 'one layer in forward', [...inside, layer]),
    ...generationMoments(facts).map(({ name, isInside, parts }) =>
      moment('eval', name, [...(isInside ? inside : [...after, ...transients.forward]), ...parts]),
    ),
  ];
}

/** What the last layer gives, and where there is an encoder, what that gives twice. */
function streamPart(facts: Facts): Part {
  const width = facts.computeBytes * (isEncoderDecoder(facts) ? 3 : 1);
  const { evalTokens: tokens, model } = facts;
  return {
    id: 'activations.eval',
    group: 'activations',
    bytes: width * tokens * model.hiddenSize,
    label: () => 'what the last layer gives',
    formula: () => `${width} B × ${formatCount(tokens)} tokens × ${formatCount(model.hiddenSize)}`,
    source: COUNTED,
    from: facts.from.evaluation,
  };
}

/** Logits and what the loss makes of them, as in the forward of training; log-probabilities of autocast are fp32 in any case. */
function logitsOf(facts: Facts): Part {
  const { evalTokens: tokens, keptBatches, evalFusedBy } = facts;
  // Who keeps logits asks for them, and then no loss is made in chunks.
  if (evalFusedBy !== undefined && keptBatches === 0 && hasVocabularyHead(facts))
    return fusedHead(facts, evalFusedBy, 'evaluation');
  const factor = hasVocabularyHead(facts) ? evalHeadFactor(facts) : 0;
  return {
    id: 'logits',
    group: 'logits',
    bytes: factor * logitElements(facts, tokens),
    label: () => 'logits of one evaluation batch',
    formula: () => `${factor} B × ${formatCount(tokens)} tokens × ${formatCount(logitElements(facts, 1))} vocabulary`,
    source: `transformers ForCausalLMLoss (fp32 upcast), or torch's cross-entropy; ${COUNTED}`,
    from: facts.from.evaluation,
  };
}

function keptPart(facts: Facts): Part[] {
  const { keptBatches } = facts;
  const bytes = hasVocabularyHead(facts) ? keptBatches * gatheredBytes(facts) : 0;
  if (bytes === 0) return [];
  return [
    {
      id: 'logits.kept',
      group: 'logits',
      bytes,
      label: () => 'logits kept for compute_metrics, gathered from all ranks',
      formula: () => `${keptBatches} × ${formatGib(gatheredBytes(facts))}`,
      source: 'transformers src/transformers/trainer.py:3011 (5.23.0), evaluation_loop',
      from: facts.from.evaluation,
    },
  ];
}

/** Autocast keeps the 16-bit copy of each trained weight until the forward ends, without a graph too (aten/src/ATen/autocast_mode.cpp, cached_cast). */
function evalCasts(facts: Facts, withHead: boolean): Part[] {
  const { castsWeights, lora, counts, from, model } = facts;
  if (!castsWeights) return [];
  // A frozen weight's copy goes with its product.
  const elements =
    lora === undefined ? counts.quantisable + (withHead ? model.vocabSize * model.hiddenSize : 0) : counts.largest;
  return [
    {
      id: 'activations.casts',
      group: 'activations',
      bytes: 2 * elements,
      label: () =>
        lora === undefined
          ? '16-bit copies of the fp32 weights (autocast)'
          : '16-bit copy of the largest weight (autocast)',
      formula: () => `2 B × ${formatCount(elements)} weights`,
      source: `torch autocast weight cache; ${COUNTED}`,
      from: from.precision,
    },
  ];
}
