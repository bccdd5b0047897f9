import { elements } from './counts';
import type { Facts } from './facts';

/**
 * Elements of the gradients that are reduced first. They come from the head down; one that no longer fits is reduced after the
 * bucket, and one larger than it alone, as soon as the next is there (`reduce_independent_p_g_buckets_and_remove_grads`).
 */
export function firstReduced({ model, counts, lora, trainable }: Facts, bucket: number): number {
  if (lora !== undefined) return Math.min(bucket, trainable);
  // A tied embedding's gradient comes last.
  let filled = model.tiedEmbeddings ? 0 : counts.outside - counts.embedding;
  if (filled > bucket) return filled;
  for (let kind = model.blocks.length - 1; kind >= 0; kind--) {
    const count = model.blocks[kind]?.count ?? 0;
    const own = model.groups.filter(({ block }) => block === kind).reverse();
    const whole = own.reduce((sum, group) => sum + elements(group) * group.count, 0) / Math.max(1, count);
    // On this rank, which may hold a part of each.
    const share = whole === 0 ? 0 : (counts.perBlock[kind] ?? 0) / whole;
    for (let block = 0; block < count * counts.stageShare; block++) {
      for (const group of own) {
        const each = elements(group) * share;
        for (let copy = 0; copy < group.count / count; copy++) {
          if (filled + each > bucket) return each > bucket ? each : filled;
          filled += each;
        }
      }
    }
  }
  // The end of backward has the rest.
  return trainable;
}

/**
 * Elements of the largest flat copy made when that many gradients are reduced: slices by partition are put together until they
 * exceed the bucket, and one alone is not copied (`allreduce_and_scatter`; torch's flatten_dense_tensors of one tensor is a view).
 */
export function flattened(start: number, size: number, partition: number, bucket: number): number {
  let most = 0;
  let together = 0;
  let slices = 0;
  for (let at = start; at < start + size; ) {
    const end = Math.min(start + size, (Math.floor(at / partition) + 1) * partition);
    together += end - at;
    slices++;
    if (together > bucket || end === start + size) {
      if (slices > 1) most = Math.max(most, together);
      together = 0;
      slices = 0;
    }
    at = end;
  }
  return most;
}
