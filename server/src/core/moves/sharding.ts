import { known } from '../run/known';
import type { FsdpSharding, TrainingRun, ZeroSharding } from '../run/training-run';
import { TRIED } from './settled';

/** ZeRO as the run has it; undefined where it shards in another way. */
export function zeroOf({ sharding }: TrainingRun): ZeroSharding | undefined {
  return sharding.known && sharding.value.kind === 'zero' ? sharding.value : undefined;
}

/** The run with another ZeRO; as it is where it has none. */
export function withZero(run: TrainingRun, change: (zero: ZeroSharding) => ZeroSharding): TrainingRun {
  const zero = zeroOf(run);
  return zero ? { ...run, sharding: known(change(zero), TRIED) } : run;
}

/** The stage of a run, where it is known. */
export function stageIn(run: TrainingRun): number | undefined {
  const stage = zeroOf(run)?.stage;
  return stage?.known ? stage.value : undefined;
}

/** FSDP as the run has it; undefined where it shards in another way. */
export function fsdpOf({ sharding }: TrainingRun): FsdpSharding | undefined {
  return sharding.known && sharding.value.kind === 'fsdp' ? sharding.value : undefined;
}

/** The run with another FSDP; as it is where it has none. */
export function withFsdp(run: TrainingRun, change: (fsdp: FsdpSharding) => FsdpSharding): TrainingRun {
  const fsdp = fsdpOf(run);
  return fsdp ? { ...run, sharding: known(change(fsdp), TRIED) } : run;
}
