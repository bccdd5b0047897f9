import type { OffloadVerdict } from '../estimate/estimate';
import type { FileEdit } from '../findings';
import type { Move } from '../moves/move';
import { movesWithoutOffload, offloadSwitch } from '../moves/offload';
import { editsOf } from '../moves/written';
import type { TrainingRun } from '../run/training-run';
import type { Setting } from '../settings';
import type { Workspace } from '../source';

/** An offload that a key switches on, and the run without it. */
export interface OffloadChange {
  readonly what: OffloadVerdict['what'];
  /** The setting that switches it on. */
  readonly setting: Setting;
  readonly title: string;
  readonly edits: readonly FileEdit[];
  readonly run: TrainingRun;
  readonly move: Move;
}

/** Each offload of the run that a key of a config switches on, with the edits that take it out. */
export function withoutOffload(run: TrainingRun, workspace: Workspace): OffloadChange[] {
  return movesWithoutOffload(run).flatMap(({ what, move }) => {
    const found = offloadSwitch(run, what);
    if (!found) return [];
    const edits = editsOf(workspace, move) ?? [];
    return [{ what, setting: found, title: move.title, edits, run: move.apply(run), move }];
  });
}

/** The edits of two changes together; none where they cannot both be made. */
export function editsOfBoth(a: OffloadChange, b: OffloadChange, workspace: Workspace): readonly FileEdit[] {
  if (a.edits.length === 0 || b.edits.length === 0) return [];
  return editsOf(workspace, { writes: [...a.move.writes, ...b.move.writes] }) ?? [];
}
