import type { Overrides } from '../../../server/src/core/analysis';
import { analyze } from '../../../server/src/core/analyze';
import type { Finding } from '../../../server/src/core/findings';
import type { FrameworkName, TrainingRun } from '../../../server/src/core/run/training-run';
import { LineIndex } from '../../../server/src/core/text/lines';
import { loadCatalogs } from '../../../server/src/data/index';
import { memoryWorkspace, ROOT } from '../../memory-workspace';
import type { Case } from './cases';

/** What a framework did with a case; `test/oracle/verdicts/verdict.py` writes it. */
export interface Verdict {
  readonly verdict: 'raised' | 'ran' | 'not-run';
  readonly stage?: string;
  readonly type?: string;
  readonly message?: string;
  readonly at?: string;
  readonly reason?: string;
}

export interface Recording {
  readonly recorder: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly verdicts: Readonly<Record<string, Verdict>>;
}

/**
 * How we stand to the framework. `found as warning` is right only where another release or reader accepts the run, which
 * {@link compare} cannot always know; it is counted by itself.
 */
export type Outcome =
  | 'found'
  | 'found as warning'
  | 'missed'
  | 'invented'
  | 'silent found'
  | 'silent missed'
  | 'agreed'
  | 'not compared';

export interface Comparison {
  readonly outcome: Outcome;
  /** Why the outcome is not a good one, for the person who reads the failure. */
  readonly detail: string;
}

/** Holds our findings for a case against the verdicts of every recorded release. */
export function compare(each: Case, recordings: readonly Recording[], overrides?: Overrides): Comparison {
  const workspace = memoryWorkspace(each.files);
  const source = workspace.source(`${ROOT}/${each.entry}`);
  if (!source) throw new Error(`${each.id}: ${each.entry} is not among its files`);
  const analysis = analyze(source, { workspace, catalogs: loadCatalogs(), ...(overrides && { overrides }) });
  const verdicts = recordings
    .filter((recording) => !isOfAnotherRelease(recording, analysis.run))
    .flatMap((recording) => recording.verdicts[each.id] ?? [])
    .filter(({ verdict }) => verdict !== 'not-run');
  if (verdicts.length === 0) return { outcome: 'not compared', detail: '' };
  const lines = new LineIndex(source.text);
  const findings = analysis.findings().filter((finding) => each.expect?.rules?.includes(finding.rule) ?? true);
  const seen = findings.filter(
    ({ start }) => each.expect?.line === undefined || lines.positionAt(start).line + 1 === each.expect.line,
  );
  const raised = verdicts.filter(({ verdict }) => verdict === 'raised');
  if (raised.length > 0) return raisedOutcome(raised, verdicts.length, seen, findings);
  const errors = analysis.findings().filter(({ severity }) => severity === 'error');
  if (errors.length > 0) return { outcome: 'invented', detail: `it ran, but we say ${said(errors)}` };
  if (!each.expect?.silent) return { outcome: 'agreed', detail: '' };
  return seen.length > 0
    ? { outcome: 'silent found', detail: '' }
    : { outcome: 'silent missed', detail: `no finding of ${each.expect.rules?.join(', ') ?? 'any rule'} there` };
}

function raisedOutcome(
  raised: readonly Verdict[],
  of: number,
  seen: readonly Finding[],
  findings: readonly Finding[],
): Comparison {
  const first = raised[0];
  const detail = `${first?.type} at ${first?.at}: ${first?.message}; we say ${said(findings)}`;
  const everywhere = raised.length === of;
  if (seen.some(({ severity }) => severity === 'error')) {
    return everywhere
      ? { outcome: 'found', detail }
      : { outcome: 'invented', detail: `only ${raised.length} of ${of} releases raise, but ${detail}` };
  }
  if (seen.some(({ severity }) => severity === 'warning')) return { outcome: 'found as warning', detail };
  return { outcome: 'missed', detail };
}

/** The files state a release of a framework, and the recording is of another one. */
function isOfAnotherRelease(recording: Recording, run: TrainingRun | undefined): boolean {
  return Object.entries(run?.frameworks ?? {}).some(([name, version]) => {
    const recorded = recording.versions[name as FrameworkName];
    return version?.known === true && recorded !== undefined && minor(version.value) !== minor(recorded);
  });
}

function minor(version: string): string {
  return version.split('.').slice(0, 2).join('.');
}

function said(findings: readonly Finding[]): string {
  const words = findings.map(({ rule, severity, message }) => `${severity} ${rule} (${message})`);
  return words.length > 0 ? words.join('; ') : 'nothing';
}
