import { describe, expect, it } from 'vitest';
import { analyze } from '../../../server/src/core/analyze';
import { bill } from '../../../server/src/core/features/breakdown';
import { inlayHints } from '../../../server/src/core/features/inlay-hints';
import { lenses } from '../../../server/src/core/features/lens';
import { reportEstimate, reportRun } from '../../../server/src/core/features/report';
import { loadCatalogs } from '../../../server/src/data/index';
import { exampleFolders } from '../../examples';
import { memoryWorkspace, ROOT } from '../../memory-workspace';

/** Invariant 5 of server/ARCHITECTURE.md: the same snapshot gives the same output, byte for byte, in whatever order it is met. */

const catalogs = loadCatalogs();

describe.each(Object.entries(exampleFolders()))('%s', (_, files) => {
  it('gives the same whatever comes first', () => {
    const names = Object.keys(files);
    const first = outputs(files, names);
    expect(names.length).toBeGreaterThan(1);
    expect(outputs(files, names)).toEqual(first);
    const reversed = Object.fromEntries(Object.entries(files).reverse());
    expect(outputs(reversed, names)).toEqual(first);
    expect(outputs(reversed, [...names].reverse())).toEqual(first);
    // What was analysed before must not show either.
    expect(outputs({ ...files, 'other.json': '{ "zero_optimization": { "stage": 3 } }' }, ['other.json'])).not.toEqual(
      first,
    );
    expect(outputs(files, names)).toEqual(first);
  });
});

function outputs(files: Readonly<Record<string, string>>, order: readonly string[]): Record<string, string> {
  const workspace = memoryWorkspace(files);
  const found: Record<string, string> = {};
  for (const name of order) {
    const file = workspace.source(`${ROOT}/${name}`);
    if (!file) continue;
    const analysis = analyze(file, { workspace, catalogs });
    found[name] = JSON.stringify([
      analysis.findings(),
      analysis.notes,
      [...analysis.dependencies].sort(),
      inlayHints(analysis),
      lenses(analysis, catalogs),
      bill(analysis, catalogs) ?? null,
      analysis.run ? [reportRun(analysis.run), reportEstimate(analysis)] : null,
    ]);
  }
  return found;
}
