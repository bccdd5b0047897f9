import type { Model, ParameterGroup } from '../../models/model';
import type { Lora } from '../../run/training-run';
import { elements } from './counts';

/** What LoRA adds and trains. */
export interface LoraCounts {
  readonly rank: number;
  /** Trained parameters of one rank: adapters and fully trained modules. */
  readonly parameters: number;
  /** Fully trained copies of `modules_to_save`, a part of {@link parameters}. */
  readonly full: number;
  /** The largest trained tensor. */
  readonly largest: number;
  /** Adapted inputs and outputs summed over the targets of one block of each kind; saved activations follow from them. */
  readonly perBlock: readonly {
    readonly inputs: number;
    readonly targets: number;
    readonly names: ReadonlySet<string>;
  }[];
}

/**
 * Adapters of rank r on every matched linear weight add r × (in + out) parameters: arXiv 2106.09685 and
 * peft src/peft/tuners/lora/layer.py. Names match by their last part, as PEFT does for a list of targets.
 */
export function countLora(model: Model, lora: Lora, tensor: number): LoraCounts {
  const rank = lora.rank.known ? lora.rank.value : 8; // PEFT's LoraConfig default.
  const written = lora.targets.known ? lora.targets.value : model.loraTargets;
  const targets = new Set(written ?? ['q_proj', 'v_proj']);
  const saved = new Set(lora.modulesToSave.known ? lora.modulesToSave.value : []);
  const perBlock = model.blocks.map(() => ({ inputs: 0, targets: 0, names: new Set<string>() }));
  let parameters = 0;
  let full = 0;
  let largest = 0;
  for (const group of model.groups) {
    const name = moduleName(group);
    if (saved.has(name)) {
      full += (elements(group) * group.count) / tensor;
      largest = Math.max(largest, elements(group) / tensor);
    }
    if (!isTarget(group, name, targets)) continue;
    const [outputs = 0, inputs = 0] = group.shape;
    parameters += rank * (inputs + outputs) * group.count;
    largest = Math.max(largest, rank * inputs, rank * outputs);
    const block = group.block === undefined ? undefined : perBlock[group.block];
    if (block === undefined) continue;
    const perOne = group.count / (model.blocks[group.block ?? 0]?.count ?? 1);
    block.inputs += inputs * perOne;
    block.targets += perOne;
    block.names.add(name);
  }
  return { rank, parameters: parameters + full, full, largest, perBlock };
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
