import type { Analysis } from '../analysis';
import type { FileEdit, Finding, Fix } from '../findings';
import type { Path, SourceFile, Workspace } from '../source';
import { parseSource } from '../syntax/parse';
import { difference } from '../text/difference';
import { applyEdits } from '../text/edit';
import { withSources } from './overlay';
import type { RewriteInput } from './trial';

/** A fix may make room for another; more rounds than this would be fixes that undo each other. */
const MAX_ROUNDS = 20;

/**
 * Makes the fix that `pick` chooses of each finding, then those of the findings that are left, until there is none. Fixes that touch the
 * same place wait for the next round. Gives the edits of all files from the texts as they are now; none where nothing was picked.
 */
export function fixUntilDone(
  analysis: Analysis,
  pick: (finding: Finding, analysis: Analysis, workspace: Workspace) => Fix | undefined,
  { workspace, analyze }: RewriteInput,
): FileEdit[] {
  const changed = new Map<Path, SourceFile>();
  const overlay = withSources(workspace, changed);
  let current = analysis;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const state = current;
    const findings = state.findings();
    const fixes = together(findings.flatMap((finding) => pick(finding, state, overlay) ?? []));
    if (fixes.length === 0 || !applyAll(fixes, overlay, changed)) break;
    current = analyze(overlay.source(analysis.file.path) ?? analysis.file, overlay);
  }
  return [...changed].flatMap(([path, { text }]) =>
    difference(workspace.source(path)?.text ?? '', text).map((edit) => ({ ...edit, path })),
  );
}

/** Of fixes that collide the first is taken. */
function together(fixes: readonly Fix[]): Fix[] {
  const taken: Fix[] = [];
  for (const fix of fixes) if (!taken.some((other) => collide(fix, other))) taken.push(fix);
  return taken;
}

/** Edits that only meet at an offset collide too: their order would decide what comes out. */
function collide(a: Fix, b: Fix): boolean {
  return a.edits.some((x) => b.edits.some((y) => x.path === y.path && x.start <= y.end && y.start <= x.end));
}

/** False where the fixes change nothing, or a file that cannot be read. */
export function applyAll(fixes: readonly Fix[], overlay: Workspace, changed: Map<Path, SourceFile>): boolean {
  const edits = fixes.flatMap((fix) => fix.edits);
  let isChanged = false;
  for (const path of new Set(edits.map((edit) => edit.path))) {
    const file = overlay.source(path);
    if (!file) return false;
    const text = applyEdits(
      file.text,
      edits.filter((edit) => edit.path === path),
    );
    if (text === file.text) continue;
    changed.set(path, parseSource(path, text));
    isChanged = true;
  }
  return isChanged;
}
