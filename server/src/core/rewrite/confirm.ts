import type { Analysis } from '../analysis';
import type { Finding, Fix, Severity } from '../findings';
import { kept } from '../kept';
import type { Path, SourceFile } from '../source';
import { applyAll } from './fixpoint';
import { withSources } from './overlay';
import { type RewriteInput, Trials } from './trial';

const RANKS: Readonly<Record<Severity, number>> = { hint: 1, information: 2, warning: 3, error: 4 };

const confirmed = kept<Finding, readonly Fix[]>();

/**
 * The fixes of a finding, the preferred one still so only if it holds what that promises in this very file: it is made, and its finding is
 * gone, no other as severe has come, and the file is no more broken. A rule cannot foresee what its fix uncovers: the number in quotes
 * becomes a number, and then it is out of range. Few findings have such a fix, and each is tried once.
 */
export function confirmedFixes(analysis: Analysis, finding: Finding, input: RewriteInput): readonly Fix[] {
  const preferred = finding.fixes.find((fix) => fix.preferred);
  if (!preferred) return finding.fixes;
  const known = confirmed.get(finding);
  if (known) return known;
  let keeps = false;
  try {
    keeps = mayTry(analysis) && keepsItsPromise(analysis, finding, preferred, input);
  } catch {
    // What we fail to analyse we do not recommend; opening it will say that we failed.
  }
  const fixes = keeps ? finding.fixes : finding.fixes.map((fix) => ({ ...fix, preferred: false }));
  confirmed.set(finding, fixes);
  return fixes;
}

/** Text read again to try the fixes of one file: hundreds of fixes of a config, and few of a file that is none. */
const MAX_TRIED_UNITS = 2 * 1024 * 1024;

const tried = kept<Analysis, number>();

/** Whether one more fix of this file may be tried; beyond that, fixes are offered and not recommended. */
function mayTry(analysis: Analysis): boolean {
  const units = (tried.get(analysis) ?? 0) + analysis.file.text.length;
  tried.set(analysis, units);
  return units <= MAX_TRIED_UNITS;
}

function keepsItsPromise(analysis: Analysis, finding: Finding, fix: Fix, input: RewriteInput): boolean {
  const changed = new Map<Path, SourceFile>();
  if (!applyAll([fix], withSources(input.workspace, changed), changed)) return false;
  const after = new Trials(analysis, input, 'file').with(changed);
  if (brokenIn(after.analysis) > brokenIn(analysis)) return false;
  if (howOften(finding, after.analysis) >= howOften(finding, analysis)) return false;
  return after.brings().every(({ severity }) => RANKS[severity] < RANKS[finding.severity]);
}

function brokenIn({ file }: Analysis): number {
  return file.tree.problems.filter(({ kind }) => kind === 'broken').length;
}

/** Places move, and messages often name none. */
function howOften({ rule, message }: Finding, analysis: Analysis): number {
  return analysis.findings().filter((other) => other.rule === rule && other.message === message).length;
}
