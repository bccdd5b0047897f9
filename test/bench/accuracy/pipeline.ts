// What the benchmark runs: the product's own pipeline, from the bytes of files to an estimate.

import type { Analysis } from '../../../server/src/core/analysis';
import { analyze } from '../../../server/src/core/analyze';
import { parseSource } from '../../../server/src/core/syntax/parse';
import { loadCatalogs } from '../../../server/src/data/index';
import { memoryWorkspace, ROOT } from '../../memory-workspace';

const catalogs = loadCatalogs();

/** Analyses one of the files, as the editor and the command line do. */
export function analyzeFiles(files: Readonly<Record<string, string>>, main: string): Analysis {
  const path = `${ROOT}/${main}`;
  const file = parseSource(path, files[main] ?? '');
  return analyze(file, { workspace: memoryWorkspace(files), catalogs });
}

export { estimateRun } from '../../../server/src/core/estimate/index';
export { estimateMemory } from '../../../server/src/core/estimate/memory/index';
export { estimateTime } from '../../../server/src/core/estimate/time/index';
