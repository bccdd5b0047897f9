import { ownValue } from '../own-value';
import type { Model, ParameterGroup } from './model';

/** What a LoRA config says, in PEFT's words (LoraConfig, peft 0.21). */
export interface LoraSpec {
  /** `r`. */
  readonly rank: number;
  /** Names, `all-linear`, a pattern for whole names, or undefined for the family's default. */
  readonly targets: readonly string[] | string | undefined;
  readonly modulesToSave?: readonly string[];
  /** `none` when absent. */
  readonly bias?: 'none' | 'all' | 'lora_only';
  readonly useDora?: boolean;
}

export interface LoraCount {
  /** Everything the optimizer sees: adapters, saved modules and biases. */
  readonly trainable: number;
  /** The low-rank matrices and DoRA's magnitudes. */
  readonly adapters: number;
  /** Copies that `modules_to_save` makes. */
  readonly saved: number;
  /** Names of the modules that carry an adapter, `*` for indexes. */
  readonly targets: readonly string[];
}

/**
 * Trainable parameters of a model under LoRA, exactly as PEFT would make them; a problem completes "the adapter cannot be
 * counted: …". Experts that transformers keeps in one tensor carry no adapter, since PEFT adapts modules only.
 */
export function countLora(model: Model, spec: LoraSpec): LoraCount | { readonly problem: string } {
  if (!Number.isInteger(spec.rank) || spec.rank < 1) return { problem: `the rank is ${spec.rank}` };
  const targets = spec.targets ?? model.loraTargets;
  if (targets === undefined) {
    return { problem: `PEFT has no default target_modules for model_type "${model.modelType}"` };
  }
  const modules = modulesOf(model);
  const experts = expertAdapters(model, targets, spec.rank);
  if ('problem' in experts) return experts;
  const matched: Module[] = [];
  for (const module of modules) {
    if (experts.taken.some((name) => endsIn(module.name, name))) continue;
    const hit = targets === 'all-linear' ? isAdaptable(model, module) : matches(module.name, targets);
    if (hit === 'unsure') return { problem: `the pattern ${String(targets)} picks single layers` };
    if (hit) matched.push(module);
  }
  if (matched.length + experts.names.length === 0) {
    return { problem: `no module is named ${[targets].flat().join(', ')}` };
  }
  return addUp(model, modules, matched, experts, spec);
}

interface ExpertAdapters {
  readonly adapters: number;
  readonly names: readonly string[];
  /** Names that PEFT takes for the experts, so that no other module of that name carries an adapter. */
  readonly taken: readonly string[];
}

/** A module that PEFT can wrap: its weight, and its bias where it has one. */
interface Module {
  readonly name: string;
  readonly weight: ParameterGroup;
  readonly bias: number;
}

function addUp(
  model: Model,
  modules: readonly Module[],
  matched: readonly Module[],
  experts: ExpertAdapters,
  spec: LoraSpec,
): LoraCount | { readonly problem: string } {
  let adapters = experts.adapters;
  let biases = 0;
  for (const module of matched) {
    const size = adapterSize(module.weight, spec);
    if (size === undefined) return { problem: `${module.name} is of a kind that PEFT does not adapt` };
    adapters += size * module.weight.count;
    if (spec.bias === 'lora_only') biases += module.bias * module.weight.count;
  }
  if (spec.bias === 'all') biases = allBiases(model);
  const saved = savedSize(model, modules, spec.modulesToSave ?? []);
  const names = [...matched.map((module) => module.name), ...experts.names];
  return { trainable: adapters + biases + saved, adapters, saved, targets: names };
}

/**
 * Names that the experts had while they were separate modules, and the tensor each is now part of
 * (peft 0.21 utils/transformers_weight_conversion.py `_MOE_TARGET_MODULE_MAPPING`).
 */
