import { formatCount as count } from '../../text/format';
import type { Facts } from './facts';
import type { Part } from './part';

/** Who takes the loss in pieces: Liger's kernel, TRL since 1.15 in tiles, TRL before by recomputing chunks of tokens. */
export type FusedBy = 'liger' | 'tiles' | 'chunks';

/** `evaluation` is a forward of a batch of its own, and makes no gradient. */
export type LossMoment = 'forward' | 'backward' | 'gradient' | 'evaluation';

/** Tokens of a tile and words of it (trl/kernels/chunked_logprob.py:30, trl/trainer/utils.py:1506, 1.16.0), and tokens of a chunk (trl/trainer/sft_trainer.py, 1.10.0). */
const TILE = { tokens: 4096, words: 32768 };
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
  // The head's gradient is a part of its own by then.
  if (moment === 'gradient') return [];
  const { model, computeBytes: w, lora } = facts;
  const tokens = moment === 'evaluation' ? facts.evalTokens : facts.tokens;
  const vocabulary = model.vocabSize / (facts.splitsVocabulary ? facts.tensor : 1);
  const rows = (width: number, tokens: number): Piece => ({
    bytes: width * tokens * model.hiddenSize,
    words: `${width} B × ${count(tokens)} tokens × ${count(model.hiddenSize)}`,
  });
  const head = (width: number, words = vocabulary): Piece => ({
    bytes: width * words * model.hiddenSize,
    words: `${width} B × ${count(words)} vocabulary × ${count(model.hiddenSize)}`,
  });
  const logits = (width: number, tokens: number, words = vocabulary): Piece => ({
    bytes: width * tokens * words,
    words: `${width} B × ${count(tokens)} tokens × ${count(words)} vocabulary`,
  });
  const sizes = { tokens, vocabulary, rows, head, logits, isTrained: lora === undefined };
  switch (by) {
    case 'liger':
      return ligerPieces(facts, moment, sizes);
    case 'tiles':
      return tilePieces(facts, moment, sizes);
    case 'chunks': {
      const chunk = Math.min(tokens, CHUNK_TOKENS);
      if (moment !== 'backward') return [logits(10, chunk)];
      return [logits(12, chunk), rows(w, tokens), ...(sizes.isTrained ? [head(2 * w)] : [])];
    }
    default:
      return by satisfies never;
  }
}

interface Sizes {
  readonly tokens: number;
  readonly vocabulary: number;
  readonly rows: (width: number, tokens: number) => Piece;
  readonly head: (width: number, words?: number) => Piece;
  readonly logits: (width: number, tokens: number, words?: number) => Piece;
  readonly isTrained: boolean;
}

/**
 * Gradients are made in forward: that of the stream in any case, that of the head where it is trained, each as wide as what it is of. As many
 * tokens are taken at once as take no more than the stream, rounded up to a power of two. Under autocast the head is copied to 16 bits, twice
 * where it is trained, since one copy stays in the cache.
 */
function ligerPieces(facts: Facts, moment: 'forward' | 'backward' | 'evaluation', sizes: Sizes): Piece[] {
  const { computeBytes: w, castsWeights, model, ligerAddsInPlace } = facts;
  const { tokens, vocabulary, rows, head, logits, isTrained } = sizes;
  const x = castsWeights ? 4 : w;
  const gradient = isTrained && moment !== 'evaluation' ? x : 0;
  if (moment === 'backward') return [rows(x, tokens), head(gradient)];
  const share = Math.ceil(tokens / Math.ceil(vocabulary / model.hiddenSize));
  const chunk = Math.min(tokens, 2 ** Math.ceil(Math.log2(share)));
  const casts = castsWeights ? (gradient > 0 ? 4 : 2) : 0;
  // Each product is added where the gradient is; else it is there once more, and in fp32.
  const added = gradient === 0 || (w === 2 && ligerAddsInPlace) ? 0 : w === 4 ? 4 : 6;
  return [logits(w, chunk), rows(x, tokens), ...(castsWeights ? [rows(w, chunk)] : []), head(gradient + casts + added)];
}

/** The positions that have a label are copied; a tile is made again in backward, where gradients are summed in fp32 and given back in the weights' type. */
function tilePieces(facts: Facts, moment: 'forward' | 'backward' | 'evaluation', sizes: Sizes): Piece[] {
  const { computeBytes: w, castsWeights } = facts;
  const { tokens, vocabulary, rows, head, logits, isTrained } = sizes;
  const x = castsWeights ? 4 : w;
  const some = Math.min(tokens, TILE.tokens);
  const words = Math.min(vocabulary, TILE.words);
  const isBackward = moment === 'backward';
  const casts = castsWeights ? [rows(w, some), head(isBackward ? 2 * w : w, words)] : [];
  const forward = [logits(w, some, words), rows(x, tokens), ...casts];
  if (!isBackward) return forward;
  const each = x === 2 ? 4 + x : 4;
  return [...forward, rows(each, tokens), ...(isTrained ? [head(each)] : [])];
}
