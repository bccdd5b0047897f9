/** DeepSpeed's own defaults for what a run depends on, read at 0.19.6; sizes are elements. */
export const DEEPSPEED = 'DeepSpeed 0.19.6';

const ZERO = 'deepspeed/runtime/zero/config.py';
const OFFLOAD = 'deepspeed/runtime/zero/offload_config.py';

/** Of the section `zero_optimization`. */
export const ZERO_DEFAULTS = {
  stage: { value: 0, source: `${ZERO}:95` },
  contiguousGradients: { value: true, source: `${ZERO}:102` },
  reduceScatter: { value: true, source: `${ZERO}:108` },
  reduceBucket: { value: 500_000_000, source: `${ZERO}:113` },
  allgatherBucket: { value: 500_000_000, source: `${ZERO}:132` },
  /** True at stage 3, else false. */
  overlapComm: { source: `${ZERO}:138` },
  subGroup: { value: 1_000_000_000, source: `${ZERO}:175` },
  prefetchBucket: { value: 50_000_000, source: `${ZERO}:215` },
  persistenceThreshold: { value: 100_000, source: `${ZERO}:221` },
  maxLive: { value: 1_000_000_000, source: `${ZERO}:238` },
  maxReuseDistance: { value: 1_000_000_000, source: `${ZERO}:244` },
  gatherOnSave: { value: false, source: `${ZERO}:250` },
  roundRobin: { value: false, source: `${ZERO}:302` },
  hpz: { value: 1, source: `${ZERO}:309` },
  quantizedWeights: { value: false, source: `${ZERO}:313` },
  quantizedGradients: { value: false, source: `${ZERO}:325` },
  mics: { value: -1, source: `${ZERO}:341` },
  micsHierarchical: { value: false, source: `${ZERO}:343` },
  device: { value: 'none', source: `${OFFLOAD}:58` },
  ratio: { value: 1, source: `${OFFLOAD}:99` },
  /** False before 2026-08-07 (commit 7dfa67aea). */
  pinMemory: { value: true, source: `${OFFLOAD}:75` },
} as const;

/** 1.0 since 2026-06-23 (commit 442166559); releases before it did not clip. */
export const CLIPPING_DEFAULT = { value: 1, source: 'deepspeed/runtime/constants.py:260' } as const;
