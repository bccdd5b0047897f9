import { analyze } from '../../../server/src/core/analyze';
import type { FileEdit } from '../../../server/src/core/findings';
import type { RewriteInput } from '../../../server/src/core/rewrite/trial';
import { applyEdits } from '../../../server/src/core/text/edit';
import { loadCatalogs } from '../../../server/src/data/index';
import { memoryWorkspace, ROOT } from '../../memory-workspace';

const catalogs = loadCatalogs();

/** The analysis of the first file, and what its rewrites need. */
export function project(files: Readonly<Record<string, string>>) {
  const workspace = memoryWorkspace(files);
  const file = workspace.source(`${ROOT}/${Object.keys(files)[0]}`);
  if (!file) throw new Error('no first file');
  const input: RewriteInput = {
    workspace,
    analyze: (other, around) => analyze(other, { workspace: around, catalogs }),
  };
  return { analysis: input.analyze(file, workspace), input };
}

/** The files behind some edits. */
export function applied<F extends Readonly<Record<string, string>>>(files: F, edits: readonly FileEdit[]): F {
  const entries = Object.entries(files).map(([name, text]) => [
    name,
    applyEdits(
      text,
      edits.filter(({ path }) => path === `${ROOT}/${name}`),
    ),
  ]);
  return Object.fromEntries(entries) as F;
}
