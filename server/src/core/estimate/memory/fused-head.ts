import { formatCount as count } from '../../text/format';
import type { Facts } from './facts';
import type { Part } from './part';

/** Who takes the loss in pieces: Liger's kernel, TRL since 1.15 in tiles, TRL before by recomputing chunks of tokens. */
export type FusedBy = 'liger' | 'tiles' | 'chunks';

/** `evaluation` is a forward of a batch of its own, and makes no gradient. */
export type LossMoment = 'forward' | 'backward' | 'gradient' | 'evaluation';

/** Tokens of a tile and words of it (trl/kernels/chunked_logprob.py:30, 1.16.0), and tokens of a chunk (trl/trainer/sft_trainer.py, 1.10.0). */
const TILE = { tokens: 4096, words: 8192 };
const CHUNK_TOKENS = 256;

interface Piece {
  readonly bytes: number;
  readonly words: string;
}

/** What a loss that is made in pieces holds of logits and of the head's gradient, which is made with it. */
export function fusedHead(facts: Facts, by: FusedBy, moment: LossMoment): Part {
  const pieces = piecesOf(facts, by, moment).filter(({ bytes }) => bytes > 0);
  return {
    id: 'logits',
    group: 'logits',
    bytes: pieces.reduce((sum, { bytes }) => sum + bytes, 0),
    label: () =>
      moment === 'evaluation'
        ? 'loss of one evaluation batch, made in pieces'
        : 'loss made in pieces, with the gradient of the head',
    formula: () => (pieces.length === 0 ? '0 B' : pieces.map(({ words }) => words).join(' + ')),
    source: SOURCES[by],
    from: moment === 'evaluation' ? facts.from.evaluation : [...facts.from.batch, ...facts.from.model],
  };
}

const SOURCES: Readonly<Record<FusedBy, string>> = {
  liger: 'liger_kernel/ops/fused_linear_cross_entropy.py (0.8.5)',
  tiles: 'trl/kernels/chunked_logprob.py:394 (1.16.0)',
  chunks: 'trl/trainer/sft_trainer.py _chunked_cross_entropy_loss (1.10.0)',
};

function piecesOf(facts: Facts, by: FusedBy, moment: LossMoment): Piece[] {
  const { model, computeBytes: w, lora } = facts;
  const tokens = moment === 'evaluation' ? facts.evalTokens : facts.tokens;
  const vocabulary = model.vocabSize / (facts.splitsVocabulary ? facts.tensor : 1);
  const stream = (width: number): Piece => ({
    bytes: width * tokens * model.hiddenSize,
    words: `${width} B × ${count(tokens)} tokens × ${count(model.hiddenSize)}`,
  });
  // A frozen head has no gradient.
  const weight = (width: number): Piece => ({
    bytes: lora === undefined ? width * vocabulary * model.hiddenSize : 0,
    words: `${width} B × ${count(vocabulary)} vocabulary × ${count(model.hiddenSize)}`,
  });
  const logits = (width: number, rows: number, words = vocabulary): Piece => ({
    bytes: width * rows * words,
    words: `${width} B × ${count(rows)} tokens × ${count(words)} vocabulary`,
  });
  // The head's gradient is a part of its own by then.
  if (moment === 'gradient') return [];
  switch (by) {
    case 'liger': {
      // As many tokens at once as take no more than the stream, rounded up to a power of two; each adds its product to the gradient.
      const rows = Math.min(tokens, 2 ** Math.ceil(Math.log2(tokens / Math.ceil(vocabulary / model.hiddenSize))));
      // The gradient of the stream is made room for in any case.
      if (moment === 'evaluation') return [logits(w, rows), stream(w)];
      return moment === 'forward' ? [logits(w, rows), stream(w), weight(2 * w)] : [stream(w), weight(w)];
    }
    case 'tiles': {
      const tile = logits(w, Math.min(tokens, TILE.tokens), Math.min(vocabulary, TILE.words));
      // Gradients are summed in fp32 and given back in the weights' type.
      return moment !== 'backward' ? [tile] : [tile, stream(4 + w), weight(4 + w)];
    }
    case 'chunks': {
      const rows = Math.min(tokens, CHUNK_TOKENS);
      return moment !== 'backward' ? [logits(10, rows)] : [logits(12, rows), stream(w), weight(2 * w)];
    }
    default:
      return by satisfies never;
  }
}
