import type { AttentionShape } from '../../models/model';
import { counted } from '../../text/format';
import { type Collective, wireBytes } from './collectives';
import type { Hiding } from './draft';
import type { TimeFacts } from './facts';
import { hiddenTensorCalls } from './megatron';
import type { Dimension } from './placement';
import { shardingFlows } from './traffic-sharding';

/** One kind of collective that a step issues again and again. */
export interface Flow {
  readonly id: string;
  readonly label: string;
  readonly dimension: Dimension;
  readonly collective: Collective;
  readonly ranks: number;
  /** The whole tensor of one call: gathered, or before it is reduced. */
  readonly bytesPerCall: number;
  /** Calls of one rank in one optimizer step. */
  readonly calls: number;
  readonly hides: Hiding;
  /** How bytes and calls come about, with the numbers filled in. */
  readonly formula: string;
  readonly source: string;
}

/** Bytes one rank sends in one optimizer step. */
export function flowBytes({ collective, bytesPerCall, ranks, calls }: Flow): number {
  return calls * wireBytes(collective, bytesPerCall, ranks);
}

/** Every collective of one optimizer step, by parallel dimension. */
export function flowsOf(facts: TimeFacts): Flow[] {
  return [
    ...shardingFlows(facts),
    ...tensorFlows(facts),
    ...pipelineFlows(facts),
    ...contextFlows(facts),
    ...expertFlows(facts),
  ];
}

/** Activations travel in 16 bit unless the run computes in fp32. */
function activationBytes({ compute }: TimeFacts): number {
  return compute === 'fp32' ? 4 : 2;
}

function tensorFlows(facts: TimeFacts): Flow[] {
  const { tensor, pipeline, tokens, accumulation, checkpointing, model } = facts;
  if (tensor <= 1) return [];
  const hidden = hiddenTensorCalls(facts);
  const flow = (perBlock: number, beside: boolean): Flow => ({
    id: beside ? 'communication.tensor-backward' : 'communication.tensor',
    label: `tensor parallel: all-reduce of activations over ${tensor} GPUs${beside ? ', beside the products of the backward' : ''}`,
    dimension: 'tensor',
    collective: 'all-reduce',
    ranks: tensor,
    bytesPerCall: activationBytes(facts) * tokens * model.hiddenSize,
    calls: (perBlock * model.layers * accumulation) / pipeline,
    hides: beside ? 'beside-compute' : 'never',
    formula: `${perBlock} × ${model.layers} blocks × ${counted(accumulation, 'micro-step')} of ${Math.round(tokens)} tokens × ${model.hiddenSize}`,
    source: 'Shoeybi et al. 2019 (Megatron-LM, arXiv 1909.08053) §3',
  });
  const visible = flow((checkpointing === 'full' ? 6 : 4) - hidden, false);
  return hidden > 0 ? [visible, flow(hidden, true)] : [visible];
}

function pipelineFlows(facts: TimeFacts): Flow[] {
  const { pipeline, tensor, tokens, accumulation, model } = facts;
  if (pipeline <= 1) return [];
  return [
    {
      id: 'communication.pipeline',
      label: `pipeline: activations between ${pipeline} stages`,
      dimension: 'pipeline',
      collective: 'send',
      ranks: pipeline,
      // Each tensor-parallel rank sends its part, and the ranks of the next stage put them together over their own link.
      bytesPerCall: (activationBytes(facts) * tokens * model.hiddenSize) / tensor,
      calls: 2 * accumulation,
      hides: 'never',
      formula: `2 × ${accumulation} micro-batches of ${Math.round(tokens)} tokens × ${model.hiddenSize}${tensor > 1 ? ` ÷ ${tensor} tensor-parallel ranks` : ''}`,
      source:
        'Narayanan et al. 2021 (arXiv 2104.04473) §2.2 and §4.1; deepspeed runtime/pipe/engine.py is_pipe_partitioned',
    },
  ];
}

