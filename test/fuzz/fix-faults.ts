import { analyze } from '../../server/src/core/analyze';
import type { Catalogs } from '../../server/src/core/catalogs';
import type { FileEdit, Finding, Fix, Severity } from '../../server/src/core/findings';
import { fixAll } from '../../server/src/core/rewrite/actions';
import { confirmedFixes } from '../../server/src/core/rewrite/confirm';
import type { RewriteInput } from '../../server/src/core/rewrite/trial';
import { applyEdits } from '../../server/src/core/text/edit';
import { memoryWorkspace, ROOT } from '../memory-workspace';

export type Files = Readonly<Record<string, string>>;

const RANKS: Readonly<Record<Severity, number>> = { hint: 1, information: 2, warning: 3, error: 4 };

/**
 * Invariant 6 of server/ARCHITECTURE.md on any config: what each preferred fix of a file does wrong, and what all of them together do. A fix
 * takes its finding away, adds none as severe and leaves the file as readable as it was; made all at once, nothing is left to make.
 */
export function fixFaults(files: Files, name: string, catalogs: Catalogs): string[] {
  const before = look(files, name, catalogs);
  const faults = before.findings.flatMap((finding) => {
    const fix = confirmedFixes(before.analysis, finding, before.input).find(({ preferred }) => preferred);
    return fix ? faultsOf(finding, fix, before, look(applied(files, fix.edits), name, catalogs)) : [];
  });
  const all = look(applied(files, fixAll(before.analysis, before.input)), name, catalogs);
  if (all.broken > before.broken) faults.push('all fixes: the file is broken');
  const left = fixAll(all.analysis, all.input);
  if (left.length > 0) faults.push(`all fixes: ${left.length} edits are left`);
  return faults;
}

function faultsOf(finding: Finding, fix: Fix, before: Look, after: Look): string[] {
  const label = `${finding.rule}, ${fix.title}`;
  const faults: string[] = [];
  const same = ({ findings }: Look) =>
    findings.filter(({ rule, message }) => rule === finding.rule && message === finding.message).length;
  if (same(after) >= same(before)) faults.push(`${label}: the finding stays`);
  if (after.broken > before.broken) faults.push(`${label}: the file is broken`);
  for (const { rule, severity, message } of after.findings) {
    const count = ({ findings }: Look) => findings.filter((other) => other.rule === rule).length;
    if (RANKS[severity] >= RANKS[finding.severity] && count(after) > count(before))
      faults.push(`${label}: ${rule} comes: ${message}`);
  }
  return faults;
}

type Look = ReturnType<typeof look>;

function look(files: Files, name: string, catalogs: Catalogs) {
  const workspace = memoryWorkspace(files);
  const file = workspace.source(`${ROOT}/${name}`);
  if (!file) throw new Error(`${name} cannot be read`);
  const input: RewriteInput = {
    workspace,
    analyze: (other, around) => analyze(other, { workspace: around, catalogs }),
  };
  const analysis = input.analyze(file, workspace);
  const broken = file.tree.problems.filter(({ kind }) => kind === 'broken').length;
  return { analysis, input, findings: analysis.findings(), broken };
}

function applied(files: Files, edits: readonly FileEdit[]): Files {
  return Object.fromEntries(
    Object.entries(files).map(([name, text]) => [
      name,
      applyEdits(
        text,
        edits.filter(({ path }) => path === `${ROOT}/${name}`),
      ),
    ]),
  );
}
