import { valueIfKnown } from '../../run/known';
import type { FsdpSharding } from '../../run/training-run';
import type { Activations } from './activations';
import { buffersOf } from './buffers';
import { expertGradients, expertMoment } from './expert-gradients';
import type { Facts } from './facts';
import { FSDP_SOURCE, gathersOf } from './fsdp-units';
import { blockShare } from './gradients';
import type { Part } from './part';
import { type Moment, moment, scaled } from './phases';

/** What is there through all of backward. */
export interface Backward {
  readonly resident: readonly Part[];
  /** Gradients of earlier micro-steps; empty in the first. */
  readonly earlier: readonly Part[];
  /** This rank's gradients when all are made. */
  readonly kept: Part | undefined;
  readonly head: readonly Part[];
  readonly activations: Activations;
  readonly blocks: number;
}

/**
 * Backward block by block. At the start of one its own weights are gathered and those of the next are on their way; FSDP 2 still
 * holds what is reduced of the one before. At its end its gradients are there too, and activations are gone: torch/distributed/fsdp
 * `_fsdp_param_group.py` (post_backward, backward prefetch) and `_runtime_utils.py`; counted block by block.
 */
export function fsdpBackward(facts: Facts, fsdp: FsdpSharding, around: Backward): Moment[] {
  const { resident, earlier, kept, head, activations, blocks } = around;
  const { saved, working, last } = activations;
  const isFirst = valueIfKnown(fsdp.version) === 1;
  const unit = gathersOf(facts, fsdp);
  const trains = facts.lora === undefined;
  const make = buffersOf(facts, FSDP_SOURCE, 'parameters');
  /** Units alive: gathered ones count where weights are not all kept, those of gradients where any are made. */
  const units = (gathered: number, reduced: number): Part => {
    const copies = (unit.keepsAll ? 0 : gathered) + (trains ? reduced : 0);
    return make('units', 'gathered blocks, and gradients being reduced', unit.width, unit.block, copies);
  };
  const without = (count: number): Part[] =>
    scaled(saved, Math.max(0, 1 - (count * last.bytes) / Math.max(1, saved.bytes)));
  const made = (count: number): Part[] => {
    const share = (blockShare(facts) * Math.max(0, count)) / Math.max(1, blocks);
    return [...(earlier.length > 0 ? earlier : scaled(kept, share)), ...scaled(replicaSums(facts, kept), share)];
  };
  const early = [...resident, ...head, unit.root];
  // Weights that are kept gathered are given up block by block.
  const late = [...resident, ...head, unit.rest];
  const moments = [
    moment('step', 'backward of the last block', [...early, ...earlier, saved, working, units(2, 0)]),
    moment('step', 'backward of the first block', [
      ...late,
      ...made(blocks - 1),
      last,
      working,
      units(1, isFirst ? 0 : 1),
    ]),
  ];
  const experts = isFirst ? undefined : expertMoment(facts);
  if (experts !== undefined) {
    const own = [experts.activations, expertGradients(facts, unit.width, experts.elements)];
    const inBlocks = scaled(saved, 1 - (activations.ends + experts.gone) / Math.max(1, saved.bytes));
    const gathered = 1 + Math.round((100 * experts.next) / Math.max(1, unit.block)) / 100;
    moments.push(
      moment('step', "gradients of the last block's experts", [...early, ...earlier, ...inBlocks, ...own, units(2, 0)]),
      moment('step', "gradients of the first block's experts", [
        ...late,
        ...made(experts.madeShare * blocks),
        experts.kept,
        ...own,
        units(gathered, 1),
      ]),
    );
    if (blocks >= 3 && experts.next === 0) {
      moments.push(
        moment('step', "gradients of a block's experts", [...early, ...made(1), ...without(1), ...own, units(2, 1)]),
        moment('step', "gradients of the second block's experts", [
          ...late,
          ...made(blocks - 2),
          ...scaled(last, 2),
          ...own,
          units(2, 1),
        ]),
      );
    }
  }
  if (isFirst) {
    moments.push(moment('step', 'gradients of the last block', [...early, ...made(0), ...without(1), units(2, 2)]));
  }
  // The first block has nothing to gather ahead, so only those between it and the last have all of it.
  if (blocks >= 3) {
    const reduced = isFirst ? 0 : 1;
    moments.push(
      moment('step', 'backward of a block', [...early, ...made(1), ...without(1), working, units(2, reduced)]),
      moment('step', 'gradients of a block', [...early, ...made(1), ...without(2), units(2, 2)]),
      moment('step', 'backward of the second block', [
        ...late,
        ...made(blocks - 2),
        ...scaled(last, 2),
        working,
        units(2, reduced),
      ]),
      moment('step', 'gradients of the second block', [...late, ...made(blocks - 2), last, units(2, 2)]),
    );
  }
  if (trains && facts.model.tiedEmbeddings) {
    // Autograd adds the embedding's gradient to the head's in a third tensor, while the root is still gathered.
    const elements = (facts.model.vocabSize * facts.model.hiddenSize) / facts.tensor;
    const sum = make('embedding', 'gradient of the tied embedding, and the sum', unit.width, elements, 2);
    const reduced = units(0, isFirst ? 0 : 1);
    moments.push(moment('step', 'gradient of the embedding', [...late, ...made(blocks), sum, reduced]));
  }
  return moments;
}

/**
 * HSDP adds its shard of the gradients up over the replicas, in the type they are reduced in; what was added is kept until backward
 * ends, beside the wider gradients it is cast to. Counted.
 */
export function replicaSums(facts: Facts, kept: Part | undefined): Part | undefined {
  const { replicas, computeBytes, mixed, trainable, shards } = facts;
  if (kept === undefined || replicas <= 1 || !mixed) return undefined;
  const make = buffersOf(facts, FSDP_SOURCE, 'parameters');
  return make('replicas', 'gradients added up over the replicas', computeBytes, trainable / shards);
}