function contextFlows(facts: TimeFacts): Flow[] {
  const { context, tensor, pipeline, tokens, accumulation, model } = facts;
  if (context <= 1) return [];
  const attention = model.blocks.find((block) => block.attention)?.attention;
  if (attention === undefined) return [];
  const keysAndValues = attention.kvHeads * (attention.headDim + attention.valueHeadDim);
  if (isUlysses(facts)) return [ulyssesFlow(facts, attention, keysAndValues)];
  return [
    {
      id: 'communication.context',
      label: `context parallel: keys and values around ${context} GPUs`,
      dimension: 'context',
      // The ring moves what an all-gather of keys and values moves; backward sends them again with their gradients.
      collective: 'all-gather',
      ranks: context,
      bytesPerCall: (activationBytes(facts) * tokens * context * keysAndValues) / tensor,
      calls: (3 * model.layers * accumulation) / pipeline,
      hides: 'beside-compute',
      formula: `3 × ${model.layers} blocks × ${counted(accumulation, 'micro-step')} of ${Math.round(tokens * context)} tokens × ${keysAndValues}`,
      source: 'Liu et al. 2023 (ring attention, arXiv 2310.01889)',
    },
  ];
}

/** DeepSpeed splits sequences by Ulysses, torch and Megatron by rings. */
export function isUlysses({ sharding, context }: TimeFacts): boolean {
  return context > 1 && sharding.kind === 'zero';
}

/** Before attention, tokens are exchanged for heads, and after it back. */
function ulyssesFlow(facts: TimeFacts, { heads, headDim }: AttentionShape, keysAndValues: number): Flow {
  const { context, tensor, pipeline, tokens, accumulation, model, checkpointing } = facts;
  const widths = 2 * heads * headDim + keysAndValues;
  const passes = checkpointing === 'full' ? 3 : 2;
  return {
    id: 'communication.context',
    label: `Ulysses: all-to-all of queries, keys, values and outputs over ${context} GPUs`,
    dimension: 'context',
    collective: 'all-to-all',
    ranks: context,
    // Four exchanges of a block, as one mean size.
    bytesPerCall: (activationBytes(facts) * tokens * widths) / tensor / 4,
    calls: (4 * passes * model.layers * accumulation) / pipeline,
    hides: 'never',
    formula: `${passes} × ${model.layers} blocks × ${counted(accumulation, 'micro-step')} of ${Math.round(tokens)} tokens × ${widths}`,
    source: 'Jacobs et al. 2023 (DeepSpeed-Ulysses, arXiv 2309.14509) §3.2',
  };
}

function expertFlows(facts: TimeFacts): Flow[] {
  const { expert, tensor, pipeline, tokens, accumulation, model, checkpointing } = facts;
  if (expert <= 1) return [];
  const layers = model.blocks.reduce((sum, block) => sum + (block.mlp?.moe ? block.count : 0), 0);
  const perToken = model.blocks.find((block) => block.mlp?.moe)?.mlp?.moe?.expertsPerToken ?? 1;
  if (layers === 0) return [];
  const perLayer = checkpointing === 'full' ? 6 : 4;
  return [
    {
      id: 'communication.expert',
      label: `expert parallel: all-to-all over ${expert} GPUs`,
      dimension: 'expert',
      collective: 'all-to-all',
      ranks: expert,
      bytesPerCall: (activationBytes(facts) * tokens * perToken * model.hiddenSize) / tensor,
      calls: (perLayer * layers * accumulation) / pipeline,
      hides: 'never',
      formula: `${perLayer} × ${layers} MoE blocks × ${counted(accumulation, 'micro-step')} of ${Math.round(tokens)} tokens × ${perToken} experts × ${model.hiddenSize}`,
      source: 'Lepikhin et al. 2020 (GShard, arXiv 2006.16668) §3',
    },
  ];
}
