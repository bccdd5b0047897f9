/**
 * Defaults of TrainingArguments and of TRL's configs that a run depends on, and how they changed.
 * Read at transformers 5.23.0 (4.57.6 where it differs) and trl 1.16.0.
 */
const TRANSFORMERS = 'transformers 5.23.0';
/** The release of TRL that its defaults were read at. */
export const TRL = 'trl 1.16.0';

const ARGUMENTS = 'transformers src/transformers/training_args.py';
const SFT = 'trl trl/trainer/sft_config.py';
const BASE = 'trl trl/trainer/base_config.py';
const MODEL = 'trl trl/trainer/model_config.py';

export interface Default<T> {
  readonly value: T;
  readonly of: string;
  readonly source: string;
}

/** Of TrainingArguments. */
export const TRAINER_DEFAULTS = {
  micro: { value: 8, of: TRANSFORMERS, source: `${ARGUMENTS}:777` },
  evalMicro: { value: 8, of: TRANSFORMERS, source: `${ARGUMENTS}:1128` },
  accumulation: { value: 1, of: TRANSFORMERS, source: `${ARGUMENTS}:849` },
  maxGradNorm: { value: 1, of: TRANSFORMERS, source: `${ARGUMENTS}:866` },
  bf16: { value: false, of: TRANSFORMERS, source: `${ARGUMENTS}:874` },
  fp16: { value: false, of: TRANSFORMERS, source: `${ARGUMENTS}:880` },
  /** torch ≥ 2.8; before that adamw_torch. */
  optim: { value: 'adamw_torch_fused', of: `${TRANSFORMERS} with torch 2.8 or newer`, source: `${ARGUMENTS}:812` },
  optimOldTorch: { value: 'adamw_torch', of: `${TRANSFORMERS} with torch below 2.8`, source: `${ARGUMENTS}:812` },
  gradientCheckpointing: { value: false, of: TRANSFORMERS, source: `${ARGUMENTS}:908` },
  torchCompile: { value: false, of: TRANSFORMERS, source: `${ARGUMENTS}:940` },
  useLigerKernel: { value: false, of: TRANSFORMERS, source: `${ARGUMENTS}:957` },
  evaluates: { value: false, of: TRANSFORMERS, source: `${ARGUMENTS}:1106` },
  saves: { value: true, of: TRANSFORMERS, source: `${ARGUMENTS}:1177` },
} as const;

/** Of TRL's configs, where they differ from TrainingArguments or add to them. */
export const TRL_DEFAULTS = {
  gradientCheckpointing: { value: true, of: TRL, source: `${BASE}:62` },
  /** True unless fp16 is set. */
  bf16: { value: true, of: TRL, source: `${BASE}:68` },
  maxLength: { value: 1024, of: TRL, source: `${SFT}:202` },
  maxCompletionLength: { value: 512, of: TRL, source: 'trl trl/trainer/grpo_config.py:494' },
  packing: { value: false, of: TRL, source: `${SFT}:222` },
  loraDropout: { value: 0.05, of: TRL, source: `${MODEL}:115` },
  loraRank: { value: 16, of: TRL, source: `${MODEL}:107` },
  quantType: { value: 'nf4', of: TRL, source: `${MODEL}:160` },
  dtype: { value: 'fp32', of: TRL, source: `${MODEL}:89` },
} as const;
