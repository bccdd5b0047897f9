import { estimateMemory } from '../estimate/memory/index';
import type { Fix } from '../findings';
import { microBatch } from '../moves/batch';
import { applyAll, compose } from '../moves/compose';
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

/** What a fix may change, in the order in which the fixes are offered. */
const TRIED: readonly Dimension[] = [
  recompute,
  microBatch,
  zeroStage,
  fsdpStrategy,
  fusedLoss,
  ...zeroOffload,
  fsdpOffload,
];

/** Pairs of changes tried where no single one helps; each costs about 0.1 ms. */
const MOST_PAIRS = 200;
/** Pairs offered. */
const MOST_OFFERED = 3;

/**
 * The edits after which the run surely fits: of each dimension the first whose band lies inside the memory of the GPU; where
 * no single change is enough, the first pairs that are. None is preferred, since each trades something away. `shardlens fit`
 * looks at more changes together, and at what they do to the step.
 */
export function fixesThatFit(run: TrainingRun, workspace: Workspace): Omit<Fix, 'preferred'>[] {
  const options = TRIED.map((open) => open(run));
  const single = options.flatMap((moves) =>
    firstThatFits(
      moves.map((move) => [move]),
      run,
      workspace,
    ),
  );
  return single.length > 0 ? single : pairsThatFit(options, run, workspace);
}

function firstThatFits(changes: readonly (readonly Move[])[], run: TrainingRun, workspace: Workspace) {
  for (const moves of changes) {
    const fix = fixOf(moves, run, workspace);
    if (fix) return [fix];
  }
  return [];
}

function pairsThatFit(
  options: readonly (readonly Move[])[],
  run: TrainingRun,
  workspace: Workspace,
): Omit<Fix, 'preferred'>[] {
  const found: Omit<Fix, 'preferred'>[] = [];
  let tried = 0;
  for (const [index, first] of options.entries()) {
    for (const second of options.slice(index + 1)) {
      const pairs = first.flatMap((a) => second.map((b) => [a, b]));
      tried += pairs.length;
      if (tried > MOST_PAIRS || found.length === MOST_OFFERED) return found;
      found.push(...firstThatFits(pairs, run, workspace));
    }
  }
  return found;
}

function fixOf(moves: readonly Move[], run: TrainingRun, workspace: Workspace): Omit<Fix, 'preferred'> | undefined {
  const changed = applyAll(run, moves);
  const memory = changed && estimateMemory(changed).memory;
  if (memory?.fits !== true) return undefined;
  const composed = compose(run, moves);
  const edits = composed && editsOf(workspace, composed);
  return edits && { title: `${composed.title} (${bandOfCapacity(memory)})`, edits };
}
