import { valueIfKnown } from '../../run/known';
import type { TrainingRun } from '../../run/training-run';
import { formatCount, formatGib, formatParameters } from '../../text/format';
import { buffer } from './buffers';
import type { Corner, Facts, Note } from './facts';
import type { Part } from './part';
import { type Moment, moment } from './phases';
import type { States } from './states';
import { dtypeName } from './weights';

/** TRL's DPO, KTO, GRPO or reward trainer in plain numbers. */
export interface PreferenceFacts {
  readonly method: 'dpo' | 'kto' | 'grpo' | 'reward';
  readonly sequencesPerSample: 1 | 2;
  readonly reference: boolean;
  /** No step runs the reference: its log-probabilities come with the batch. */
  readonly precomputed: boolean;
  readonly fused: boolean;
  readonly generation:
    | {
        readonly engine: 'transformers' | 'colocate' | 'server';
        readonly completions: number;
        readonly completionTokens: number;
        readonly share: number;
        readonly sleeps: boolean;
        readonly gathersWhole: boolean;
      }
    | undefined;
}

const TRL = 'trl trl/trainer (1.16.0)';

/** Reads what the trainer holds; what is not known is assumed, with both ends in the band. */
export function readPreferenceFacts(run: TrainingRun, corner: Corner, note: Note): PreferenceFacts | undefined {
  const { preference } = run;
  const method = valueIfKnown(preference?.method);
  if (preference === undefined || method === undefined) return undefined;
  const { reference, fusedLogProbabilities: fused, generation } = preference;
  // First, since it decides more than the others.
  if (generation && !generation.engine.known) {
    const because = `${generation.engine.why}; the band reaches up to vLLM on the training GPUs`;
    note({ what: 'where vLLM runs', value: 'elsewhere', because });
  }
  if (!reference.known) {
    note({
      what: 'reference model',
      value: 'none',
      because: `${reference.why}; the band reaches to a second copy of the weights`,
    });
  }
  const { precomputed } = preference;
  if (precomputed?.known === false) {
    const because = `${precomputed.why}; the band reaches down to log-probabilities that are computed before training`;
    note({ what: 'forward of the reference', value: 'in every step', because });
  }
  if (!fused.known && method !== 'reward') {
    note({ what: 'logits', value: 'of all tokens', because: `${fused.why}; the band reaches down to chunks` });
  }
  if (method === 'grpo') {
    const because = 'their sizes are not in the config; functions take no GPU memory';
    note({ what: 'reward models', value: 'not counted', because }, 'none');
  }
  const engine = valueIfKnown(generation?.engine) ?? (corner === 'high' ? 'colocate' : 'server');
  return {
    method,
    sequencesPerSample: preference.sequencesPerSample,
    reference: valueIfKnown(reference) ?? corner === 'high',
    precomputed: precomputed !== undefined && (valueIfKnown(precomputed) ?? corner === 'low'),
    fused: valueIfKnown(fused) ?? corner === 'low',
    generation:
      generation === undefined
        ? undefined
        : {
            engine,
            completions: valueIfKnown(generation.completions) ?? 1,
            completionTokens: valueIfKnown(generation.completionTokens) ?? 512,
            share: valueIfKnown(generation.vllmShare) ?? 0.3,
            sleeps: valueIfKnown(generation.sleeps) ?? false,
            gathersWhole: valueIfKnown(generation.gathersWhole) ?? true,
          },
  };
}

/** What is on the GPU through every moment beside the model that is trained. */
export function heldBeside(facts: Facts): readonly Part[] {
  const { preference } = facts;
  if (preference === undefined) return [];
  const { generation } = preference;
  const parts = preference.reference ? [referencePart(facts)] : [];
  if (generation?.engine === 'colocate' && !generation.sleeps) parts.push(...vllmParts(facts));
  return parts;
}

/** Frozen, in the type it is loaded in, and spread as the trained one: trl/models/utils.py, prepare_deepspeed and prepare_fsdp. */
function referencePart(facts: Facts): Part {
  const { sharding, counts, shards, loadedBytes: width } = facts;
  const zero = sharding.kind === 'zero' ? sharding : undefined;
  const isStage3 = valueIfKnown(zero?.stage) === 3;
  // Below stage 3 DeepSpeed runs it whole, as stage 0.
  const over = sharding.kind === 'fsdp' || isStage3 ? shards : 1;
  const offloads = isStage3 && (valueIfKnown(zero?.offloadParam) ?? 'none') !== 'none';
  return {
    id: 'parameters.reference',
    group: 'parameters',
    bytes: offloads ? 0 : (width * counts.total) / over,
    label: () => `reference model, ${dtypeName(width)}${over > 1 ? `, sharded over ${over} ranks` : ''}`,
    formula: () => `${width} B × ${formatParameters(counts.total)} parameters${over > 1 ? ` ÷ ${over} ranks` : ''}`,
    source: `${TRL}: dpo_trainer.py:927, kto_trainer.py:938, grpo_trainer.py:1003`,
    from: facts.from.preference,
  };
}

