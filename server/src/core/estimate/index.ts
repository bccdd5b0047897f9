import type { TrainingRun } from '../run/training-run';
import { estimateCheckpoint } from './checkpoint';
import type { Assumption, Estimate } from './estimate';
import { estimateHost } from './host';
import { estimateMemory } from './memory/index';
import { estimateTime } from './time/index';

/** Everything predicted about a run: memory per GPU and host, checkpoint, step time, links and offload. Pure. */
export function estimateRun(run: TrainingRun): Estimate {
  const { memory, assumptions: memoryAssumptions } = estimateMemory(run);
  const { host, assumptions: hostAssumptions } = estimateHost(run);
  const { checkpoint, assumptions: checkpointAssumptions } = estimateCheckpoint(run);
  const time = estimateTime(run, { memory: estimateMemory });
  return {
    memory,
    host,
    checkpoint,
    step: time.step,
    links: time.links,
    offloads: time.offloads,
    assumptions: withoutRepeats([
      ...memoryAssumptions,
      ...hostAssumptions,
      ...checkpointAssumptions,
      ...time.assumptions,
    ]),
  };
}

/** Memory and time often miss the same fact; it is said once. */
function withoutRepeats(assumptions: readonly Assumption[]): Assumption[] {
  const seen = new Set<string>();
  return assumptions.filter(({ what, value }) => {
    const key = `${what}\n${value}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}
