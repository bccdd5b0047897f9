import { valueIfKnown } from '../../run/known';
import type { TrainingRun } from '../../run/training-run';
import { formatCount, formatParameters } from '../../text/format';
import { isEncoderDecoder } from './blocks';
import { buffer } from './buffers';
import type { Corner, Facts, Note } from './facts';
import { layerPart } from './forward-layer';
import type { Part } from './part';

/** Defaults of GenerationConfig, and how far a checkpoint's own goes as a rule (142 tokens and 4 beams with BART, 448 with Whisper). */
const USUAL = { length: 20, beams: 1 };
const MUCH = { length: 512, beams: 4 };

const COUNTED = 'counted with transformers 5.23 by test/oracle/record_evaluation.py';

/** What evaluation generates. Without compute_metrics it generates nothing, so that the low end has none. */
export function readGenerated(
  { evaluation, evalGeneration: asked }: TrainingRun,
  corner: Corner,
  note: Note,
): Facts['generated'] {
  if (asked === undefined || valueIfKnown(evaluation) !== true) return undefined;
  const high = corner === 'high' ? MUCH : USUAL;
  const length = valueIfKnown(asked.length) ?? high.length;
  const beams = valueIfKnown(asked.beams) ?? high.beams;
  const open = [asked.length, asked.beams].flatMap((it) => (it.known ? [] : [it.why]));
  const reach =
    open.length > 0 ? `; ${open.join('; ')}; the band reaches to ${MUCH.length} tokens and ${MUCH.beams} beams` : '';
  const because = `the script must pass compute_metrics, or nothing is generated, and the band reaches down to that${reach}`;
  note({
    what: 'what evaluation generates',
    value: `up to ${length} tokens with ${beams} beam${beams === 1 ? '' : 's'}`,
    because,
  });
  return corner === 'low' ? undefined : { length, beams };
}

/** Keys and values per token of all blocks that `of` picks, on this rank. */
function cacheBytes(facts: Facts): { readonly all: number; readonly one: number } {
  let all = 0;
  let one = 0;
  for (const { attention, count, tower } of facts.model.blocks) {
    if (attention === undefined || tower !== 'text') continue;
    const each = (facts.computeBytes * attention.kvHeads * (attention.headDim + attention.valueHeadDim)) / facts.tensor;
    all += count * each;
    one = Math.max(one, each / 2);
  }
  return { all, one };
}

export interface GeneratedMoment {
  readonly name: string;
  /** In the midst of a forward, not at its end. */
  readonly isInside: boolean;
  readonly parts: readonly Part[];
}

/**
 * Moments of `generate`: each sample is there once for each beam, before the prompt is read where there is no encoder. Then keys and values
 * of all tokens, of what the encoder gave too; beam search picks those of the beams that go on, a tensor at a time, and sums
 * log-probabilities of every word.
 */
export function generationMoments(facts: Facts): readonly GeneratedMoment[] {
  const { generated, model, evalSamples, sequence, computeBytes: c, from } = facts;
  if (generated === undefined) return [];
  const { length, beams } = generated;
  const rows = evalSamples * beams;
  const { all, one } = cacheBytes(facts);
  const encoder = model.blocks.find(({ tower, positions }) => tower !== 'text' && positions !== undefined);
  const source = isEncoderDecoder(facts) ? sequence : encoder?.positions;
  const prompt = source === undefined ? sequence : 0;
  const tokens = rows * Math.max(length, prompt + 1);
  const cached = source === undefined ? 0 : rows * source;
  const part = (id: string, bytes: number, label: string, formula: () => string): Part => ({
    ...{ id, group: 'activations', bytes, label: () => label, formula, source: COUNTED, from: from.generation },
  });
  const parts: Part[] = [
    part(
      'activations.cache',
      all * tokens,
      'keys and values of what is generated',
      () => `${formatCount(all)} B × ${formatCount(tokens)} tokens`,
    ),
  ];
  if (cached > 0) {
    const outputs = (evalSamples + (beams > 1 ? rows : 0)) * (source ?? 0) * c * model.hiddenSize;
    parts.push(
      part(
        'activations.cross',
        all * cached,
        "keys and values of the encoder's output",
        () => `${formatCount(all)} B × ${formatCount(cached)} tokens`,
      ),
      part(
        'activations.encoder',
        outputs,
        "the encoder's output, once more for each beam",
        () => `${c} B × ${formatCount(outputs / c / model.hiddenSize)} tokens × ${formatCount(model.hiddenSize)}`,
      ),
    );
  }
  const picked = beams > 1 ? one * Math.max(tokens, cached) : one * tokens;
  parts.push(
    part(
      'activations.picked',
      picked,
      beams > 1 ? 'keys of the beams that go on' : 'keys with those of a new token',
      () => `${formatCount(one)} B × ${formatCount(picked / Math.max(1, one))} tokens`,
    ),
  );
  const factor = c + (beams > 1 ? 12 : 4);
  const logits: Part = {
    id: 'logits',
    group: 'logits',
    bytes: factor * rows * model.vocabSize,
    label: () => 'logits of the last tokens',
    formula: () => `${factor} B × ${formatCount(rows)} answers × ${formatCount(model.vocabSize)} vocabulary`,
    source: 'transformers generation/utils.py, _sample and _beam_search: fp32 copies',
    from: from.generation,
  };
  const gathered = gatheredWhole(facts);
  const generation = { name: 'generation', isInside: false, parts: [...gathered, ...parts, logits] };
  if (source !== undefined) {
    const layer = layerPart(facts, evalSamples * source, from.generation);
    return [generation, { name: 'the input is read', isInside: true, parts: [...gathered, layer] }];
  }
  const read = rows * prompt;
  const before = part(
    'activations.cache',
    all * read,
    'keys and values of the prompt',
    () => `${formatCount(all)} B × ${formatCount(read)} tokens`,
  );
  const layer = layerPart(facts, read, from.generation);
  return [generation, { name: 'the prompt is read', isInside: true, parts: [...gathered, before, layer] }];
}

/** FSDP 1 gathers the whole model to generate, in the type of its shards (trainer_seq2seq.py:308, summon_full_params). */
function gatheredWhole(facts: Facts): Part[] {
  const { sharding, shards, counts, weightBytes: w } = facts;
  if (
    sharding.kind !== 'fsdp' ||
    valueIfKnown(sharding.version) !== 1 ||
    valueIfKnown(sharding.strategy) === 'NO_SHARD'
  )
    return [];
  const missing = w * counts.total * (1 - 1 / shards);
  const formula = (): string => `${w} B × ${formatParameters(counts.total)} parameters × (1 − 1 ÷ ${shards})`;
  const source = 'transformers src/transformers/trainer_seq2seq.py:308 (5.23.0), summon_full_params';
  return [
    {
      ...buffer(facts, 'generation', missing, 'all weights, gathered to generate', source, formula),
      from: facts.from.generation,
    },
  ];
}
