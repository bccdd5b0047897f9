import { estimateMemory } from '../estimate/memory/index';
import type { Fix } from '../findings';
import { microBatch } from '../moves/batch';
import { applyAll } from '../moves/compose';
import { fsdpStrategy } from '../moves/fsdp';
import { fusedLoss } from '../moves/model';
import type { Dimension, Move } from '../moves/move';
import { fsdpOffload, zeroOffload } from '../moves/offload';
import { recompute } from '../moves/recompute';
import { zeroStage } from '../moves/stage';
import { editsOf } from '../moves/written';
import type { TrainingRun } from '../run/training-run';
import type { Workspace } from '../source';
import { bandOfCapacity } from './memory-words';

/** What one edit may change, in the order in which the fixes are offered. */
const TRIED: readonly Dimension[] = [
  recompute,
  microBatch,
  zeroStage,
  fsdpStrategy,
  fusedLoss,
  ...zeroOffload,
  fsdpOffload,
];

/**
 * The single edits after which the run surely fits: of each dimension the first whose band lies inside the memory of the
 * GPU. None is preferred, since each trades something away. `shardlens fit` also looks at several changes together.
 */
export function fixesThatFit(run: TrainingRun, workspace: Workspace): Omit<Fix, 'preferred'>[] {
  return TRIED.flatMap((open) => {
    for (const move of open(run)) {
      const fix = fixOf(move, run, workspace);
      if (fix) return [fix];
    }
    return [];
  });
}

function fixOf(move: Move, run: TrainingRun, workspace: Workspace): Omit<Fix, 'preferred'> | undefined {
  const changed = applyAll(run, [move]);
  const memory = changed && estimateMemory(changed).memory;
  if (memory?.fits !== true) return undefined;
  const edits = editsOf(workspace, move);
  return edits && { title: `${move.title} (${bandOfCapacity(memory)})`, edits };
}
