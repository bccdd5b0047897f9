// What the benchmark runs: the product's own pipeline, from the bytes of files to an estimate.

import type { Analysis } from '../../../server/src/core/analysis';
import { analyze } from '../../../server/src/core/analyze';
import { residualClass } from '../../../server/src/core/estimate/memory/band';
import { readFacts } from '../../../server/src/core/estimate/memory/facts';
import { RESIDUALS, type ResidualClass } from '../../../server/src/core/estimate/memory/residuals';
import { persistentStates, standingOf } from '../../../server/src/core/estimate/memory/states';
import type { TrainingRun } from '../../../server/src/core/run/training-run';
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

/** Bytes of a run that stay from step to step; the rest of what is allocated comes and goes. */
export function standingBytes(run: TrainingRun): number {
  const facts = readFacts(run, 'expected', () => undefined);
  return facts === undefined ? 0 : standingOf(facts, persistentStates(facts));
}

/** The residuals that make the run's band. */
export function residualsOf(run: TrainingRun): (typeof RESIDUALS)['plain'] {
  return RESIDUALS[classOf(run)];
}

/** The class whose residuals make the run's band. */
export function classOf(run: TrainingRun): ResidualClass {
  const facts = readFacts(run, 'expected', () => undefined);
  return facts === undefined ? 'plain' : residualClass(facts);
}

/** Puts other residuals in place of the recorded ones; the answer puts those back. For the benchmark alone. */
export function useBands(bands: typeof RESIDUALS): () => void {
  const recorded = { ...RESIDUALS };
  Object.assign(RESIDUALS, bands);
  return () => Object.assign(RESIDUALS, recorded);
}

export { estimateRun } from '../../../server/src/core/estimate/index';
export { estimateMemory } from '../../../server/src/core/estimate/memory/index';
export { estimateTime } from '../../../server/src/core/estimate/time/index';
