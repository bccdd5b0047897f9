import { valueIfKnown } from '../../run/known';
import type { ZeroSharding } from '../../run/training-run';
import { formatParameters as count } from '../../text/format';
import { buffer } from './buffers';
import type { Facts } from './facts';
import type { Part } from './part';

/**
 * qwZ gathers int8 and makes 16-bit weights of it: the int8 of all ranks is there until then, and bf16 weights have an fp16 copy
 * beside, since the kernel gives fp16 (partition_parameters.py:766 and 1479, 0.19.8; csrc/quantization/pt_binding.cpp, dequantize).
 */
export function quantisedGather(facts: Facts, zero: ZeroSharding): Part[] {
  if (valueIfKnown(zero.quantizedWeights) !== true || facts.weightBytes !== 2) return [];
  const { counts, isBf16 } = facts;
  const prefetched = Math.min(counts.total, valueIfKnown(zero.prefetchBucketElements) ?? 5e7);
  const elements = Math.max(counts.largestQuantised, prefetched);
  const copy = isBf16 ? 2 * counts.largestQuantised : 0;
  const formula = (): string =>
    `1 B × ${count(elements)} elements${isBf16 ? ` + 2 B × ${count(counts.largestQuantised)} elements` : ''}`;
  return [
    buffer(
      facts,
      'quantised',
      elements + copy,
      'weights gathered as int8 (qwZ), and their fp16 copy',
      'deepspeed/runtime/zero/partition_parameters.py:1479 (0.19.8)',
      formula,
    ),
  ];
}

/** What reducing one gradient takes beside the gradient itself, in bytes an element. */
export interface Reduction {
  readonly bytes: number;
  readonly words: string;
}

/**
 * A flat copy, and this rank's part of it; under qgZ the gradient in 4 bits, sent and received inside the node, then what is summed
 * of it between nodes, and back in fp16 (deepspeed/runtime/comm/coalesced_collectives.py:31, 0.19.8).
 */
export function reductionOf(facts: Facts, zero: ZeroSharding): Reduction {
  const { shards, weightBytes: w, gpusPerNode } = facts;
  const inside = Math.max(1, Math.min(shards, gpusPerNode ?? shards));
  if (valueIfKnown(zero.quantizedGradients) !== true || w !== 2) {
    return { bytes: w * (1 + 1 / shards), words: `${w} B + ${w} B ÷ ${shards}` };
  }
  return { bytes: 1 + 3 / inside + 2 / shards, words: `1 B + 3 B ÷ ${inside} + 2 B ÷ ${shards}` };
}
