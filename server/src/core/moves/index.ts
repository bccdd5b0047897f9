import { evalBatch, microBatch } from './batch';
import { fsdpPrefetch, fsdpStrategy } from './fsdp';
import { attention, fusedLoss } from './model';
import type { Dimension } from './move';
import { fsdpOffload, zeroOffload } from './offload';
import { optimizer } from './optimizer';
import { packing } from './packing';
import { hybridMesh, sequenceSplit } from './parallel';
import { precision } from './precision';
import { recompute } from './recompute';
import { scriptOnly } from './script';
import { shardCopies } from './shard';
import { zeroStage } from './stage';
import { tensorSize } from './tensor';
import { superOffload, twinFlow } from './twin-flow';
import { micsGroups, zeroBuckets, zeroOverlap, zeroSecondary } from './zero';

/** Everything the search may change, what changes least first. A new dimension is a function and a line here. */
export const dimensions: readonly Dimension[] = [
  packing,
  microBatch,
  evalBatch,
  recompute,
  shardCopies,
  zeroStage,
  fsdpStrategy,
  hybridMesh,
  sequenceSplit,
  tensorSize,
  ...zeroOffload,
  twinFlow,
  superOffload,
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
  scriptOnly,
];
