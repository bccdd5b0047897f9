// A prediction beside its measurement, and beside what the peers' formulas say.
import { constantMfu, factsOf, PEERS } from './peers.mjs';

/** One row for each figure of the point; `error` is predicted ÷ measured − 1, and absent where nothing is predicted. */
export function score(point, prediction) {
  const { run } = prediction;
  const facts = run?.model.known ? factsOf(point, run.model.value) : undefined;
  const { memory = [], seconds } = point.measured;
  const rows = memory.map(({ kind, gib }) => {
    if (kind === 'host') return { point, what: 'host', kind, ...compared(gib, prediction.host, {}) };
    const peers = facts && peerMemory(point, facts, gib);
    return {
      point,
      what: 'memory',
      kind,
      class: prediction.class,
      contradicted: point.contradicted,
      fits: prediction.fits,
      ...compared(gib, prediction.memory?.[kind], peers),
    };
  });
  if (seconds !== undefined) {
    const peers = facts && baseline(point, facts, run, seconds);
    const { time, cold, blind } = prediction;
    rows.push({
      point,
      what: 'time',
      kind: 'step',
      ...time,
      cold: cold && cold / seconds - 1,
      blind,
      ...compared(seconds, step(prediction.step), peers),
    });
  }
  return rows;
}

function compared(measured, predicted, peers) {
  if (predicted === undefined) return { measured, predicted: undefined, peers: {} };
  return {
    measured,
    ...predicted,
    // Measured ÷ predicted of what comes and goes: states are arithmetic.
    residual: predicted.moving === undefined ? undefined : (measured - predicted.fixed) / predicted.moving,
    predicted: predicted.value,
    error: predicted.value / measured - 1,
    // How far what was measured lies above the figure that has to fit before it is said to fit.
    above: measured / predicted.high - 1,
    isInside: predicted.low <= measured && measured <= predicted.high,
    peers: peers ?? {},
  };
}

function step(step) {
  return step && { value: step.seconds, low: step.low, high: step.high };
}

function peerMemory(point, facts, measured) {
  const errors = {};
  for (const { name, gib } of PEERS) {
    const value = gib(point, facts);
    if (value !== undefined) errors[name] = value / measured - 1;
  }
  return errors;
}

function baseline(point, facts, run, measured) {
  if (!run.cluster.known) return {};
  const { peakFlops } = run.cluster.value.accelerator;
  const peak = peakFlops.bf16 ?? peakFlops.fp16;
  return peak ? { 'constant MFU': constantMfu(point, facts, peak) / measured - 1 } : {};
}
