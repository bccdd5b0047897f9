import type { Analysis } from '../analysis';
import { type AnalysisInput, rewriteInput } from '../analyze';
import type { Estimate, MemoryEstimate, Phase, StepEstimate } from '../estimate/estimate';
import { estimateRun } from '../estimate/index';
import { termsAt } from '../estimate/memory/moments';
import type { Move } from '../moves/move';
import { type Change, makeWrites } from '../moves/written';
import { Trials } from '../rewrite/trial';
import type { TrainingRun } from '../run/training-run';
import type { Workspace } from '../source';

/** The run as predicted: a neighbour is a prediction too, and only like is compared with like. */
export interface Base {
  readonly phase: Phase;
  readonly moment: string;
  readonly bytes: Bytes;
  readonly memory: MemoryEstimate;
  readonly step: StepEstimate | null;
  readonly hostFits: boolean | null | undefined;
}

/** Bytes of the terms at one moment, by id. */
export type Bytes = ReadonlyMap<string, number>;

/** The run as it is, predicted; undefined where its memory is not known. */
export function baseOf(run: TrainingRun, phase: Phase, moment: string): Base | undefined {
  const { memory, step, host } = predicted(run);
  const bytes = bytesAt(run, phase, moment, memory);
  return memory && bytes ? { phase, moment, bytes, memory, step, hostFits: host?.fits } : undefined;
}

function predicted(run: TrainingRun): Estimate {
  return estimateRun({ ...run, measured: undefined });
}

/** Where a neighbour has no such moment, what it holds when the phase peaks. */
export function bytesAt(
  run: TrainingRun,
  phase: Phase,
  moment: string,
  memory: MemoryEstimate | null | undefined,
): Bytes | undefined {
  const terms = termsAt(run, phase, moment) ?? memory?.phases[phase]?.terms;
  if (!terms) return undefined;
  const sums = new Map<string, number>();
  for (const { id, bytes } of terms) sums.set(id, (sums.get(id) ?? 0) + bytes);
  return sums;
}

/** Tries moves in the files; several terms often ask for the same. */
export type Trial = (move: Move) => Tried | undefined;

/** The run of the changed files. */
interface Tried extends Pick<Estimate, 'step'> {
  readonly changes: readonly Change[];
  readonly memory: MemoryEstimate;
  readonly bytes: Bytes;
  readonly brings: string | undefined;
}

/** Writes each move into the files once, and analyses them again. */
export function trials(analysis: Analysis, base: Base, input: AnalysisInput): Trial {
  const trials = new Trials(analysis, rewriteInput(input), 'run');
  const known = new Map<Move, Tried | undefined>();
  return (move) => {
    if (!known.has(move)) known.set(move, tryOut(move, base, input.workspace, trials));
    return known.get(move);
  };
}

/** Undefined where the files cannot be written, or would not run. */
function tryOut(move: Move, base: Base, workspace: Workspace, trials: Trials): Tried | undefined {
  const written = makeWrites(workspace, move.writes);
  if (!written || written.changes.length === 0) return undefined;
  const tried = trials.with(written.sources);
  const changed = tried.analysis.run;
  if (!changed) return undefined;
  const { memory, step, host } = predicted(changed);
  const bytes = bytesAt(changed, base.phase, base.moment, memory);
  if (!memory || !bytes || (host?.fits === false && base.hostFits !== false)) return undefined;
  const brought = tried.brings();
  if (brought.some(({ severity }) => severity === 'error')) return undefined;
  return { changes: written.changes, memory, step, bytes, brings: brought[0]?.rule };
}
