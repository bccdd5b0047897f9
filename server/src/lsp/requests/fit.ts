import { figureWords, remedyWords } from '../../core/features/remedy-words';
import { reportFigures } from '../../core/features/report';
import type { Remedy } from '../../core/fit/confirm';
import { type FitResult, findRemedies } from '../../core/fit/fit';
import type { Cancellation } from '../connection';
import { type ConvertContext, toWorkspaceEdit } from '../convert';
import { type FitAnswer, type FitProgress, type FitRemedy, methods } from '../protocol';
import { ensureCurrent, onSnapshot } from '../schedule';
import type { AnalysedSnapshot, Session } from '../session';
import { pathOf } from '../uri';

/** Milliseconds the search runs before other requests get their turn. */
const SLICE_MILLISECONDS = 15;

/** `shardlens/fit`: searches in slices, so that typing goes on; a change of the document or a cancellation ends it. */
export async function fitAnswer(session: Session, uri: string, cancellation: Cancellation): Promise<FitAnswer | null> {
  const path = pathOf(uri);
  const edition = session.documents.at(path)?.edition;
  const snapshot = await onSnapshot<AnalysedSnapshot | null>(session, uri, cancellation, null, (found) => found);
  const dialect = snapshot?.analysis.recognition?.dialect;
  if (!snapshot?.analysis.run || !dialect || dialect === 'foreign') return null;
  const { file } = snapshot.analysis;
  const input = { workspace: snapshot.workspace, catalogs: session.core.catalogs, overrides: session.overridesInForce };
  const steps = findRemedies(file, input);
  let until = performance.now() + SLICE_MILLISECONDS;
  for (;;) {
    const step = steps.next();
    if (step.done) return answer(step.value, path, dialect, session.convertContext(snapshot.workspace));
    if (performance.now() < until) continue;
    session.connection.sendNotification(methods.fitProgress, { uri, tried: step.value } satisfies FitProgress);
    await new Promise(setImmediate);
    ensureCurrent(session, path, edition, cancellation);
    until = performance.now() + SLICE_MILLISECONDS;
  }
}

function answer(result: FitResult, path: string, dialect: FitAnswer['dialect'], context: ConvertContext): FitAnswer {
  const { goal, why, tried, complete } = result;
  return {
    path,
    dialect,
    goal,
    why: why ?? null,
    tried,
    complete,
    before: reportFigures(result.before),
    words: { before: figureWords(result.before), intro: introOf(result) },
    remedies: result.remedies.flatMap((remedy) => toRemedy(remedy, result, context)),
  };
}

function introOf({ goal, why, remedies }: FitResult): string {
  if (remedies.length === 0) return `${(why ?? 'there is no remedy').replace(/^./, (first) => first.toUpperCase())}.`;
  return goal === 'fit' ? 'It does not surely fit; each of these does.' : 'It fits; these make it faster.';
}

function toRemedy(remedy: Remedy, { before }: FitResult, context: ConvertContext): FitRemedy[] {
  const edit = toWorkspaceEdit(remedy.edits, context);
  if (!edit) return [];
  const { title, merits, training, notes, changes, estimate } = remedy;
  const words = remedyWords(remedy, before);
  return [{ title, merits, training, notes, changes, after: reportFigures(estimate), words, edit }];
}
