import type { Block, Model } from '../../models/model';

/**
 * The sizes of a block by the letters in which recordings are written: h hidden size, V vocabulary, n heads, k key-value heads, d and v
 * widths of a query and a value head, I intermediate size, E experts, K experts a token visits, X width of one, S of the shared ones,
 * w window, u positions of the encoder or of the image where the class fixes them, N and G width and groups of a state. What tensor parallelism splits is divided by its ranks.
 */
export function blockSymbols(model: Model, index: number, tensor = 1): Map<string, number> {
  const block = model.blocks[index];
  const attention = block?.attention;
  const isTower = block?.tower === 'vision' || block?.tower === 'audio';
  const symbols = new Map([
    ['h', isTower && attention !== undefined ? attention.heads * attention.headDim : model.hiddenSize],
    ['V', model.vocabSize / tensor],
  ]);
  if (attention !== undefined) {
    symbols.set('n', attention.heads / tensor);
    symbols.set('k', attention.kvHeads / tensor);
    symbols.set('d', attention.headDim);
    symbols.set('v', attention.valueHeadDim);
    if (attention.window !== undefined) symbols.set('w', attention.window);
  }
  const moe = block?.mlp?.moe;
  if (moe !== undefined) {
    symbols.set('E', moe.experts);
    symbols.set('K', moe.expertsPerToken);
    symbols.set('X', moe.expertIntermediateSize / tensor);
    symbols.set('S', moe.sharedIntermediateSize / tensor);
  } else if (block?.mlp !== undefined) symbols.set('I', block.mlp.intermediateSize / tensor);
  const fixed = model.blocks.find(({ positions }) => positions !== undefined)?.positions;
  if (fixed !== undefined) symbols.set('u', fixed);
  if (block?.state !== undefined) {
    symbols.set('N', block.state.width);
    symbols.set('G', block.state.groups / tensor);
  }
  return symbols;
}

/** Whether every sample of a run passes through the block; images and sound beside a text may be few or none. */
export function seesEverySample({ blocks }: Model, { tower, positions }: Block): boolean {
  if (positions !== undefined || tower === 'text' || tower === 'encoder') return true;
  return blocks.every((other) => other.tower === tower);
}

/** The side of one of the block's tensors by name and axis, as `self_attn.kv_b_proj:0`, or of one outside the blocks; undefined where there is none. */
export function sideOf(model: Model, index: number, side: string): number | undefined {
  const colon = side.lastIndexOf(':');
  const name = side.slice(0, colon);
  const axis = Number(side.slice(colon + 1));
  let outside: number | undefined;
  for (const group of model.groups) {
    if (group.block === index && tensorName(group.name) === name) return group.shape[axis];
    if (group.block === undefined && outsideName(group.name) === name) outside = group.shape[axis];
  }
  return outside;
}

/** `self_attn.q_proj` of `model.layers.*.self_attn.q_proj.weight`. */
export function tensorName(group: string): string {
  return group.replace(/^.*?\.\*\./, '').replace(/\.weight$/, '');
}

/** The last word of the name of a tensor outside the blocks: `embed_tokens_per_layer`. */
export function outsideName(group: string): string {
  return group.replace(/\.weight$/, '').replace(/^.*\./, '');
}

/** What sets a kind of block apart from the family's other kinds, in words: `block`, `block window experts`. */
export function blockKey(model: Model, index: number): string {
  const block = model.blocks[index];
  const words = ['block'];
  if (block === undefined) return 'block';
  if (block.tower !== 'text') words.push(block.tower);
  if (block.attention === undefined) words.push(block.mlp === undefined ? 'mixer' : 'mixing');
  else if (block.attention.kind !== 'standard') words.push(block.attention.kind);
  if (block.attention?.window !== undefined) words.push('window');
  if (block.mlp?.moe !== undefined) words.push('experts');
  if (block.attention !== undefined && block.mlp === undefined) words.push('alone');
  if (block.kind !== undefined) words.push(block.kind);
  return words.join(' ');
}
