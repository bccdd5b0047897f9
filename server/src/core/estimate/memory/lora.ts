import type { Model, ParameterGroup } from '../../models/model';
import { ownValue } from '../../own-value';
import type { Lora } from '../../run/training-run';
import { elements } from './counts';
import { type StackedAdapter, stackedAdapter } from './lora-experts';

/** What LoRA adds and trains. */
export interface LoraCounts {
  readonly rank: number;
  /** Each adapter drops out some of what it reads, and keeps a mask. */
  readonly dropsOut: boolean;
  /** DoRA's layers, which keep more (dora.ts). */
  readonly isDora: boolean;
  /** Trained parameters of one rank: adapters and fully trained modules. */
  readonly parameters: number;
  /** Fully trained copies of `modules_to_save`, a part of {@link parameters}. */
  readonly full: number;
  /** The largest trained tensor. */
  readonly largest: number;
  /** Elements of each trained tensor, and how many there are of the kind. */
  readonly sizes: readonly (readonly [elements: number, count: number])[];
  /** Adapted inputs and outputs summed over the targets of one block of each kind; saved activations follow from them. */
  readonly perBlock: readonly AdaptedBlock[];
}

export interface AdaptedBlock {
  /** Input widths summed over all adapters. */
  readonly inputs: number;
  /** The same with an input that several adapters read counted once; attention's output is kept by the kernel anyway. */
  readonly distinctInputs: number;
  readonly targets: number;
  /** Output widths summed over all adapters, elements of the weights they adapt, and the widest output. */
  readonly outputs: number;
  readonly adapted: number;
  readonly widest: number;
  /** Elements of the weight that DoRA takes most for, and of the identity that it applies the adapters to. */
  readonly largest: number;
  readonly identity: number;
  /** Experts of one block that are adapted as stacks. */
  readonly experts: AdaptedExperts;
}

/** Stacks of experts whose weights are made anew with their adapters in each forward, and kept for backward. */
export interface AdaptedExperts {
  /** Elements of all of them. */
  readonly remade: number;
  /** Of the stack that backward comes to first, and of the others. */
  readonly last: number;
  readonly others: number;
  /** Widths of what the products of all stacks read, over which their weights' gradients are taken. */
  readonly inputs: number;
  /** Trained elements of the adapters. */
  readonly parameters: number;
}

/** Projections that read the same tensor. */
const SHARED_INPUT: Readonly<Record<string, string>> = {
  q_proj: 'attention',
  k_proj: 'attention',
  v_proj: 'attention',
  qkv_proj: 'attention',
  query_key_value: 'attention',
  gate_proj: 'mlp',
  up_proj: 'mlp',
  gate_up_proj: 'mlp',
};
const KEPT_ANYWAY: ReadonlySet<string> = new Set(['o_proj', 'dense', 'out_proj']);

/**
 * Adapters of rank r on every matched linear weight add r × (in + out) parameters: arXiv 2106.09685 and
 * peft src/peft/tuners/lora/layer.py. Names match by their last part, as PEFT does for a list of targets.
 */
export function countLora(model: Model, lora: Lora, tensor: number): LoraCounts {
  const rank = lora.rank.known ? lora.rank.value : 8; // PEFT's LoraConfig default.
  const written = lora.targets.known ? lora.targets.value : model.loraTargets;
  const targets = new Set(written ?? ['q_proj', 'v_proj']);
  const saved = new Set(lora.modulesToSave.known ? lora.modulesToSave.value : []);
  const perBlock = model.blocks.map(() => ({
    inputs: 0,
    distinctInputs: 0,
    targets: 0,
    outputs: 0,
    adapted: 0,
    widest: 0,
    largest: 0,
    identity: 0,
    experts: { remade: 0, last: 0, others: 0, inputs: 0, parameters: 0 },
    seen: new Set<string>(),
  }));
  const isDora = lora.dora?.known === true && lora.dora.value;
  let parameters = 0;
  let full = 0;
  let largest = 0;
  const sizes: [number, number][] = [];
  for (const group of model.groups) {
    const name = moduleName(group);
    if (saved.has(name)) {
      full += (elements(group) * group.count) / tensor;
      sizes.push([elements(group) / tensor, group.count]);
      largest = Math.max(largest, elements(group) / tensor);
    }
    const stacked = stackedAdapter(model, group, rank, targets);
    const own = group.block === undefined ? undefined : perBlock[group.block];
    if (stacked) {
      parameters += stacked.parameters * group.count;
      sizes.push([stacked.largest, group.count], [stacked.parameters - stacked.largest, group.count]);
      largest = Math.max(largest, stacked.largest);
      if (own) own.experts = withStack(own.experts, stacked, tensor);
    }
    if (!isTarget(group, name, targets)) continue;
    const [outputs = 0, inputs = 0] = group.shape;
    parameters += rank * (inputs + outputs) * group.count;
    sizes.push([rank * inputs, group.count], [rank * outputs, group.count]);
    largest = Math.max(largest, rank * inputs, rank * outputs);
    if (isDora) {
      parameters += outputs * group.count;
      sizes.push([outputs, group.count]);
    }
    const block = own;
    if (block === undefined) continue;
    const perOne = group.count / (model.blocks[group.block ?? 0]?.count ?? 1);
    block.inputs += inputs * perOne;
    block.targets += perOne;
    block.outputs += outputs * perOne;
    block.adapted += inputs * outputs * perOne;
    block.widest = Math.max(block.widest, outputs);
    if (4 * inputs * outputs + inputs * inputs > 4 * block.largest + block.identity) {
      block.largest = inputs * outputs;
      block.identity = inputs * inputs;
    }
    const shared = ownValue(SHARED_INPUT, name) ?? name;
    if (!block.seen.has(shared) && !KEPT_ANYWAY.has(name)) block.distinctInputs += inputs * perOne;
    block.seen.add(shared);
  }
  const dropsOut = lora.dropout?.known === true && lora.dropout.value > 0;
  return { rank, dropsOut, isDora, parameters: parameters + full, full, largest, sizes, perBlock };
}

/** Groups come in the order of forward, so that backward comes to the last one first. */
function withStack(
  before: AdaptedExperts,
  { weight, parameters, input, isSplit }: StackedAdapter,
  tensor: number,
): AdaptedExperts {
  const own = weight / tensor;
  return {
    remade: before.remade + own,
    last: own,
    others: before.others + before.last,
    inputs: before.inputs + input / (isSplit ? tensor : 1),
    parameters: before.parameters + parameters,
  };
}

function isTarget(group: ParameterGroup, name: string, targets: ReadonlySet<string>): boolean {
  if (group.shape.length !== 2 || !group.name.endsWith('.weight')) return false;
  if (targets.has('all-linear')) return group.module === 'linear' && group.kind !== 'head';
  if (targets.has(name)) return group.module === 'linear' || group.module === 'embedding';
  return false;
}

/** `q_proj` of `model.layers.*.self_attn.q_proj.weight`. */
function moduleName(group: ParameterGroup): string {
  const parts = group.name.split('.');
  return parts[parts.length - 2] ?? '';
}
