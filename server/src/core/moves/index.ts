import { evalBatch, microBatch } from './batch';
import { fsdpPrefetch, fsdpStrategy } from './fsdp';
import { attention, fusedLoss, precision } from './model';
import type { Dimension } from './move';
import { fsdpOffload, zeroOffload } from './offload';
import { optimizer } from './optimizer';
import { recompute } from './recompute';
import { micsGroups, zeroBuckets, zeroOverlap, zeroSecondary, zeroStage } from './zero';

/** Everything the search may change, what changes least first. A new dimension is a function and a line here. */
export const dimensions: readonly Dimension[] = [
  microBatch,
  evalBatch,
  recompute,
  zeroStage,
  fsdpStrategy,
  ...zeroOffload,
  fsdpOffload,
  zeroSecondary,
  micsGroups,
  zeroBuckets,
  zeroOverlap,
  fsdpPrefetch,
  attention,
  fusedLoss,
  optimizer,
  precision,
];
