import { formatCount } from '../../text/format';
import { type BlockBytes, blockBytes } from './blocks';
import type { Facts } from './facts';
import { megatronEnds } from './megatron';
import type { Part } from './part';
import { keptOnGpu, recomputedShare } from './recompute';
import { firstBlock, outsideSizes, RECORDED, settingFor } from './recorded';
import { seesEverySample } from './symbols';
import { evaluate } from './terms';
import { waveBackward } from './waves';

export interface Activations {
  /** Kept by autograd over all blocks at the end of forward. */
  readonly saved: Part;
  /** The block whose backward needs most: recomputed under checkpointing. */
  readonly working: Part;
  /** The same while the other blocks are still there: backward comes to an encoder or an image tower when the decoder's are gone. */
  readonly workingBesideAll: Part;
  /** Bytes of what autograd keeps that wait on the host for backward. */
  readonly onHost: number;
  /** Bytes of {@link saved} outside the blocks, mostly of the last norm: gone when backward comes to the blocks. */
  readonly ends: number;
  /** What one block and the stream still hold when only the first is left. */
  readonly last: Part;
  readonly casts: Part | undefined;
  /** The same at the end of forward, where autocast's cache also has those of blocks that keep nothing; undefined where there are none. */
  readonly castsInForward: Part | undefined;
  /** The same of the head, gone when its gradient is made. */
  readonly headCasts: Part | undefined;
}

/** Sums blocks over all kinds; pipeline stages hold their share of the blocks for several micro-batches in flight. */
export function countActivations(facts: Facts): Activations {
  const { model, tokens, pipeline, accumulation, counts } = facts;
  const inFlight = pipeline > 1 ? Math.min(accumulation, pipeline) : 1;
  let saved = 0;
  let casts = 0;
  let cached = 0;
  let decoder = 0;
  const kinds: { readonly bytes: BlockBytes; readonly isDecoder: boolean }[] = [];
  let largest: BlockBytes = { saved: 0, checkpoint: 0, backward: 0, casts: 0 };
  for (let i = 0; i < model.blocks.length; i++) {
    const block = model.blocks[i];
    if (block === undefined || !seesEverySample(model, block)) continue;
    const bytes = blockBytes(facts, i);
    const count = block.count * counts.stageShare;
    const recomputed = recomputedShare(facts, count);
    const kept = count * (recomputed * bytes.checkpoint + (1 - recomputed) * bytes.saved);
    saved += kept;
    const isDecoder = block.tower === 'text';
    if (isDecoder) decoder += kept;
    kinds.push({ bytes, isDecoder });
    casts += (1 - recomputed) * count * bytes.casts;
    cached += count * bytes.casts;
    if (bytes.saved + bytes.backward > largest.saved + largest.backward) largest = bytes;
  }
  const h = model.hiddenSize;
  const { ends, casts: headCast } = outside(facts);
  // The pipeline keeps what a stage sent on until its gradient comes back (deepspeed/runtime/pipe/engine.py, pipe_buffers).
  // Megatron frees what it sent (megatron/core/pipeline_parallel/schedules.py, deallocate_output_tensor).
  const sent = pipeline > 1 && facts.sharding.kind !== 'megatron' ? tokens * facts.streamBytes * h : 0;
  const all = (saved + sent) * inFlight;
  const onHost = Math.max(0, all - keptOnGpu(facts, largest, all));
  const total = all - onHost + ends;
  const isFull = recomputedShare(facts, 1) > 0;
  const workingOf = (bytes: BlockBytes): number =>
    bytes.backward + (isFull ? bytes.saved + (facts.castsWeights ? bytes.casts : 0) : 0);
  const working = workingOf(largest);
  let beside = 0;
  let most = 0;
  for (const { bytes, isDecoder } of kinds) {
    const gone = isDecoder ? 0 : decoder;
    if (bytes.saved + bytes.backward - gone <= most) continue;
    most = bytes.saved + bytes.backward - gone;
    beside = workingOf(bytes) - gone;
  }
  const waves = waveBackward(facts);
  const workingPart = (bytes: number): Part => ({
    id: 'activations.block',
    group: 'activations',
    bytes,
    label: () =>
      waves > 0 && bytes === waves
        ? 'the first convolution recomputed, and its backward'
        : isFull
          ? 'one block recomputed, and its backward'
          : 'backward of one block',
    formula: () => `${formatCount(bytes / Math.max(1, tokens))} B × ${formatCount(tokens)} tokens`,
    source: RECORDED,
    from: [...facts.from.batch, ...facts.from.checkpointing],
  });
  return {
    onHost,
    ends,
    saved: {
      id: 'activations.saved',
      group: 'activations',
      bytes: total,
      label: () => (isFull ? 'block inputs kept for recomputation' : 'activations saved for backward'),
      formula: () => `${formatCount(total / Math.max(1, tokens))} B × ${formatCount(tokens)} tokens`,
      source: RECORDED,
      from: [...facts.from.batch, ...facts.from.checkpointing],
    },
    working: workingPart(Math.max(working, waves)),
    workingBesideAll: workingPart(beside),
    last: {
      id: 'activations.saved',
      group: 'activations',
      bytes: isFull ? largest.checkpoint : largest.saved + largest.casts,
      label: () => 'activations of the first block',
      formula: () =>
        `${formatCount((isFull ? largest.checkpoint : largest.saved) / Math.max(1, tokens))} B × ${formatCount(tokens)} tokens`,
      source: RECORDED,
      from: facts.from.batch,
    },
    casts: weightCasts(facts, casts, 'activations.casts', '16-bit copies of the fp32 weights (autocast)'),
    // Cached for weights that ask for a gradient, with and without a graph (aten/src/ATen/autocast_mode.cpp, cached_cast).
    castsInForward:
      facts.lora === undefined && cached > casts
        ? weightCasts(facts, cached, 'activations.casts', '16-bit copies of the fp32 weights (autocast)')
        : undefined,
    // A loss in pieces keeps no copy, and counts those that it makes.
    headCasts: weightCasts(
      facts,
      facts.fusedBy === 'liger' || facts.fusedBy === 'tiles' ? 0 : headCast,
      'activations.casts.head',
      "16-bit copy of the head's fp32 weight (autocast)",
    ),
  };
}
function weightCasts(facts: Facts, bytes: number, id: string, label: string): Part | undefined {
  if (bytes === 0) return undefined;
  return {
    id,
    group: 'activations',
    bytes,
    label: () => label,
    formula: () => `2 B × ${formatCount(bytes / 2)} weights`,
    source: `torch autocast weight cache; ${RECORDED}`,
    from: facts.from.precision,
  };
}

/**
 * What is kept outside the blocks: embedding, last norm, rotary tables, ids and what the first block keeps besides. Under
 * checkpointing the first block's input is the embedding's output, and asks for a gradient under LoRA too.
 */
function outside(facts: Facts): { readonly ends: number; readonly casts: number } {
  if (facts.sharding.kind === 'megatron') return { ends: megatronEnds(facts, facts.sharding), casts: 0 };
  const first = firstBlock(facts);
  const found =
    (facts.checkpointing === 'full' ? settingFor(facts, first, true) : undefined) ?? settingFor(facts, first);
  if (found === undefined) return { ends: 0, casts: 0 };
  const sizes = outsideSizes(facts, found.withoutPairs);
  return { ends: evaluate(found.setting.ends, sizes), casts: evaluate(found.setting.casts, sizes) };
}
