import type { AttentionShape, Block, MlpShape } from '../../models/model';
import type { Facts } from './facts';
import { activationOf, type FamilyTraits, familyTraits } from './families';

/** Activation bytes of one block for one micro-step on one rank. */
export interface BlockBytes {
  /** What autograd keeps for backward without checkpointing. */
  readonly saved: number;
  /** What is kept per block under full checkpointing: its input. */
  readonly checkpoint: number;
  /** Alive beside the saved tensors while this block's backward runs. */
  readonly backward: number;
  /** 16-bit copies of fp32 weights that autocast caches until the graph is gone. */
  readonly casts: number;
}

/**
 * Bytes saved per block, operator by operator as Hugging Face's code runs them.
 * With hidden size h, n heads, k key-value heads of size d, and intermediate size I, bf16 flash gives T·(16h + 4nd + 4kd + 8I + 4n + 8), counted exactly.
 */
export function blockBytes(facts: Facts, index: number): BlockBytes {
  const block = facts.model.blocks[index];
  if (block === undefined) return { saved: 0, checkpoint: 0, backward: 0, casts: 0 };
  const { traits } = familyTraits(facts.model.modelType);
  const h = facts.model.hiddenSize;
  const attention = block.attention;
  const intermediate = mlpWidth(block) / facts.tensor;
  const compute = facts.computeBytes;
  const crosses = block.tower === 'text' && isEncoderDecoder(facts);
  let perToken: number;
  if (facts.compiled) perToken = compiledPerToken(facts, block);
  else if (facts.checkpointing === 'selective') perToken = selectivePerToken(facts, block);
  else {
    perToken = normsPerToken(facts, traits, block);
    if (attention !== undefined) perToken += attentionPerToken(facts, traits, attention);
    if (block.mlp !== undefined) perToken += mlpPerToken(facts, traits, block.mlp);
    if (attention !== undefined && crosses) perToken += crossPerToken(facts, traits, attention);
    perToken += loraPerToken(facts, index) + dropoutPerToken(facts, traits, h);
  }
  const scores =
    attention === undefined
      ? 0
      : scoreBytes(facts, traits, attention) +
        biasBytes(facts, traits, attention) +
        (crosses ? scoreBytes(facts, traits, attention) : 0);
  return {
    saved: perToken * facts.tokens + scores,
    checkpoint: facts.streamBytes * h * facts.tokens,
    backward: facts.tokens * compute * (h + 2 * Math.max(intermediate, h)) + unpackedBytes(facts),
    casts: facts.castsWeights ? 2 * (facts.counts.perBlock[index] ?? 0) : 0,
  };
}

/** One quantised weight at a time is unpacked for its product: bitsandbytes autograd/_functions.py, MatMul4Bit.backward. */
function unpackedBytes({ quantization, computeBytes, counts }: Facts): number {
  return quantization === undefined ? 0 : computeBytes * counts.largestQuantised;
}

/** Models whose decoder blocks also look at what an encoder made of the input. */
export function isEncoderDecoder({ model }: Facts): boolean {
  return model.blocks.some(({ tower }) => tower === 'encoder') && model.blocks.some(({ tower }) => tower === 'text');
}

/** A decoder's attention over the encoder's tokens, as many as its own: norm, q, k, v, output, and the dropout behind it. Counted for T5. */
function crossPerToken(facts: Facts, traits: FamilyTraits, shape: AttentionShape): number {
  const h = facts.model.hiddenSize;
  // Keys and values read the encoder's output, which autocast casts for each.
  const casts = facts.castsWeights ? 2 * facts.computeBytes * h : 0;
  const mask = traits.dropout > 0 && !facts.compiled ? h : 0;
  return norm(facts, traits, h) + consumed(facts, h, 1) + attentionPerToken(facts, traits, shape) + casts + mask;
}