const EXPERT_NAMES: Readonly<Record<'mixtral' | 'qwen2_moe', Readonly<Record<string, string>>>> = {
  mixtral: { gate: 'gate.weight', w1: 'gate_up_proj', w3: 'gate_up_proj', w2: 'down_proj' },
  qwen2_moe: { gate: 'gate.weight', gate_proj: 'gate_up_proj', up_proj: 'gate_up_proj', down_proj: 'down_proj' },
};

/** Model types that PEFT treats so (transformers 5.18 conversion_mapping.py). */
const EXPERT_STYLE: Readonly<Record<string, keyof typeof EXPERT_NAMES>> = {
  minimax_m2: 'mixtral',
  mixtral: 'mixtral',
  deepseek_v2: 'qwen2_moe',
  deepseek_v3: 'qwen2_moe',
  deepseek_v32: 'qwen2_moe',
  ernie4_5_moe: 'qwen2_moe',
  glm4_moe: 'qwen2_moe',
  glm4_moe_lite: 'qwen2_moe',
  glm_moe_dsa: 'qwen2_moe',
  qwen3_moe: 'qwen2_moe',
  qwen3_next: 'qwen2_moe',
  olmoe: 'qwen2_moe',
};

/**
 * PEFT rewrites targets of mixtures of experts for transformers 5, where all experts of a layer are in one tensor: the
 * gate and up projections share one adapter of twice the rank. Nothing for other models.
 */
function expertAdapters(
  model: Model,
  targets: readonly string[] | string,
  rank: number,
): ExpertAdapters | { readonly problem: string } {
  const none: ExpertAdapters = { adapters: 0, names: [], taken: [] };
  const style = ownValue(EXPERT_STYLE, model.modelType);
  if (!style || !model.groups.some((group) => group.module === 'expert-stack')) return none;
  const names = EXPERT_NAMES[style];
  const old = Object.keys(names).filter((name) => targetsExpert(model, name, targets));
  if (old.length === 0) return none;
  const fused = Object.keys(names).filter((name) => names[name] === 'gate_up_proj');
  const present = fused.filter((name) => old.includes(name));
  if (present.length === 1)
    return { problem: `PEFT refuses ${present[0]} without ${fused.find((name) => name !== present[0])}` };
  const tensors = new Set(old.map((name) => names[name] ?? ''));
  const hits = model.groups.filter((group) => [...tensors].some((name) => endsIn(group.name, name)));
  const adapters = hits.reduce((sum, group) => sum + expertAdapterSize(group, rank) * group.count, 0);
  const taken = [...old, ...(tensors.has('gate.weight') ? ['gate'] : [])];
  return { adapters, names: hits.map((group) => group.name), taken };
}

function expertAdapterSize(group: ParameterGroup, rank: number): number {
  const ranks = endsIn(group.name, 'gate_up_proj') ? 2 * rank : rank;
  const [first = 0, second = 0, third] = group.shape;
  return third === undefined ? ranks * (first + second) : first * ranks * (second + third);
}

function targetsExpert(model: Model, name: string, targets: readonly string[] | string): boolean {
  if (targets === 'all-linear') return true;
  if (typeof targets !== 'string') return targets.some((target) => target === name || target.endsWith(`.${name}`));
  const stack = model.groups.find((group) => group.module === 'expert-stack')?.name ?? '';
  const container = stack.slice(0, stack.lastIndexOf('.'));
  const at = name === 'gate' ? container.replace(/\.experts$/, '') : container;
  return matches(`${at}.${name}`, targets) !== false;
}

/**
 * Matrices A and B (peft tuners/lora/layer.py): rank × (inputs + outputs) for a linear layer or an embedding, and for a
 * convolution A has the kernel. DoRA adds a magnitude for each output.
 */
