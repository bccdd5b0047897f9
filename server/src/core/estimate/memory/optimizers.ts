import { LOW_RANK_DEFAULTS, type LowRank } from './low-rank';

/**
 * Bytes of optimizer state per trained parameter, as data.
 *
 * Source: transformers src/transformers/trainer_optimizer.py (v5.18.0) and the optimizers' own code; the torch rows were
 * counted by running them. DeepSpeed's optimizers work on a flat fp32 partition: deepspeed/runtime/zero/stage_1_and_2.py.
 */
export interface OptimizerRecord {
  /** State bytes per parameter held in fp32 (ZeRO keeps an fp32 copy, so this column holds there too). */
  readonly fp32: number;
  /** The same for parameters held in bf16 or fp16. */
  readonly half: number;
  /** As shown: `Adam moments`. */
  readonly label: string;
  /**
   * How the exceptions are counted: `factored` keeps rows and columns of a matrix; `low-rank` keeps projections of rank r;
   * `matrices` keeps one moment for matrices and two for the rest; `embedding-fp32` keeps embeddings in 32 bits.
   */
  readonly rule?: 'factored' | 'low-rank' | 'matrices' | 'embedding-fp32';
  /** What a `low-rank` one keeps. */
  readonly lowRank?: LowRank;
  /** States are on the host and come to the GPU one tensor at a time: bytes per parameter there, for fp32 and 16-bit ones. */
  readonly onHost?: { readonly fp32: number; readonly half: number };
  /** States live in CUDA managed memory and can spill to the host. */
  readonly paged?: true;
  /** Gradients are freed layer by layer during backward. */
  readonly layerwise?: true;
  /** Bytes per element that a step allocates for one tensor at a time, where it is not one temporary; none where a kernel works in place. */
  readonly perElement?: number;
  /** The same where weights are in fp32 and are not copied to it; {@link perElement} unless written. */
  readonly perWideElement?: number;
  /** Temporaries of one tensor that a loop holds at once, each as wide as it; one unless written. */
  readonly copies?: number;
  /** Lists of temporaries that foreach holds at once; one unless written. */
  readonly lists?: number;
  /** What `step` allocates when the config does not say how the optimizer is run. */
  readonly step?: 'foreach' | 'fused' | 'loop';
}

/** A loop divides a root that it has just made. */
const ADAM = { fp32: 8, half: 4, label: 'Adam moments', copies: 2 };
/** bitsandbytes' kernels change states and weights where they are. */
const IN_PLACE = { step: 'loop', perElement: 0 } as const;
/** Two 8-bit moments and an fp32 scale per block of 256. */
const ADAM8 = {
  fp32: 2.03125,
  half: 2.03125,
  label: '8-bit Adam moments',
  rule: 'embedding-fp32',
  ...IN_PLACE,
} as const;
const LION8 = {
  fp32: 1.015625,
  half: 1.015625,
  label: '8-bit Lion momentum',
  rule: 'embedding-fp32',
  ...IN_PLACE,
} as const;
const ADEMAMIX8 = {
  fp32: 3.046875,
  half: 3.046875,
  label: '8-bit AdEMAMix moments',
  rule: 'embedding-fp32',
  ...IN_PLACE,
} as const;
const GALORE = {
  fp32: 8,
  half: 4,
  label: 'low-rank Adam moments',
  rule: 'low-rank',
  lowRank: { ...LOW_RANK_DEFAULTS, moments: 'adam', projector: 'singular' },
  step: 'loop',
  copies: 2,
} as const;
const APOLLO = { ...GALORE, lowRank: { ...LOW_RANK_DEFAULTS, moments: 'adam', projector: 'random' } } as const;
const GALORE8 = {
  ...GALORE,
  fp32: 2.03125,
  half: 2.03125,
  label: 'low-rank 8-bit moments',
  lowRank: { ...LOW_RANK_DEFAULTS, moments: 'adam8', projector: 'singular' },
  copies: 1,
} as const;
/** The gradient that is stepped in backward is one of them. */
const LAYERWISE = { layerwise: true, copies: 3 } as const;
const GALORE_FACTORED = {
  ...GALORE,
  fp32: 0,
  half: 0,
  label: 'low-rank factored moments',
  lowRank: { ...LOW_RANK_DEFAULTS, moments: 'factored', projector: 'singular' },
  perElement: 16,
  perWideElement: 8,
} as const;
/** Adafactor's step holds the update of one tensor and its square in fp32, and copies of a 16-bit gradient and weight: counted. */
const FACTORED = {
  fp32: 0,
  half: 0,
  label: 'factored second moment',
  rule: 'factored',
  step: 'loop',
  perElement: 16,
  perWideElement: 8,
} as const;

