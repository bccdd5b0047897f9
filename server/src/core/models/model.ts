import type { Recorded } from './recorded';

/** What a parameter does; decides sharding, LoRA targets, quantisation and which optimizer step touches it. */
export type ParameterKind =
  | 'embedding'
  | 'attention'
  | 'mlp'
  | 'expert'
  | 'router'
  | 'norm'
  | 'head'
  | 'vision'
  | 'audio'
  | 'projector'
  | 'other';

/** Parameters of one shape that occur `count` times, such as `model.layers.*.self_attn.q_proj.weight`. */
export interface ParameterGroup {
  /** Name in the framework's state dict, `*` for the layer (and expert) index. */
  readonly name: string;
  readonly kind: ParameterKind;
  /** Class of module that owns it; `linear` ones can carry LoRA and be quantised. */
  readonly module: 'linear' | 'embedding' | 'norm' | 'conv' | 'expert-stack' | 'other';
  readonly shape: readonly number[];
  /** How many tensors of this shape and name there are in the whole model. */
  readonly count: number;
  /** Index into {@link Model.blocks}; absent for parameters outside the repeated blocks. */
  readonly block?: number;
}

/** One kind of repeated block (`LlamaDecoderLayer`): the unit of FSDP wrapping and of activation checkpointing. */
export interface Block {
  readonly className: string;
  readonly count: number;
  /** Place of the first such block among those of its stack, from 0; the first where absent. */
  readonly first?: number;
  /** Parameters of one such block. */
  readonly parameters: number;
  readonly attention?: AttentionShape;
  readonly mlp?: MlpShape;
  readonly tower: 'text' | 'encoder' | 'vision' | 'audio';
  /** Width of a head's state, and groups of heads that share it, in a state-space mixer. */
  readonly state?: { readonly width: number; readonly groups: number };
  /** What else sets this kind of block apart, in words: `shared` where keys come from an earlier block. */
  readonly kind?: string;
  /** Positions of one sample in this block where the class's sizes fix them (patches of an image), not the run's sequence length. */
  readonly positions?: number;
}

export interface AttentionShape {
  readonly heads: number;
  readonly kvHeads: number;
  /** Width of one query/key head. */
  readonly headDim: number;
  /** Width of one value head; differs from headDim in MLA. */
  readonly valueHeadDim: number;
  readonly kind: 'standard' | 'mla' | 'linear' | 'cross';
  /** Tokens a sliding window looks back; absent for full attention. */
  readonly window?: number;
  readonly qkNorm: boolean;
}

export interface MlpShape {
  readonly intermediateSize: number;
  /** SwiGLU-like: gate, up and down; else two matrices. */
  readonly gated: boolean;
  readonly moe?: {
    readonly experts: number;
    readonly expertsPerToken: number;
    readonly expertIntermediateSize: number;
    readonly sharedIntermediateSize: number;
  };
}

export interface ParameterCount {
  /** All parameters, tied tensors once. */
  readonly total: number;
  /** Total minus the routed experts that a token does not visit. */
  readonly active: number;
  readonly byKind: Readonly<Partial<Record<ParameterKind, number>>>;
}

/** A model as the estimator sees it, from architecture numbers alone. */
export interface Model {
  /** Catalog id, or the path of the config.json. */
  readonly name: string;
  readonly modelType: string;
  /** transformers class, as `LlamaForCausalLM`. */
  readonly architecture: string;
  readonly hiddenSize: number;
  readonly layers: number;
  readonly vocabSize: number;
  readonly tiedEmbeddings: boolean;
  /** Activation of the MLP as config.json names it (`hidden_act`): some are one kernel, some several tensors. */
  readonly activation?: string | undefined;
  /** The kernel that the model's own code computes attention with, where config.json asks for one. */
  readonly attentionKernel?: 'flash-1' | undefined;
  readonly maxPositions: number | undefined;
  /** dtype the checkpoint is stored in (`torch_dtype`/`dtype` of config.json). */
  readonly dtype: string | undefined;
  readonly parameters: ParameterCount;
  readonly groups: readonly ParameterGroup[];
  readonly blocks: readonly Block[];
  /** How sure the architecture numbers are: `high` for the user's own config.json. */
  readonly confidence: 'high' | 'medium' | 'low';
  readonly source: string;
  readonly noSplitModules: readonly string[];
  /** PEFT's default target modules for this family; undefined where PEFT has none. */
  readonly loraTargets: readonly string[] | undefined;
  /** What was not found and had to be taken from the family's defaults. */
  readonly assumptions: readonly string[];
  /** What its blocks keep for backward; without it, memory cannot be estimated. */
  readonly recorded?: Recorded | undefined;
}
