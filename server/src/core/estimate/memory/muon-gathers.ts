import type { Model } from '../../models/model';
import { valueIfKnown } from '../../run/known';
import type { ZeroSharding } from '../../run/training-run';
import { formatParameters as count } from '../../text/format';
import { buffer } from './buffers';
import { elements } from './counts';
import type { Facts } from './facts';
import type { Part } from './part';

/** `reduce_bucket_size` default: deepspeed/runtime/zero/config.py. */
const BUCKET_ELEMENTS = 5e8;

/**
 * Muon needs whole matrices. Under ZeRO-3 gradients and momenta of as many as the bucket holds are gathered for the step, through a
 * flat buffer each, and every rank then receives what each of the others made of one: a gradient and a momentum a rank, of the size of
 * the largest (deepspeed/runtime/zero/stage3.py:1697 and 1821, 0.19.8). Counted.
 */
export function muonGathers(facts: Facts, zero: ZeroSharding): Part | undefined {
  const { model, optimizerName, shards, weightBytes: w, lora } = facts;
  if (optimizerName !== 'muon' || lora !== undefined || shards <= 1) return undefined;
  const { largest, all } = matricesOf(model);
  const bucket = valueIfKnown(zero.reduceBucketElements) ?? BUCKET_ELEMENTS;
  const together = Math.max(largest, Math.min(bucket, all));
  const received = 2 * (shards + 1);
  return buffer(
    facts,
    'muon',
    w * (4 * together + received * largest),
    'gradients and momenta gathered for Muon, and its results of all ranks',
    'deepspeed/runtime/zero/stage3.py:1697 (0.19.8), counted',
    () => `${w} B × (4 × ${count(together)} + ${received} × ${count(largest)}) elements`,
  );
}

/**
 * Under stages 1 and 2 Muon runs when backward ends: the momenta of the partition are staged in a copy, and six products of the
 * largest matrix are there in 16 bits (stage_1_and_2.py:2865, muon/original_muon.py:122, 0.19.8). Counted.
 */
export function muonProducts(facts: Facts): Part | undefined {
  const { model, optimizerName, shards, trainable, weightBytes: w, lora } = facts;
  if (optimizerName !== 'muon' || lora !== undefined) return undefined;
  const { largest } = matricesOf(model);
  const partition = trainable / shards;
  return buffer(
    facts,
    'muon',
    w * partition + 12 * largest,
    'momenta staged for Muon, and its products of the largest matrix',
    'deepspeed/runtime/zero/stage_1_and_2.py:2865 (0.19.8), counted',
    () => `${w} B × ${count(partition)} elements + 12 B × ${count(largest)} elements`,
  );
}

function matricesOf(model: Model): { readonly largest: number; readonly all: number } {
  let largest = 0;
  let all = 0;
  for (const group of model.groups) {
    if (group.block === undefined || group.shape.length < 2) continue;
    largest = Math.max(largest, elements(group));
    all += elements(group) * group.count;
  }
  return { largest, all };
}
