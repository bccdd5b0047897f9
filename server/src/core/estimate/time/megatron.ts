import { valueIfKnown } from '../../run/known';
import type { MegatronSharding } from '../../run/training-run';
import { counted } from '../../text/format';
import type { TimeFacts } from './facts';
import type { Flow } from './traffic';
import { gigabytes } from './traffic-gather';

/** What Megatron-LM does otherwise than eager transformers under DeepSpeed; counted in its code, fitted on nothing. */

/**
 * Bytes per score and pass that attention with a fused softmax moves: the product, the softmax of 16-bit scores and the next product in
 * the forward, 8, and 14 in the backward; with dropout 11 and 19 (megatron/core/fusions/fused_softmax.py, transformer/dot_product_attention.py).
 */
const SCORE_BYTES = { plain: 7.5, dropout: 10.25 } as const;

/**
 * Bytes per token, hidden unit and block of a forward and backward: two norms 20, bias with GELU 40, bias, dropout and residual 20,
 * gradients of biases 18, reordering of queries, keys and values 32, sums of gradients 12 (megatron/core/fusions).
 */
export const MEGATRON_ELEMENTWISE_BYTES = 142;

const CORE = 'megatron/core';

function megatronOf({ sharding }: Pick<TimeFacts, 'sharding'>): MegatronSharding | undefined {
  return sharding.kind === 'megatron' ? sharding : undefined;
}

/** Whether Megatron's attention writes its scores; undefined for other runs. */
export function writesScores(facts: Pick<TimeFacts, 'sharding'>): boolean | undefined {
  const megatron = megatronOf(facts);
  return megatron && valueIfKnown(megatron.fusedAttention) === false;
}

/** Bytes of a score and pass, where they are written by Megatron. */
export function scoreBytes(facts: Pick<TimeFacts, 'sharding'>): number | undefined {
  const megatron = megatronOf(facts);
  if (!megatron) return undefined;
  return (valueIfKnown(megatron.dropout) ?? 0) > 0 ? SCORE_BYTES.dropout : SCORE_BYTES.plain;
}

/** Norms and residuals are split over the tensor-parallel ranks with sequence parallelism only. */
export function splitsSequence(facts: Pick<TimeFacts, 'sharding'>): boolean {
  const megatron = megatronOf(facts);
  return megatron !== undefined && valueIfKnown(megatron.sequenceParallel) === true;
}

/** Optimizer states are spread over the data-parallel ranks. */
export function spreadsStates(sharding: MegatronSharding): boolean {
  return valueIfKnown(sharding.distributedOptimizer) === true;
}

/**
 * Of the all-reduces of a block, those of the backward go beside the products for the weights; with sequence parallelism, where each is
 * a reduce-scatter and an all-gather of the same bytes, the all-gathers of the row-parallel layers still come first
 * (megatron/core/tensor_parallel/layers.py, LinearWithGradAccumulationAndAsyncCommunication).
 */
export function hiddenTensorCalls(facts: TimeFacts): number {
  if (!megatronOf(facts) || facts.tensor <= 1) return 0;
  return splitsSequence(facts) ? 1 : 2;
}

/** Gradients are reduced once, behind the last backward, since overlap_grad_reduce and overlap_param_gather are off by default. */
export function megatronFlows(facts: TimeFacts, sharding: MegatronSharding): Flow[] {
  const { data, context, gradientBytes, weightBytes, parameters } = facts;
  const ranks = data * context;
  if (ranks <= 1) return [];
  const gradients = gradientBytes * parameters.trainableOnRank;
  const plan = { dimension: 'data', ranks, calls: 1, hides: 'never', source: `${CORE}/distributed` } as const;
  if (!spreadsStates(sharding)) {
    const label = `all-reduce of gradients over ${ranks} replicas, once per step`;
    const formula = `${gigabytes(gradients)} of gradients in one buffer`;
    return [{ ...plan, id: 'communication.data', label, collective: 'all-reduce', bytesPerCall: gradients, formula }];
  }
  const weights = weightBytes * parameters.trainableOnRank;
  return [
    {
      ...plan,
      id: 'communication.reduce-gradients',
      label: `reduce-scatter of gradients over ${ranks} ranks`,
      collective: 'reduce-scatter',
      bytesPerCall: gradients,
      formula: `${counted(1, 'step')} × ${gigabytes(gradients)} of gradients`,
    },
    {
      ...plan,
      id: 'communication.gather-weights',
      label: `all-gather of updated weights over ${ranks} ranks`,
      collective: 'all-gather',
      bytesPerCall: weights,
      formula: `${gigabytes(weights)} of weights, once per step`,
    },
  ];
}