/** vLLM takes its share of the whole GPU at start, for its weights and its cache: `gpu_memory_utilization`. */
function vllmParts(facts: Facts): Part[] {
  const share = facts.preference?.generation?.share ?? 0;
  const { capacity } = facts;
  if (capacity === null) return [];
  const formula = (): string => `${share} × ${formatGib(capacity)}`;
  const source = 'trl trl/generation/vllm_generation.py:350; vllm gpu_memory_utilization';
  return [
    { ...buffer(facts, 'vllm', share * capacity, 'vLLM on this GPU', source, formula), from: facts.from.preference },
  ];
}

/** Moments that only these trainers have. */
export function preferenceMoments(facts: Facts, states: States): Moment[] {
  const { preference } = facts;
  const resident = [...states.resident, ...states.standing];
  if (preference?.generation === undefined || preference.generation.engine === 'server') return [];
  if (preference.generation.engine === 'colocate') {
    return preference.generation.sleeps
      ? [moment('step', 'generation by vLLM', [...resident, ...vllmParts(facts)])]
      : [];
  }
  return [moment('step', 'generation', [...resident, ...generationParts(facts)])];
}

/** `generate` keeps keys and values of every layer for all answers at once; the last token's logits are few. */
function generationParts(facts: Facts): Part[] {
  const { model, sharding, counts, shards, preference, computeBytes: c, weightBytes: w } = facts;
  const generation = preference?.generation;
  if (generation === undefined) return [];
  const { completions, completionTokens } = generation;
  // The sequence length is that of prompt and answer where the config gives it; the answer alone is a lower bound.
  const tokens = Math.max(facts.sequence, completionTokens);
  let perToken = 0;
  for (const { attention, count } of model.blocks) {
    if (attention === undefined) continue;
    perToken += (count * c * attention.kvHeads * (attention.headDim + attention.valueHeadDim)) / facts.tensor;
  }
  const from = [...facts.from.preference, ...facts.from.batch];
  const parts: Part[] = [
    {
      id: 'activations.cache',
      group: 'activations',
      bytes: perToken * tokens * completions,
      label: () => 'keys and values of the answers being generated',
      formula: () => `${formatCount(perToken)} B × ${formatCount(tokens)} tokens × ${completions} answers`,
      source: 'transformers DynamicCache: two tensors a layer',
      from,
    },
    {
      id: 'logits',
      group: 'logits',
      bytes: (c + 4 + 4) * completions * model.vocabSize,
      label: () => 'logits of the last tokens',
      formula: () => `${c + 8} B × ${completions} answers × ${formatCount(model.vocabSize)} vocabulary`,
      source: 'transformers generation/utils.py, _sample: fp32 copy and softmax',
      from,
    },
  ];
  const isStage3 = sharding.kind === 'zero' && valueIfKnown(sharding.stage) === 3;
  if (isStage3 && generation.gathersWhole) {
    const missing = counts.total * (1 - 1 / shards);
    const formula = (): string => `${w} B × ${formatParameters(counts.total)} parameters × (1 − 1 ÷ ${shards})`;
    const label = 'all weights, gathered to generate (ds3_gather_for_generation)';
    parts.push({
      ...buffer(
        facts,
        'generation',
        w * missing,
        label,
        'trl trl/models/utils.py, unwrap_model_for_generation',
        formula,
      ),
      from,
    });
  }
  return parts;
}

/** While the graph of the trained model waits, the reference runs over the same tokens without one. */
export function referenceForward(facts: Facts, loss: Moment | undefined): Moment[] {
  const { preference, model, tokens, computeBytes: c } = facts;
  if (!loss || !preference || preference.precomputed) return [];
  if (preference.method === 'grpo' || preference.method === 'reward') return [];
  const width = preference.fused ? 0 : c + 4;
  const elements = (tokens * model.vocabSize) / (facts.splitsVocabulary ? facts.tensor : 1);
  const logits: Part = {
    id: 'logits.reference',
    group: 'logits',
    bytes: width * elements,
    label: () => 'logits of the reference',
    formula: () => `${width} B × ${formatCount(tokens)} tokens × ${formatCount(elements / tokens)} vocabulary`,
    source: `${TRL}: dpo_trainer.py:1327; not counted`,
    from: [...facts.from.preference, ...facts.from.batch],
  };
  return [moment('step', 'forward of the reference', [...loss.parts, logits])];
}
