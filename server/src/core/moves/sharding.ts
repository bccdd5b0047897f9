import { known } from '../run/known';
import { readOptimizer } from '../run/optimizer';
import type { FsdpSharding, TrainingRun, ZeroSharding } from '../run/training-run';
import { argumentsOf } from './arguments';
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

/** The run with the optimizer that its sharding leads to: an offloaded one is DeepSpeed's own, whatever the Trainer names. */
export function withItsOptimizer(run: TrainingRun): TrainingRun {
  return { ...run, optimizer: optimizerOf(run, run.sharding) };
}

/** The optimizer that the files of a run lead to under a sharding; without one, who the Trainer or the script names. */
export function optimizerOf(run: TrainingRun, sharding: TrainingRun['sharding']): TrainingRun['optimizer'] {
  const { consumers, frameworks } = run;
  return readOptimizer({ args: argumentsOf(run), deepspeed: run.configs.deepspeed, consumers, frameworks }, sharding);
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
