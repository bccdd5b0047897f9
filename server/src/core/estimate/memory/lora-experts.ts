import type { Model, ParameterGroup } from '../../models/model';
import { elements } from './counts';
import type { Facts } from './facts';
import { trainedBytes } from './weights';

/**
 * Architectures whose experts PEFT adapts although they are no linear layers: transformers 5 holds all experts of a layer in two
 * tensors, and PEFT turns targets of the single projections into targets of those. peft
 * src/peft/utils/transformers_weight_conversion.py:332 (0.21.2) `_MOE_TARGET_MODULE_MAPPING`, with transformers
 * src/transformers/conversion_mapping.py (5.23.0) `_MODEL_TO_CONVERSION_PATTERN`.
 */
const ADAPTED: ReadonlySet<string> = new Set(
  'mixtral minimax minimax_m2 qwen2_moe qwen3_moe qwen3_next olmoe flex_olmo deepseek_v2 deepseek_v3 deepseek_v32 glm4_moe glm4_moe_lite glm4v_moe glm_moe_dsa ernie4_5_moe dots1 afmoe longcat_flash hunyuan_v1_moe exaone_moe cohere2_moe'.split(
    ' ',
  ),
);

/** Adapters over all experts of a layer together. */
export interface StackedAdapter {
  /** Trained elements of one layer's adapter. */
  readonly parameters: number;
  /** Its larger matrix. */
  readonly largest: number;
  /** Elements of the weight it changes: the sum of both is made anew in each forward, and kept for backward. */
  readonly weight: number;
  /** Width of what the stack's product reads, and whether tensor parallelism splits it: what the down projection reads is. */
  readonly input: number;
  readonly isSplit: boolean;
}

/**
 * The adapter of a stack [experts, out, in]: A is [experts × r, in], B is [out, experts × r]. Gate and up are one tensor, for which
 * the rank doubles (`PeftConcatenate` there). Counted on OLMoE, Qwen3-MoE and Mixtral with record_memory.py.
 */
export function stackedAdapter(
  model: Model,
  group: ParameterGroup,
  rank: number,
  targets: ReadonlySet<string>,
): StackedAdapter | undefined {
  if (group.module !== 'expert-stack' || group.shape.length !== 3 || !ADAPTED.has(model.modelType)) return undefined;
  const isFused = group.name.endsWith('gate_up_proj');
  if (!isFused && !group.name.endsWith('down_proj')) return undefined;
  const has = (...names: string[]): boolean => names.every((name) => targets.has(name));
  const isTarget = isFused ? has('gate_proj', 'up_proj') || has('w1', 'w3') : has('down_proj') || has('w2');
  if (!isTarget && !has('all-linear')) return undefined;
  const [experts = 0, outputs = 0, inputs = 0] = group.shape;
  const stacked = experts * rank * (isFused ? 2 : 1);
  return {
    parameters: stacked * (inputs + outputs),
    largest: stacked * Math.max(inputs, outputs),
    weight: elements(group),
    input: inputs,
    isSplit: !isFused,
  };
}

/** What adapted stacks of experts keep for backward in one block, and the most that their backward makes beside it. */
export interface AdaptedExpertBytes {
  readonly saved: number;
  readonly backward: number;
}

const NONE: AdaptedExpertBytes = { saved: 0, backward: 0 };

/**
 * PEFT adds the adapters to the stack (`_LoraFactorsProxy`: one baddbmm), which autograd keeps with what the grouped product read,
 * since the sum asks for a gradient where the frozen stack alone does not; adapters of another type are copied to the stack's.
 * Backward makes a gradient as large as the sum: first of the down projection, when what its result became is gone; then of gate and
 * up, when the first sum and what lies between the two products are gone. peft src/peft/tuners/lora/layer.py:2285 (0.21.2).
 */
export function adaptedExpertBytes(facts: Facts, index: number): AdaptedExpertBytes {
  const experts = facts.lora?.perBlock[index]?.experts;
  const moe = facts.model.blocks[index]?.mlp?.moe;
  if (experts === undefined || experts.remade === 0 || moe === undefined) return NONE;
  const { computeBytes: w, tokens, tensor, model } = facts;
  const visits = tokens * moe.expertsPerToken;
  const width = moe.expertIntermediateSize / tensor;
  const copies = trainedBytes(facts) === facts.weightBytes ? 0 : facts.weightBytes * experts.parameters;
  const first = w * (experts.last + visits * width + tokens * model.hiddenSize);
  const second = w * (experts.others - experts.last - 2 * visits * width);
  return { saved: w * (experts.remade + visits * experts.inputs) + copies, backward: Math.max(first, second) };
}
