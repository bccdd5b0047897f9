import { figureWords, remedyWords } from '../../core/features/remedy-words';
import { reportFigures } from '../../core/features/report';
import type { Remedy } from '../../core/fit/confirm';
import { type FitResult, findRemedies } from '../../core/fit/fit';
import type { Cancellation } from '../connection';
import { type ConvertContext, toWorkspaceEdit } from '../convert';
import { type FitAnswer, type FitRemedy, methods, type SearchProgress } from '../protocol';
import { onSnapshot } from '../schedule';
import type { AnalysedSnapshot, Session } from '../session';
import { inSlices } from '../slices';
import { pathOf } from '../uri';

/** `shardlens/fit`: searches in slices, so that typing goes on; a change of the document or a cancellation ends it. */
export async function fitAnswer(session: Session, uri: string, cancellation: Cancellation): Promise<FitAnswer | null> {
  const path = pathOf(uri);
  const snapshot = await onSnapshot<AnalysedSnapshot | null>(session, uri, cancellation, null, (found) => found);
  const dialect = snapshot?.analysis.recognition?.dialect;
  if (!snapshot?.analysis.run || !dialect || dialect === 'foreign') return null;
  const { file } = snapshot.analysis;
  const input = { workspace: snapshot.workspace, catalogs: session.core.catalogs, overrides: session.overridesInForce };
  const result = await inSlices(session, path, cancellation, findRemedies(file, input), (done) => {
    session.connection.sendNotification(methods.searchProgress, { uri, done } satisfies SearchProgress);
  });
  return answer(result, path, dialect, session.convertContext(snapshot.workspace));
}

function answer(result: FitResult, path: string, dialect: FitAnswer['dialect'], context: ConvertContext): FitAnswer {
  const { goal, why, searched, closed, tried, complete } = result;
  return {
    path,
    dialect,
    goal,
    why: why ?? null,
    searched,
    closed,
    tried,
    complete,
    before: reportFigures(result.before),
    words: { before: figureWords(result.before), intro: introOf(result) },
    remedies: result.remedies.flatMap((remedy) => toRemedy(remedy, result, context)),
  };
}

function introOf({ goal, why, remedies, before }: FitResult): string {
  if (remedies.length === 0) return `${(why ?? 'there is no remedy').replace(/^./, (first) => first.toUpperCase())}.`;
  if (goal === 'faster') return 'It fits; these make it faster.';
  if (before.memory?.fits === true) return 'It does not fit into the memory of the host; each of these does.';
  return `It does not ${before.memory?.fits === false ? '' : 'surely '}fit; each of these does.`;
}

function toRemedy(remedy: Remedy, { before }: FitResult, context: ConvertContext): FitRemedy[] {
  const edit = toWorkspaceEdit(remedy.edits, context);
  if (!edit) return [];
  const { title, merits, training, notes, changes, estimate } = remedy;
  const words = remedyWords(remedy, before);
  return [{ title, merits, training, notes, changes, after: reportFigures(estimate), words, edit }];
}
