import type { Estimate } from '../estimate/estimate';
import { estimateRun } from '../estimate/index';
import type { Fix } from '../findings';
import { applyAll } from '../moves/compose';
import { fsdpStrategy } from '../moves/fsdp';
import type { Dimension } from '../moves/move';
import { zeroStage } from '../moves/stage';
import { editsOf } from '../moves/written';
import { zeroSecondary } from '../moves/zero';
import type { TrainingRun } from '../run/training-run';
import type { Workspace } from '../source';
import { stepChange } from './step-words';

/** A change is worth an edit only where it surely shows; the model of the step is not finer than this. */
const WORTHWHILE = 0.9;

/** What keeps the gathers of sharded weights inside a node, or does without them. */
const TRIED: readonly Dimension[] = [zeroSecondary, zeroStage, fsdpStrategy];

/** Edits that keep the gathers of sharded weights inside a node, or do without them, where they fit and make the step faster. */
export function fixesInsideNode(run: TrainingRun, workspace: Workspace, now: Estimate): Omit<Fix, 'preferred'>[] {
  if (!now.step) return [];
  const { seconds } = now.step;
  return TRIED.flatMap((open) => {
    // The last option of a dimension is the nearest to what is sharded now.
    for (const move of [...open(run)].reverse()) {
      const changed = applyAll(run, [move]);
      if (!changed) continue;
      const { memory, step } = estimateRun(changed);
      const wins = memory?.fits === true && step !== null && step.seconds <= seconds * WORTHWHILE;
      const edits = wins ? editsOf(workspace, move) : undefined;
      if (edits && step) return [{ title: `${move.title} (${stepChange(step.seconds, seconds)})`, edits }];
    }
    return [];
  });
}