/** Norms, their inputs included, and the copies that the linear layers behind them keep. */
function normsPerToken(facts: Facts, traits: FamilyTraits, block: Block): number {
  const h = facts.model.hiddenSize;
  const attentionConsumers = traits.fusedQkv ? 1 : 3;
  const mlpConsumers = block.mlp?.gated === true && !traits.fusedGate ? 2 : 1;
  let bytes = 0;
  if (traits.norms >= 1) bytes += norm(facts, traits, h) + consumed(facts, h, attentionConsumers);
  if (traits.norms >= 2) bytes += norm(facts, traits, h) + consumed(facts, h, mlpConsumers);
  // Without a norm in front, the linear layers keep the stream itself.
  if (traits.norms === 0) bytes += consumed(facts, h, attentionConsumers) + consumed(facts, h, mlpConsumers);
  bytes += traits.postNorms * norm(facts, traits, h);
  const attention = block.attention;
  if (attention?.qkNorm === true) {
    const width = ((attention.heads + attention.kvHeads) * attention.headDim) / facts.tensor;
    bytes += norm(facts, traits, width) + 4 * (attention.heads + attention.kvHeads - 1);
  }
  return bytes;
}

/** What a norm over `width` features itself saves, without its output. */
function norm(facts: Facts, traits: FamilyTraits, width: number): number {
  const stream = facts.streamBytes;
  const isTrained = facts.lora === undefined;
  switch (traits.norm) {
    case 'layer':
      // nn.LayerNorm: its input, and mean and rstd in fp32.
      return stream * width + 8;
    case 't5':
      // The fp32 copy, the stream itself for the product, and the normalised value for the weight's gradient.
      return (stream === 2 ? 6 : 4) * width + 4 + (isTrained ? stream * width : 0);
    case 'gemma':
      return 4 * width + 4 + (isTrained ? 4 * width : 0);
    default:
      // An fp32 copy of the input (the stream itself when that is fp32), rsqrt, and the normalised value for the weight's gradient.
      return 4 * width + 4 + (isTrained ? stream * width : 0);
  }
}

/** The input that linear layers keep for their weights' gradients: shared in one dtype, a cast each under autocast over fp32. */
function consumed(facts: Facts, width: number, consumers: number): number {
  if (facts.lora !== undefined && !facts.savesQuantisedInputs) return 0;
  return facts.castsWeights ? facts.computeBytes * width * consumers : facts.streamBytes * width;
}

/** q, k, v, the output and the statistics of the kernel; score matrices are apart ({@link scoreBytes}). */
function attentionPerToken(facts: Facts, traits: FamilyTraits, shape: AttentionShape): number {
  const c = facts.computeBytes;
  const heads = shape.heads / facts.tensor;
  const kvHeads = shape.kvHeads / facts.tensor;
  const q = heads * shape.headDim;
  const k = kvHeads * shape.headDim;
  const v = kvHeads * shape.valueHeadDim;
  const out = heads * shape.valueHeadDim;
  const repeated = heads * (shape.headDim + shape.valueHeadDim);
  switch (facts.attention) {
    case 'flash': {
      const fused = traits.fusedQkv && traits.rotary ? q + k : 0;
      return c * (q + k + v + out + fused) + 4 * heads;
    }
    case 'efficient':
      return c * (q + repeated + out) + 4 * heads;
    default:
      // Eager and math: repeated heads are copied, and the output is made contiguous for the next matrix.
      return c * (q + repeated + (facts.lora === undefined ? out : 0));
  }
}

/** Tensors with one element per pair of tokens, for all samples of the micro-step. */
function scoreBytes(facts: Facts, traits: FamilyTraits, shape: AttentionShape): number {
  const pairs = facts.samples * facts.sequence * (facts.sequence / facts.context);
  const heads = shape.heads / facts.tensor;
  switch (facts.attention) {
    case 'flash':
      return 0;
    case 'efficient':
      return facts.masked ? facts.computeBytes * pairs : 0;
    case 'math':
      return facts.computeBytes * heads * pairs;
    default: {
      // Softmax, with its 16-bit copy where it is fp32 and products are not; dropout keeps a mask and its output.
      const c = facts.computeBytes;
      const isInFull = traits.softmax === 'fp32' || facts.mixed;
      // Autocast takes every softmax in fp32; dropout's output is what is cast, so that the copy is not another one.
      const softmax = !isInFull ? c : c === 4 ? 4 : traits.attentionDropout && facts.mixed ? 4 : 6;
      const dropout = traits.attentionDropout ? 1 + c : 0;
      return (softmax + dropout + (traits.softcap ? facts.computeBytes : 0)) * heads * pairs;
    }
  }
}

/** The bias of a block's own attention as the fused kernel keeps it, one for all samples. */
function biasBytes(facts: Facts, traits: FamilyTraits, shape: AttentionShape): number {
  if (traits.relativeBias === undefined || facts.attention === 'eager' || facts.attention === 'math') return 0;
  return (facts.computeBytes * (shape.heads / facts.tensor) * facts.sequence * facts.sequence) / facts.context;
}

