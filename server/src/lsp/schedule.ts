import type { Path } from '../core/source';
import { type Cancellation, codes, RequestFailure } from './connection';
import type { AnalysedSnapshot, Session, Snapshot } from './session';
import { pathOf } from './uri';

/**
 * Runs one request on a document. Messages that have already arrived are handled first, so that a request which a
 * later change has superseded is answered "content modified" without work; an answer never belongs to an older text.
 * A failure of ours gives `fallback`, and the file's diagnostics say that it was not fully checked.
 */
export async function onSnapshot<R>(
  session: Session,
  uri: string,
  cancellation: Cancellation,
  fallback: R,
  work: (snapshot: AnalysedSnapshot, path: Path) => R,
): Promise<R> {
  const path = pathOf(uri);
  const edition = session.documents.at(path)?.edition;
  await laterMessages();
  ensureCurrent(session, path, edition, cancellation);
  let snapshot: Snapshot;
  try {
    snapshot = await session.settledSnapshot(path);
  } catch (error) {
    return fail(session, path, error, fallback);
  }
  ensureCurrent(session, path, edition, cancellation);
  if (!snapshot.ok) return fallback;
  try {
    return work(snapshot, path);
  } catch (error) {
    return fail(session, path, error, fallback);
  }
}

/** Throws where the request is no longer of use: cancelled, or its document has changed or closed. */
export function ensureCurrent(
  session: Session,
  path: Path,
  edition: number | undefined,
  cancellation: Cancellation,
): void {
  if (cancellation.isCancellationRequested) throw new RequestFailure(codes.requestCancelled, 'cancelled');
  if (session.documents.at(path)?.edition !== edition) {
    throw new RequestFailure(codes.contentModified, 'the document has changed since');
  }
}

/** Two turns of the event loop: the connection hands over one message a turn, and the first may be our own. */
export async function laterMessages(): Promise<void> {
  await new Promise(setImmediate);
  await new Promise(setImmediate);
}

function fail<R>(session: Session, path: Path, error: unknown, fallback: R): R {
  session.noteFailure(path, error);
  session.connection.sendNotification('window/logMessage', {
    type: 1,
    message: `Shardlens failed on ${path}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
  });
  return fallback;
}
