import { expect, it } from 'vitest';
import { recognise } from '../../server/src/core/dialects/index';
import { estimateRun } from '../../server/src/core/estimate/index';
import { runRules } from '../../server/src/core/rules/engine';
import { rules } from '../../server/src/core/rules/index';
import type { Rule } from '../../server/src/core/rules/rule';
import { joinRun } from '../../server/src/core/run/join';
import { loadCatalogs } from '../../server/src/data/index';
import { memoryWorkspace, ROOT } from '../memory-workspace';
import { casesFor, RECORDERS } from '../oracle/verdicts/cases';

const catalogs = loadCatalogs();
const everywhere: readonly Rule[] = rules.map(({ needs: _, when: __, ...rule }) => rule);

/** Every example and every case of the oracle, each file of it. */
const runs = new Map(
  RECORDERS.flatMap((recorder) => casesFor(recorder, new URL('../oracle/cases', import.meta.url).pathname)).map(
    ({ files }) => [JSON.stringify(files), files] as const,
  ),
);

function findings(path: string, files: Readonly<Record<string, string>>, list: readonly Rule[]): string[] {
  const workspace = memoryWorkspace(files);
  const file = workspace.source(path);
  const recognition = file && recognise(file);
  if (!file || !recognition || recognition.dialect === 'foreign') return [];
  const joined = joinRun(file, recognition, { workspace, catalogs, overrides: { from: 'flag' } });
  const input = { ...joined, workspace, catalogs, estimate: () => estimateRun(joined.wholeRun()) };
  return runRules(list, input).map(({ rule, start, message }) => `${rule} ${start} ${message}`);
}

it('finds the same where every rule is called and where only those are whose needs the config and its run meet', () => {
  expect(runs.size).toBeGreaterThan(1000);
  for (const files of runs.values()) {
    for (const name of Object.keys(files)) {
      const path = `${ROOT}/${name}`;
      expect(findings(path, files, rules), JSON.stringify(files)).toEqual(findings(path, files, everywhere));
    }
  }
});
