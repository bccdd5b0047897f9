import { known } from '../../run/known';
import type { FsdpSharding, OffloadDevice, Sharding, TrainingRun, ZeroSharding } from '../../run/training-run';
import type { Assumption, MemoryEstimate, OffloadVerdict, StepEstimate } from '../estimate';
import { type TimeFacts, timeFacts } from './facts';
import { offloadOf } from './offload';
import { shareOnGpu, steppedParameters } from './optimizer';
import { secondsOf } from './step';
import { gatheredBytes } from './traffic-gather';

/** The memory model, as `estimateMemory` of core/estimate/memory. */
export type MemoryOf = (run: TrainingRun) => {
  readonly memory: MemoryEstimate | null;
  readonly assumptions: readonly Assumption[];
};

/** fp32 weight, both moments and fp32 gradient, and the 16-bit gradient. */
const OPTIMIZER_HOST_BYTES = 18;
/** With the states on NVMe only gradients stay in memory: 16 bit as they arrive, fp32 for the step. Buffers are not counted. */
const NVME_OPTIMIZER_HOST_BYTES = 6;
/** torch keeps weight, gradient and both moments in fp32 on the host. */
const FSDP_HOST_BYTES = 16;

/** What each offload of the run costs, and whether the run would fit without it. */
export function offloadVerdicts(facts: TimeFacts, step: StepEstimate, memoryOf: MemoryOf): OffloadVerdict[] {
  const { sharding } = facts;
  const offload = offloadOf(facts);
  if (sharding.kind === 'fsdp') {
    if (offload.param === 'none') return [];
    return [verdict('fsdp', facts, step, withoutFsdpOffload(sharding), memoryOf)];
  }
  if (sharding.kind !== 'zero') return [];
  const verdicts: OffloadVerdict[] = [];
  if (offload.optimizer !== 'none') {
    verdicts.push(verdict('optimizer', facts, step, withoutZeroOffload(sharding, 'optimizer'), memoryOf));
  }
  if (offload.param !== 'none') {
    verdicts.push(verdict('param', facts, step, withoutZeroOffload(sharding, 'param'), memoryOf));
  }
  return verdicts;
}

function verdict(
  what: OffloadVerdict['what'],
  facts: TimeFacts,
  step: StepEstimate,
  sharding: Sharding,
  memoryOf: MemoryOf,
): OffloadVerdict {
  const run: TrainingRun = {
    ...facts.run,
    sharding: known(sharding, { kind: 'derived', formula: `without ${what} offload`, from: [] }),
  };
  const without = timeFacts(run);
  const stepSecondsWithout = without.ok ? secondsOf(without.facts) : undefined;
  const { memory } = memoryOf(run);
  return {
    what,
    hostBytesPerNode: hostBytes(what, facts),
    secondsPerStep:
      stepSecondsWithout === undefined ? step.breakdown.offload : Math.max(0, step.seconds - stepSecondsWithout),
    fitsWithout: memory === null ? null : memory.fits,
    gpuBytesWithout: memory?.value ?? 0,
    stepSecondsWithout,
  };
}

function hostBytes(what: OffloadVerdict['what'], facts: TimeFacts): number {
  const stepped = steppedParameters(facts) * (1 - shareOnGpu(facts)) * facts.gpusPerNode;
  switch (what) {
    case 'optimizer':
      return stepped * (offloadOf(facts).optimizer === 'nvme' ? NVME_OPTIMIZER_HOST_BYTES : OPTIMIZER_HOST_BYTES);
    case 'fsdp':
      return stepped * FSDP_HOST_BYTES;
    case 'param': {
      if (offloadOf(facts).param === 'nvme') return 0;
      const { blocks, outside } = gatheredBytes(facts);
      return ((blocks + outside) / facts.shard) * facts.gpusPerNode;
    }
    default:
      return what satisfies never;
  }
}

function withoutZeroOffload(sharding: ZeroSharding, what: 'optimizer' | 'param'): ZeroSharding {
  const none = known<OffloadDevice>('none', { kind: 'assumed', because: 'to compare with' });
  return what === 'optimizer' ? { ...sharding, offloadOptimizer: none } : { ...sharding, offloadParam: none };
}

function withoutFsdpOffload(sharding: FsdpSharding): FsdpSharding {
  return { ...sharding, offloadParams: known(false, { kind: 'assumed', because: 'to compare with' }) };
}
