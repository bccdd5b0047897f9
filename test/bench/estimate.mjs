import { configsOf } from './accuracy/configs.mjs';
import { loadPipeline, readPoints } from './accuracy/predict.mjs';
import { quantile, row } from './measure.mjs';

const ROUNDS = 5;

/** One estimate of a run that is read already, over all runs of the accuracy benchmark: a search makes thousands of them. */
export async function estimate() {
  const { analyzeFiles, estimateRun, estimateMemory } = await loadPipeline();
  const { points } = readPoints();
  const runs = points.map((point) => {
    const { files, main } = configsOf(point);
    return analyzeFiles(files, main).run;
  });
  // An estimate works out what is asked of it.
  const whole = (run) => {
    const { memory, host, checkpoint, step, links, offloads, assumptions } = estimateRun(run);
    return [memory, host, checkpoint, step, links, offloads, assumptions];
  };
  const asked = (run) => {
    const { memory, step } = estimateRun(run);
    return [memory, step];
  };
  return [
    row('one estimate: memory, host, time, median', quantile(times(runs, whole), 0.5), 'µs', 200),
    row('the same, 90th percentile', quantile(times(runs, whole), 0.9), 'µs'),
    row('as a search asks: memory and step, median', quantile(times(runs, asked), 0.5), 'µs'),
    row('memory alone, median', quantile(times(runs, estimateMemory), 0.5), 'µs'),
  ];
}

/** Microseconds of each run; the fastest of several rounds, since other work on the machine only ever adds. */
function times(runs, work) {
  const best = runs.map(() => Number.POSITIVE_INFINITY);
  for (let round = 0; round <= ROUNDS; round++) {
    for (let i = 0; i < runs.length; i++) {
      // Another object each time: what is remembered of a run must not count as free.
      const run = { ...runs[i] };
      const start = performance.now();
      work(run);
      // The first round warms up.
      if (round > 0) best[i] = Math.min(best[i], (performance.now() - start) * 1000);
    }
  }
  return best;
}