const RECORDS: Readonly<Record<string, OptimizerRecord>> = {
  adam: { ...ADAM, step: 'fused' },
  adamw: { ...ADAM, step: 'fused' },
  adamw_hf: ADAM,
  adamw_torch: { ...ADAM, step: 'foreach' },
  adamw_torch_fused: { ...ADAM, step: 'fused' },
  adamw_torch_xla: ADAM,
  adamw_apex_fused: { ...ADAM, step: 'fused' },
  adamw_torch_npu_fused: { fp32: 8, half: 8, label: 'Adam moments', step: 'fused' },
  adamw_anyprecision: { fp32: 8, half: 8, label: 'Adam moments' },
  adamw_torch_4bit: { fp32: 1.03, half: 1.03, label: '4-bit Adam moments', step: 'loop' },
  adamw_torch_8bit: { fp32: 2.03125, half: 2.03125, label: '8-bit Adam moments', step: 'loop' },
  adamw_8bit: ADAM8,
  adamw_bnb_8bit: ADAM8,
  paged_adamw_8bit: { ...ADAM8, paged: true },
  paged_adamw: { fp32: 8, half: 8, label: 'Adam moments', paged: true, ...IN_PLACE },
  paged_adamw_32bit: { fp32: 8, half: 8, label: 'Adam moments', paged: true, ...IN_PLACE },
  ademamix: { fp32: 12, half: 12, label: 'AdEMAMix moments', ...IN_PLACE },
  ademamix_8bit: ADEMAMIX8,
  paged_ademamix_32bit: { fp32: 12, half: 12, label: 'AdEMAMix moments', paged: true, ...IN_PLACE },
  paged_ademamix_8bit: { ...ADEMAMIX8, paged: true },
  lion: { fp32: 4, half: 4, label: 'Lion momentum', ...IN_PLACE },
  lion_32bit: { fp32: 4, half: 4, label: 'Lion momentum', ...IN_PLACE },
  lion_8bit: LION8,
  paged_lion: { fp32: 4, half: 4, label: 'Lion momentum', paged: true, ...IN_PLACE },
  paged_lion_32bit: { fp32: 4, half: 4, label: 'Lion momentum', paged: true, ...IN_PLACE },
  paged_lion_8bit: { ...LION8, paged: true },
  adafactor: FACTORED,
  came: FACTORED,
  adalomo: { ...FACTORED, layerwise: true, perElement: 12, perWideElement: 12 },
  // Gradient and weight of one tensor in fp32 (lomo_optim 0.1.1, fuse_update).
  lomo: { fp32: 0, half: 0, label: 'no state', layerwise: true, step: 'loop', perElement: 8 },
  sgd: { fp32: 0, half: 0, label: 'no state', step: 'fused' },
  adagrad: { fp32: 4, half: 2, label: 'Adagrad sums', step: 'foreach', lists: 2 },
  rmsprop: { fp32: 4, half: 2, label: 'RMSprop averages', step: 'foreach' },
  rmsprop_bnb: { fp32: 4, half: 4, label: 'RMSprop averages', ...IN_PLACE },
  rmsprop_bnb_32bit: { fp32: 4, half: 4, label: 'RMSprop averages', ...IN_PLACE },
  rmsprop_bnb_8bit: {
    fp32: 1.015625,
    half: 1.015625,
    label: '8-bit RMSprop averages',
    rule: 'embedding-fp32',
    ...IN_PLACE,
  },
  galore_adamw: GALORE,
  galore_adamw_8bit: GALORE8,
  galore_adafactor: GALORE_FACTORED,
  galore_adamw_layerwise: { ...GALORE, ...LAYERWISE },
  galore_adamw_8bit_layerwise: { ...GALORE8, layerwise: true },
  galore_adafactor_layerwise: { ...GALORE_FACTORED, layerwise: true },
  apollo_adamw: APOLLO,
  apollo_adamw_layerwise: { ...APOLLO, ...LAYERWISE },
  // grokadamw 0.1.2 makes its three moments on the CPU and takes them to the GPU a tensor at a time (grokadamw.py, _update_group).
  grokadamw: { fp32: 0, half: 0, label: 'GrokAdamW moments', onHost: { fp32: 12, half: 6 }, step: 'loop', copies: 5 },
  schedule_free_radam: { fp32: 8, half: 4, label: 'schedule-free moments', lists: 0 },
  schedule_free_adamw: { fp32: 8, half: 4, label: 'schedule-free moments' },
  schedule_free_sgd: { fp32: 4, half: 2, label: 'schedule-free average', lists: 0 },
  stable_adamw: { fp32: 8, half: 6, label: 'StableAdamW moments' },
  lamb: { fp32: 8, half: 8, label: 'LAMB moments', step: 'fused' },
  onebitadam: { fp32: 8, half: 8, label: 'Adam moments' },
  zerooneadam: { fp32: 8, half: 8, label: 'Adam moments' },
  onebitlamb: { fp32: 8, half: 8, label: 'LAMB moments' },
  muadam: { ...ADAM, step: 'loop' },
  muadamw: { ...ADAM, step: 'loop' },
  // DeepSpeed takes any other name from torch.optim (deepspeed/runtime/engine.py:2548, 0.19.8).
  adamax: { fp32: 8, half: 4, label: 'Adamax moments' },
  nadam: { ...ADAM, step: 'foreach' },
  radam: { ...ADAM, step: 'foreach' },
  adadelta: { fp32: 8, half: 4, label: 'Adadelta averages', lists: 2 },
  asgd: { fp32: 4, half: 2, label: 'average of the weights' },
  musgd: { fp32: 0, half: 0, label: 'no state' },
  muon: { fp32: 8, half: 4, label: 'Muon momentum', rule: 'matrices', step: 'loop' },
};

/** The record of an optimizer by its lower-case name; undefined for one that is not known. */
export function optimizerRecord(name: string): OptimizerRecord | undefined {
  return Object.hasOwn(RECORDS, name) ? RECORDS[name] : undefined;
}
