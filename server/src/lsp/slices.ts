import type { Path } from '../core/source';
import type { Cancellation } from './connection';
import { ensureCurrent } from './schedule';
import type { Session } from './session';

/** Milliseconds a long search runs before other requests get their turn. */
const SLICE_MILLISECONDS = 15;

/**
 * Runs a long computation in slices, so that typing goes on. After each slice `onPause` hears how far it is; a cancellation
 * or a change of the document ends it with the error that LSP has for it.
 */
export async function inSlices<R>(
  session: Session,
  path: Path,
  cancellation: Cancellation,
  steps: Generator<number, R, void>,
  onPause: (done: number) => void,
): Promise<R> {
  const edition = session.documents.at(path)?.edition;
  let until = performance.now() + SLICE_MILLISECONDS;
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    if (performance.now() < until) continue;
    onPause(step.value);
    await new Promise(setImmediate);
    ensureCurrent(session, path, edition, cancellation);
    until = performance.now() + SLICE_MILLISECONDS;
  }
}
