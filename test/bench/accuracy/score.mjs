// A prediction beside its measurement, and beside what the peers' formulas say.
import { constantMfu, factsOf, PEERS } from './peers.mjs';

/** `error` is predicted ÷ measured − 1. Figures that cannot be predicted carry the reason instead. */
export function score(point, prediction) {
  const { run } = prediction;
  const facts = run?.model.known ? factsOf(point, run.model.value) : undefined;
  const { memory, seconds } = point.measured;
  return {
    point,
    why: prediction.why,
    memory:
      memory && compared(memory.gib, prediction.memory?.[memory.kind], facts && peerMemory(point, facts, memory.gib)),
    time:
      seconds === undefined
        ? undefined
        : compared(seconds, step(prediction.step), facts && baseline(point, facts, run, seconds)),
  };
}

function compared(measured, predicted, peers) {
  if (predicted === undefined) return { measured, predicted: undefined, peers: {} };
  return {
    measured,
    ...predicted,
    predicted: predicted.value,
    error: predicted.value / measured - 1,
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
