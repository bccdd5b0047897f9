import type { Model, ParameterGroup } from '../../models/model';

/** Ranks that split the weights themselves, apart from ZeRO and FSDP. */
export interface WeightSplit {
  readonly tensor: number;
  readonly pipeline: number;
  readonly expert: number;
  /** Ranks that split the embedding: Megatron's tensor parallelism alone does. */
  readonly vocabulary: number;
}

/** Numbers of parameters on one rank, before ZeRO or FSDP shard them. */
export interface Counts {
  /** All weights of the rank. */
  readonly total: number;
  /** Share of the blocks that the fullest pipeline stage holds. */
  readonly stageShare: number;
  /** Those of the repeated blocks, by block of the model: one block's parameters on this rank. */
  readonly perBlock: readonly number[];
  /** Embedding, head, final norm: what FSDP's root unit holds. */
  readonly outside: number;
  /** The single largest parameter. */
  readonly largest: number;
  readonly largestName: string;
  /** The largest matrix of a block that is quantised where anything is. */
  readonly largestQuantised: number;
  /** Parameters of `nn.Linear` weights inside the blocks: what bitsandbytes quantises. */
  readonly quantisable: number;
  readonly embedding: number;
  /** Weights of routed experts. */
  readonly experts: number;
  /** Sums of rows and columns of matrices plus elements of vectors: what a factored optimizer keeps. */
  readonly factored: number;
  readonly matrices: number;
}

/** Elements of one tensor of the group. */
export function elements(group: ParameterGroup): number {
  let product = 1;
  for (const size of group.shape) product *= size;
  return product;
}

/** Counts a model's parameters on the fullest rank. Norms are not split by tensor parallelism; pipeline stages hold whole blocks. */
export function countParameters(model: Model, split: WeightSplit): Counts {
  const perBlock: number[] = model.blocks.map(() => 0);
  let outside = 0;
  let inBlocks = 0;
  let quantisable = 0;
  let embedding = 0;
  let experts = 0;
  let factored = 0;
  let matrices = 0;
  let largest = 0;
  let largestName = '';
  let largestQuantised = 0;
  for (const group of model.groups) {
    const one = elements(group) / divisor(group, split);
    const all = one * group.count;
    const block = group.block;
    const isMatrix = group.shape.length >= 2;
    if (block === undefined) outside += all;
    else {
      const blocks = model.blocks[block]?.count ?? 1;
      perBlock[block] = (perBlock[block] ?? 0) + all / blocks;
      inBlocks += all;
      if (group.module === 'linear' && isMatrix) {
        quantisable += all;
        largestQuantised = Math.max(largestQuantised, one);
      }
    }
    if (group.kind === 'embedding') embedding += all;
    if (group.kind === 'expert') experts += all;
    if (isMatrix) matrices += all;
    factored += isMatrix ? (all * sides(group.shape)) / Math.max(1, one) : all;
    if (one > largest) {
      largest = one;
      largestName = group.name;
    }
  }
  const stages = split.pipeline;
  // The first stage holds the embedding and the last the head: half of what is outside the blocks, or all of it where they are tied.
  const outsideHere = stages > 1 && !model.tiedEmbeddings ? outside / 2 : outside;
  const layers = model.blocks.reduce((sum, block) => sum + block.count, 0);
  const share = Math.ceil(layers / stages) / Math.max(1, layers);
  return {
    total: inBlocks * share + outsideHere,
    stageShare: share,
    perBlock,
    outside: outsideHere,
    largest,
    largestName,
    largestQuantised,
    quantisable: quantisable * share,
    embedding: stages > 1 ? embedding / 2 : embedding,
    experts: experts * share,
    factored: factored * share,
    matrices: matrices * share,
  };
}

function divisor(group: ParameterGroup, split: WeightSplit): number {
  if (group.kind === 'norm' || group.kind === 'router') return 1;
  if (group.kind === 'embedding') return split.vocabulary;
  return split.tensor * (group.kind === 'expert' ? split.expert : 1);
}

/** Rows plus columns of the last two dimensions, once per leading one. */
function sides(shape: readonly number[]): number {
  let leading = 1;
  for (let i = 0; i < shape.length - 2; i++) leading *= shape[i] ?? 1;
  return leading * ((shape[shape.length - 2] ?? 0) + (shape[shape.length - 1] ?? 0));
}

/** Parameters of the blocks in tensors of more than `least` elements, on this rank. */
export function largerThan(model: Model, split: WeightSplit, least: number): number {
  let sum = 0;
  for (const group of model.groups) {
    const one = elements(group) / divisor(group, split);
    if (group.block !== undefined && one > least) sum += one * group.count;
  }
  return sum;
}
