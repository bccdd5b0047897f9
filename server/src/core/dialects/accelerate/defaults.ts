/** Defaults of `accelerate launch` and its plugins, read at accelerate 1.15.0. */
export const ACCELERATE = 'accelerate 1.15.0';

const LAUNCH = 'accelerate src/accelerate/commands/launch.py';

/** Values for DeepSpeed where the file is silent. */
export const PLUGIN_DEFAULTS = {
  zeroStage: { value: 2, source: `${LAUNCH}:416` },
  offloadOptimizer: { value: 'none', source: `${LAUNCH}:423` },
  offloadParam: { value: 'none', source: `${LAUNCH}:430` },
  save16bit: { value: false, source: `${LAUNCH}:472` },
} as const;

/** Values for FSDP where the file is silent. An absent fsdp_version is 1, although `accelerate config` proposes 2. */
export const FSDP_DEFAULTS = {
  version: { value: 1, source: `${LAUNCH}:513` },
  offloadParams: { value: false, source: `${LAUNCH}:520` },
  strategy: { value: 'FULL_SHARD', source: `${LAUNCH}:533` },
  reshard: { value: true, source: `${LAUNCH}:539` },
  /** One unit for the whole model. */
  wrap: { value: 'NO_WRAP', source: `${LAUNCH}:545` },
  backwardPrefetch: { value: 'NO_PREFETCH', source: `${LAUNCH}:558` },
  stateDictV1: { value: 'FULL_STATE_DICT', source: `${LAUNCH}:564` },
  stateDictV2: { value: 'SHARDED_STATE_DICT', source: `${LAUNCH}:564` },
  forwardPrefetch: { value: false, source: `${LAUNCH}:570` },
  useOrigParams: { value: true, source: `${LAUNCH}:577` },
  cpuRamEfficientLoading: { value: true, source: `${LAUNCH}:584` },
  activationCheckpointing: { value: false, source: `${LAUNCH}:599` },
  limitAllGathers: {
    value: true,
    source: 'accelerate src/accelerate/utils/dataclasses.py FullyShardedDataParallelPlugin',
  },
} as const;