/** Gated: gate, activation, up and product; two matrices: the activation's input and output. */
function mlpPerToken(facts: Facts, traits: FamilyTraits, mlp: MlpShape): number {
  const c = facts.computeBytes;
  const frozen = facts.lora !== undefined && !facts.savesQuantisedInputs;
  const activation = activationOf(facts.model);
  const wide = (size: number): number => {
    if (mlp.gated && activation === 'python-gelu') {
      // Five intermediates, the other half and the product; under autocast fp32 ones among them. Counted on T5.
      return size * ((facts.castsWeights ? 22 : 7 * c) - (frozen ? c : 0));
    }
    if (mlp.gated) return c * size * (frozen ? 3 : 4);
    if (activation === 'relu') return c * size;
    // gelu_new in Python: five intermediates; under autocast pow and tanh run in fp32. Counted.
    if (activation === 'python-gelu') return size * (facts.castsWeights ? 16 : (frozen ? 4 : 5) * c);
    return c * size * (frozen ? 1 : 2);
  };
  if (mlp.moe === undefined) {
    const width = mlp.intermediateSize / facts.tensor;
    // Dropout keeps a mask; after relu, which keeps its own result, what it passes on is another tensor.
    const dropped = traits.mlpDropout === undefined ? 0 : width * (activation === 'relu' ? 1 + c : 1);
    return wide(width) + dropped;
  }
  const { experts, expertsPerToken, expertIntermediateSize, sharedIntermediateSize } = mlp.moe;
  const h = facts.model.hiddenSize;
  const routed = expertsPerToken * (wide(expertIntermediateSize / facts.tensor) + 2 * c * h);
  return 8 * experts + routed + wide(sharedIntermediateSize / facts.tensor);
}

/**
 * What adapters keep of their inputs. fp32 adapters in a 16-bit model cast a copy each (16-bit under autocast); where the whole
 * model is 16-bit (ZeRO, FSDP's mixed precision) they share the input with its other readers.
 */
function loraPerToken(facts: Facts, index: number): number {
  const adapted = facts.lora?.perBlock[index];
  if (facts.lora === undefined || adapted === undefined) return 0;
  const isShared = facts.sharding.kind === 'zero' || (facts.sharding.kind === 'fsdp' && facts.mixed);
  const width = facts.mixed || isShared ? facts.computeBytes : 4;
  // Dropout gives each adapter an input of its own, and a mask of one byte.
  const inputs = isShared && !facts.lora.dropsOut ? adapted.distinctInputs : adapted.inputs;
  const mask = facts.lora.dropsOut ? adapted.inputs / facts.tensor : 0;
  return width * (inputs / facts.tensor + adapted.targets * facts.lora.rank) + mask;
}

function dropoutPerToken(facts: Facts, traits: FamilyTraits, h: number): number {
  // A mask of one byte on each of the two residual branches.
  return traits.dropout > 0 && !facts.compiled ? 2 * h : 0;
}

/** torch.compile keeps what its partitioner cannot cheaply recompute; an estimate, not a count. */
function compiledPerToken(facts: Facts, block: Block): number {
  const c = facts.computeBytes;
  return c * (2 * facts.model.hiddenSize + (3 * mlpWidth(block)) / facts.tensor) + attentionIo(facts, block);
}

/** torchtitan's per-operator policy saves every other product and the attention output. */
function selectivePerToken(facts: Facts, block: Block): number {
  const c = facts.computeBytes;
  return c * (3 * facts.model.hiddenSize + mlpWidth(block) / facts.tensor) + attentionIo(facts, block) / 2;
}

function mlpWidth(block: Block): number {
  const mlp = block.mlp;
  if (mlp?.moe === undefined) return mlp?.intermediateSize ?? 0;
  return mlp.moe.expertsPerToken * mlp.moe.expertIntermediateSize + mlp.moe.sharedIntermediateSize;
}

function attentionIo(facts: Facts, block: Block): number {
  const shape = block.attention;
  if (shape === undefined) return 0;
  return (facts.computeBytes * 2 * shape.headDim * (shape.heads + shape.kvHeads) + 4 * shape.heads) / facts.tensor;
}