function adapterSize(weight: ParameterGroup, { rank, useDora }: LoraSpec): number | undefined {
  const [rows = 0, columns = 0, ...kernel] = weight.shape;
  switch (weight.module) {
    case 'linear':
    case 'embedding':
      return rank * (rows + columns) + (useDora ? (weight.module === 'linear' ? rows : columns) : 0);
    case 'conv':
      return rank * columns * kernel.reduce((product, side) => product * side, 1) + rank * rows + (useDora ? rows : 0);
    default:
      return undefined;
  }
}

function modulesOf(model: Model): Module[] {
  const biases = new Map<string, number>();
  for (const group of model.groups) {
    if (group.name.endsWith('.bias')) biases.set(`${group.name.slice(0, -5)} ${group.block}`, group.shape[0] ?? 0);
  }
  const modules: Module[] = [];
  for (const group of model.groups) {
    if (!group.name.endsWith('.weight')) continue;
    const name = group.name.slice(0, -7);
    modules.push({ name, weight: group, bias: biases.get(`${name} ${group.block}`) ?? 0 });
  }
  const head = tiedHead(model);
  return head ? [...modules, head] : modules;
}

/** A tied head has no parameters of its own, but it is a module all the same. */
function tiedHead(model: Model): Module | undefined {
  if (!model.tiedEmbeddings || !/For(CausalLM|ConditionalGeneration)$|LMHeadModel$/.test(model.architecture)) {
    return undefined;
  }
  const shape = [model.vocabSize, model.hiddenSize];
  const weight: ParameterGroup = { name: 'lm_head.weight', kind: 'head', module: 'linear', shape, count: 1 };
  return { name: 'lm_head', weight, bias: 0 };
}

/** Every linear layer but the output one (peft tuners_utils.py `_maybe_include_all_linear_layers`). */
function isAdaptable(model: Model, { weight, name }: Module): boolean {
  if (weight.module !== 'linear' || weight.shape.length !== 2) return false;
  const isOutput =
    weight.kind === 'head' && (weight.shape[0] === model.vocabSize || /(^|\.)(score|classifier)$/.test(name));
  return !isOutput;
}

/** A name matches itself and whatever ends in it; a pattern must match the whole name (peft tuners_utils.py). */
function matches(name: string, targets: readonly string[] | string): boolean | 'unsure' {
  if (typeof targets !== 'string') return targets.some((target) => endsIn(name, target));
  const pattern = pythonPattern(targets);
  if (!pattern) return 'unsure';
  const hits = ['0', '1', '11'].map((index) => pattern.test(name.replaceAll('*', index)));
  return hits.every((hit) => hit === hits[0]) ? hits[0] === true : 'unsure';
}

function endsIn(name: string, target: string): boolean {
  return name === target || name.endsWith(`.${target}`);
}

/** PEFT's patterns are Python's; what JavaScript cannot read as such is not guessed at. */
function pythonPattern(text: string): RegExp | undefined {
  if (text.length > MAX_PATTERN || /\(\?P|\\[AZ]/.test(text)) return undefined;
  try {
    return new RegExp(`^(?:${text})$`);
  } catch {
    return undefined;
  }
}

/** Longer ones are no names of modules, and could be slow on purpose. */
const MAX_PATTERN = 500;

function allBiases(model: Model): number {
  return model.groups.reduce((sum, group) => {
    if (!/(^|\.)bias$/.test(group.name)) return sum;
    return sum + group.shape.reduce((product, side) => product * side, group.count);
  }, 0);
}

/** `modules_to_save` keeps a trainable copy of each module that ends in one of the names, everything inside it included. */
function savedSize(model: Model, modules: readonly Module[], names: readonly string[]): number {
  let saved = 0;
  for (const name of names) {
    const inside = new RegExp(`(^|\\.)${name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}\\.`);
    const found = model.groups.filter((group) => inside.test(group.name));
    const tied = found.length === 0 ? modules.find((module) => endsIn(module.name, name)) : undefined;
    for (const group of tied ? [tied.weight] : found) {
      saved += group.shape.reduce((product, side) => product * side, group.count);
    }
  }
  return saved;
}
