import type { Block } from '../../models/model';
import { doraBytes } from './dora';
import type { Facts } from './facts';
import { ligerSpares } from './liger';
import { adaptedExpertBytes } from './lora-experts';
import { megatronBlock } from './megatron';
import { choosesOperators } from './recompute';
import { recordedBlock, settingFor, sizesOf } from './recorded';
import { spreadExperts } from './spread-experts';
import { evaluate } from './terms';

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
 * Bytes saved per block, as counted for its family and written in its sizes: Llama in bf16 with a flash kernel keeps
 * `16Th + 4Tnd + 4Tkd + 8TI + 4Tn + 8T`. What cannot be run on fake tensors has formulas: compiled code, selective checkpointing.
 */
export function blockBytes(facts: Facts, index: number): BlockBytes {
  const block = facts.model.blocks[index];
  if (facts.sharding.kind === 'megatron') return megatronBlock(facts, facts.sharding, index);
  const found = settingFor(facts, index);
  const recorded = found && recordedBlock(found, facts, index);
  if (block === undefined || found === undefined || recorded === undefined)
    return { saved: 0, checkpoint: 0, backward: 0, casts: 0 };
  const sizes = sizesOf(facts, index, found.withoutPairs);
  const { streamBytes, model, tokens } = facts;
  const isPartly = facts.compiled || choosesOperators(facts);
  const dora = doraBytes(facts, index, adapterWidth(facts));
  const experts = adaptedExpertBytes(facts, index);
  const spread = spreadExperts(facts, index);
  const adapters = facts.tokens * loraPerToken(facts, index) + experts.saved + dora.saved;
  const saved = evaluate(recorded.saved, sizes);
  let backward = 0;
  for (const moment of recorded.working) backward = Math.max(backward, evaluate(moment, sizes));
  return {
    saved: isPartly
      ? pairs(facts, index, recorded.saved) +
        tokens * (facts.compiled ? compiledPerToken(facts, block) : selectivePerToken(facts, block))
      : saved + adapters - frozenNorms(facts) - ligerSpares(facts, index) + (spread?.saved ?? 0),
    checkpoint: checkpointBytes(facts, index) ?? streamBytes * model.hiddenSize * tokens,
    backward: Math.max(
      (isPartly ? widestBackward(facts, block) : backward) + unpackedBytes(facts) + dora.backward,
      experts.backward,
      spread?.backward ?? 0,
      dora.forward,
    ),
    casts: evaluate(recorded.casts, sizes),
  };
}

/** What is kept of a checkpointed block: its input, and what is no tensor of the stream but goes in with it. */
function checkpointBytes(facts: Facts, index: number): number | undefined {
  const found = settingFor(facts, index, true);
  const recorded = found && recordedBlock(found, facts, index);
  return recorded && evaluate(recorded.saved, sizesOf(facts, index));
}

/** The share that grows with pairs of positions. */
function pairs(facts: Facts, index: number, text: string): number {
  return evaluate(text, sizesOf(facts, index)) - evaluate(text, sizesOf(facts, index, true));
}

/** One quantised weight at a time is unpacked for its product: bitsandbytes autograd/_functions.py, MatMul4Bit.backward. */
function unpackedBytes({ quantization, computeBytes, counts }: Facts): number {
  return quantization === undefined ? 0 : computeBytes * counts.largestQuantised;
}

/**
 * Quantised products of bitsandbytes before 0.43.2 keep their inputs although their weights are frozen: as when all is trained, but
 * that two RMSNorms keep nothing for their weights' gradients. torch's LayerNorm keeps its input in any case (native_layer_norm).
 */
function frozenNorms(facts: Facts): number {
  const isLayerNorm = facts.model.groups.some(({ kind, name }) => kind === 'norm' && name.endsWith('.bias'));
  return facts.lora !== undefined && facts.savesQuantisedInputs && !isLayerNorm
    ? 2 * facts.streamBytes * facts.model.hiddenSize * facts.tokens
    : 0;
}

/** Models whose decoder blocks also look at what an encoder made of an input of some length. */
export function isEncoderDecoder({ model }: Facts): boolean {
  const encoder = model.blocks.find(({ tower }) => tower === 'encoder');
  return (
    encoder?.positions === undefined && encoder !== undefined && model.blocks.some(({ tower }) => tower === 'text')
  );
}

/**
 * What adapters keep of their inputs. fp32 adapters in a 16-bit model cast a copy each (16-bit under autocast); where the whole
 * model has one type (ZeRO, FSDP's mixed precision, fp32) they share the input with its other readers. Counted by record_memory.py.
 */
function loraPerToken(facts: Facts, index: number): number {
  const adapted = facts.lora?.perBlock[index];
  if (facts.lora === undefined || adapted === undefined) return 0;
  const width = adapterWidth(facts);
  // Dropout gives each adapter an input of its own, and a mask of one byte.
  const inputs = sharesInput(facts) && !facts.lora.dropsOut ? adapted.distinctInputs : adapted.inputs;
  const mask = facts.lora.dropsOut ? adapted.inputs / facts.tensor : 0;
  return width * (inputs / facts.tensor + adapted.targets * facts.lora.rank) + mask;
}

/** Where the whole model has one type, adapters read what the other readers of their input read. */
function sharesInput({ sharding, mixed, computeBytes }: Facts): boolean {
  return sharding.kind === 'zero' || (sharding.kind === 'fsdp' && mixed) || computeBytes === 4;
}

/** Bytes of what adapters compute with. */
function adapterWidth(facts: Facts): number {
  return facts.mixed || sharesInput(facts) ? facts.computeBytes : 4;
}

/** The gradients of a block's widest tensors, where its operators were not recorded. */
function widestBackward({ model, computeBytes, tokens, tensor }: Facts, block: Block): number {
  const h = model.hiddenSize;
  return tokens * computeBytes * (h + 2 * Math.max(mlpWidth(block) / tensor, h));
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
