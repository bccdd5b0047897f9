import { evalBatch, microBatch } from './batch';
import { fsdpOffload, fsdpStrategy } from './fsdp';
import { attention, fusedLoss, precision } from './model';
import type { Dimension } from './move';
import { optimizer } from './optimizer';
import { recompute } from './recompute';
import { zeroBuckets, zeroOffload, zeroSecondary, zeroStage } from './zero';

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
  zeroBuckets,
  attention,
  fusedLoss,
  optimizer,
  precision,
];
