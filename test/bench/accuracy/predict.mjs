// The prediction for each point, from files, through the product's pipeline.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadSource } from '../../../scripts/load-source.mjs';
import { configsOf } from './configs.mjs';
import { ownPoints } from './own.mjs';

const folder = path.dirname(fileURLToPath(import.meta.url));
const GIB = 2 ** 30;

export function readPoints() {
  const { urls, models, hardware, points, leftOut } = JSON.parse(
    readFileSync(path.join(folder, 'points.json'), 'utf8'),
  );
  const full = points.map((point) => ({
    ...point,
    url: `${urls[point.url]}${point.line ?? ''}`,
    model: models[point.model] ?? point.model,
    hardware: hardware[point.hardware],
  }));
  const own = ownPoints();
  return { points: [...full, ...own.points], leftOut, ownLeftOut: own.leftOut };
}

/** The pipeline, bundled from the sources as they stand. */
export const loadPipeline = () => loadSource(['test/bench/accuracy/pipeline']);

/** What the product says of a point's files; `why` where it says nothing. */
export function predict(pipeline, point) {
  const { files, main } = configsOf(point);
  const analysis = pipeline.analyzeFiles(files, main);
  const estimate = analysis.estimate();
  if (!estimate) return { why: 'not recognised', run: undefined };
  return {
    run: analysis.run,
    estimate,
    class: pipeline.classOf(analysis.run),
    fits: estimate.memory?.fits,
    memory: estimate.memory === null ? undefined : figures(estimate.memory, analysis.run, pipeline),
    host: estimate.host === null ? undefined : hostFigure(estimate.host),
    step: estimate.step === null ? undefined : estimate.step,
    ...(estimate.step === null
      ? {}
      : {
          time: pipeline.timeParts(analysis.run),
          cold: pipeline.coldSeconds(analysis.run, 'measured'),
          blind: pipeline.coldSeconds(analysis.run, 'unmeasured'),
        }),
    why: estimate.assumptions.map(({ what, value, because }) => `${what}: ${value} (${because})`).join('; '),
  };
}

/** GiB as torch reports them allocated and reserved, and as the driver does; each with its band. */
function figures(memory, run, pipeline) {
  const standing = Math.min(pipeline.standingBytes(run), memory.allocated);
  const { context, fragmentation } = memory.breakdown;
  const { counted } = pipeline.residualsOf(run);
  const transient = memory.allocated - standing;
  return {
    // The estimate has a band for what must fit; what is allocated has that of the counts alone.
    allocated: gibs(standing, transient, {
      low: standing + transient * counted.low,
      high: standing + transient * counted.high,
    }),
    reserved: gibs(standing, transient + fragmentation, less(memory, context)),
    driver: gibs(standing + context, transient + fragmentation, memory),
  };
}

const less = ({ low, high }, bytes) => ({ low: low - bytes, high: high - bytes });

const hostFigure = ({ bytes, low, high }) => ({ value: bytes / GIB, low: low / GIB, high: high / GIB });

/** In GiB: what stays, what comes and goes, both together, and the band. */
function gibs(fixed, moving, { low, high }) {
  return { value: (fixed + moving) / GIB, fixed: fixed / GIB, moving: moving / GIB, low: low / GIB, high: high / GIB };
}
