/** Defaults of the Trainer's `fsdp_config`, read at transformers 5.18.0. */
const ARGUMENTS = 'transformers src/transformers/training_args.py';

/** Values where the file is silent. */
export const FSDP_DEFAULTS = {
  /** 4.57 reads no version and runs FSDP 1. */
  version: { value: 2, source: `${ARGUMENTS}:2784` },
  offloadParams: { value: false, source: `${ARGUMENTS}:2788` },
  wrap: { value: 'TRANSFORMER_BASED_WRAP', source: `${ARGUMENTS}:2791` },
  cpuRamEfficientLoading: { value: false, source: `${ARGUMENTS}:2805` },
  stateDict: { value: 'FULL_STATE_DICT', source: `${ARGUMENTS}:2810` },
  activationCheckpointing: { value: false, source: `${ARGUMENTS}:2812` },
  reshard: { value: true, source: `${ARGUMENTS}:2818` },
  strategy: { value: 'FULL_SHARD', source: `${ARGUMENTS}:2818` },
  forwardPrefetch: { value: false, source: `${ARGUMENTS}:2830` },
  backwardPrefetch: { value: 'NO_PREFETCH', source: `${ARGUMENTS}:2833` },
  useOrigParams: { value: true, source: `${ARGUMENTS}:2834` },
  limitAllGathers: { value: true, source: `${ARGUMENTS}:2840` },
} as const;
