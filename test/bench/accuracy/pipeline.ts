// What the benchmark runs: the product's own pipeline, from the bytes of files to an estimate.

import type { Analysis } from '../../../server/src/core/analysis';
import { analyze } from '../../../server/src/core/analyze';
import { residualClass } from '../../../server/src/core/estimate/memory/band';
import { readFacts } from '../../../server/src/core/estimate/memory/facts';
import { RESIDUALS, type ResidualClass } from '../../../server/src/core/estimate/memory/residuals';
import { persistentStates, standingOf } from '../../../server/src/core/estimate/memory/states';
import { onGpu, timeClass } from '../../../server/src/core/estimate/time/band';
import { timeFacts } from '../../../server/src/core/estimate/time/facts';
import { gpuConstants } from '../../../server/src/core/estimate/time/gpu-constants';
import { estimateTime } from '../../../server/src/core/estimate/time/index';
import { TIME_RESIDUALS, type TimeClass } from '../../../server/src/core/estimate/time/residuals';
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

/** What a step's band is made of: the GPUs' part with the residuals of its class, and the band of the rest. */
export function timeParts(run: TrainingRun): {
  readonly class: TimeClass;
  readonly architecture: string;
  readonly gpu: number;
  readonly rest: { readonly value: number; readonly low: number; readonly high: number };
} {
  const { step } = estimateTime(run, { memory: () => ({ memory: null, assumptions: [] }) });
  const resolved = timeFacts(run);
  if (step === null || !resolved.ok) throw new Error('no step time');
  const { facts } = resolved;
  const of = timeClass(facts, gpuConstants(facts.cluster.accelerator));
  const { low, high } = TIME_RESIDUALS[of];
  const gpu = step.terms.reduce((sum, term) => (!term.overlapped && onGpu(term) ? sum + term.seconds : sum), 0);
  const rest = { value: step.seconds - gpu, low: step.low - gpu * low, high: step.high - gpu * high };
  return { class: of, architecture: facts.cluster.accelerator.architecture, gpu, rest };
}

/** Seconds of a step as if no training run of its accelerator had ever been published; and no rate of a product either. */
export function coldSeconds(run: TrainingRun, product: 'measured' | 'unmeasured'): number | undefined {
  if (!run.cluster.known) return undefined;
  const { cluster } = run;
  const { measuredBf16Flops, ...known } = cluster.value.accelerator;
  const accelerator = {
    ...known,
    id: `unseen-${known.id}`,
    measuredBf16Flops: product === 'measured' ? measuredBf16Flops : undefined,
  };
  const cold = { ...run, cluster: { ...cluster, value: { ...cluster.value, accelerator } } };
  return estimateTime(cold, { memory: () => ({ memory: null, assumptions: [] }) }).step?.seconds;
}

export { estimateRun } from '../../../server/src/core/estimate/index';
export { estimateMemory } from '../../../server/src/core/estimate/memory/index';
export { estimateTime } from '../../../server/src/core/estimate/time/index';
