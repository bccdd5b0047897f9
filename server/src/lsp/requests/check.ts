import type { CodeAction } from 'vscode-languageserver-protocol';
import type { Analysis } from '../../core/analysis';
import { couldBeConfig } from '../../core/dialects/index';
import { bill } from '../../core/features/breakdown';
import { reportEstimate, reportRun } from '../../core/features/report';
import type { Fix } from '../../core/findings';
import { dirname } from '../../core/paths';
import { confirmedFixes } from '../../core/rewrite/confirm';
import type { Path } from '../../core/source';
import { toCodeAction, toNamedAction } from '../convert';
import type { CheckAnswer, CheckedFile, CheckParams } from '../protocol';
import type { AnalysedSnapshot, Session, Snapshot } from '../session';
import { pathOf } from '../uri';
import { diagnosticsOf, findingsOf } from './diagnostic';
import { largestOf } from './what-if';

/** `shardlens/check`: many files in one turn, so that what they share is read once. None of them comes back in another. */
export function checkFiles(session: Session, params: CheckParams): CheckAnswer {
  session.files.nextTurn();
  return { files: params.uris.map((uri) => checkFile(session, uri, params)) };
}

function checkFile(session: Session, uri: string, params: CheckParams): CheckedFile {
  const path = pathOf(uri);
  const folder = dirname(path);
  session.enter(folder);
  // Listed before anything is looked for in it.
  session.files.folder(folder, session.files.rootsFor(path));
  if (!couldBeOurs(session, path)) return notOurs(uri);
  let snapshot: Snapshot | undefined;
  try {
    snapshot = params.uris.length > 1 ? session.snapshotOnce(path) : session.snapshotInTurn(path);
  } catch (error) {
    session.noteFailure(path, error);
  }
  const findings = findingsOf(session, path, snapshot);
  const read = snapshot ?? { ok: false as const, why: 'unreadable' as const };
  const diagnostics = diagnosticsOf(session, read, findings);
  const analysed = snapshot?.ok ? snapshot : undefined;
  const recognition = analysed?.analysis.recognition;
  return {
    uri,
    dialect: recognition && recognition.dialect !== 'foreign' ? recognition.dialect : null,
    framework: recognition?.framework ?? null,
    unreadable: snapshot && !snapshot.ok ? UNREADABLE[snapshot.why] : null,
    diagnostics,
    lostFlags: analysed ? lostFlags(analysed.analysis) : [],
    ignored: analysed && !session.failureOf(path) ? analysed.analysis.ignored().length : 0,
    fixes: findings.map((finding, index) => {
      const diagnostic = diagnostics[index];
      if (!analysed || !diagnostic || finding.fixes.length === 0) return NO_FIXES;
      const context = session.convertContext(analysed.workspace);
      const fixes = confirmedFixes(analysed.analysis, finding, session.rewriteInput(analysed.workspace));
      const action = (fix: Fix) =>
        params.namesOfFixes ? toNamedAction(fix, context) : toCodeAction(fix, diagnostic, context);
      return fixes.flatMap((fix) => action(fix) ?? []);
    }),
    ...reports(session, path, analysed, params),
  };
}

/** Spares the parser what recognition would find nothing in; a folder is mostly that. */
function couldBeOurs(session: Session, path: Path): boolean {
  const { result } = session.files.at(path, session.files.rootsFor(path));
  return !result.ok || couldBeConfig(path, result.text);
}

function notOurs(uri: string): CheckedFile {
  return {
    uri,
    dialect: null,
    framework: null,
    unreadable: null,
    diagnostics: [],
    lostFlags: [],
    ignored: 0,
    fixes: [],
    run: null,
    estimate: null,
    bill: null,
  };
}

function lostFlags({ notes }: Analysis): readonly string[] {
  return notes.filter(({ origin }) => origin?.kind === 'flag').map(({ message }) => message);
}

const NO_FIXES: readonly CodeAction[] = [];

function reports(
  session: Session,
  path: Path,
  analysed: AnalysedSnapshot | undefined,
  params: CheckParams,
): Pick<CheckedFile, 'run' | 'estimate' | 'bill'> {
  // Most checks ask for findings alone, and the run is worked out whole only for those that ask for it.
  const run = params.report || params.bill ? analysed?.analysis.run : undefined;
  if (!analysed || !run) return { run: null, estimate: null, bill: null };
  const { analysis } = analysed;
  try {
    const largest = params.bill ? largestOf(session, analysed) : undefined;
    return {
      run: params.report ? reportRun(run) : null,
      estimate: params.report ? reportEstimate(analysis, largest) : null,
      bill: params.bill ? (bill(analysis, session.core.catalogs, largest) ?? null) : null,
    };
  } catch (error) {
    session.noteFailure(path, error);
    return { run: null, estimate: null, bill: null };
  }
}

/** Completes "FILE …". */
const UNREADABLE = {
  missing: 'does not exist',
  outside: 'leads out of the folder that is checked',
  unreadable: 'cannot be read',
  'too-large': 'is too large for a config (over 8 MiB)',
  binary: 'is not UTF-8 text',
  pending: 'has not arrived from the editor yet',
} as const;
