import type { RunOutline, TrainingRun } from '../run/training-run';
import { formatCount } from '../text/format';

/** The condition under which one GPU's arguments are judged; it makes no band wider. */
export const UNLESS_OFFLOADED = 'unless the launch line offloads';

/**
 * What an estimate of memory depends on and the files do not settle, as conditions: `with samples of 4,096 tokens`. Empty
 * where they settle everything, so that an error can be promised. A maximum length only cuts: shorter data need less. A
 * DeepSpeed file without training arguments does not show what the script freezes, quantises or recomputes.
 */
export function conditionsOf(run: TrainingRun): string[] {
  const conditions: string[] = [];
  for (const { fact, taken } of run.disagreements) {
    // The files say something else, and they may be what runs.
    if (taken.origin?.kind === 'flag') conditions.push(`with the ${fact} of ${taken.origin.flag}`);
  }
  const { sequenceLength } = run.batch;
  if (!sequenceLength.known || !isCertainLength(run)) {
    conditions.push(
      sequenceLength.known
        ? `with samples of ${formatCount(sequenceLength.value)} tokens`
        : 'whatever the sample length',
    );
  }
  const { micro } = run.batch;
  if (!micro.known) conditions.push('whatever the micro-batch');
  // A file that leaves it out may be part of the arguments only.
  else if (micro.origin.kind === 'default') conditions.push(`with the default micro-batch of ${micro.value}`);
  if (!run.checkpointing.known) conditions.push('even with recomputation');
  // The low end of the band has the leanest that a template could fill in.
  if (!run.optimizer.name.known && run.optimizer.name.origin?.kind === 'file')
    conditions.push('whatever the optimizer');
  if (run.quantization?.known === false) conditions.push('even with quantised weights');
  if (run.lora?.known === false) conditions.push('even if only adapters are trained');
  if (run.configs.trainer === undefined) conditions.push('if all weights are trained');
  if (run.configs.trainer && onlyTrainer(run)) conditions.push(UNLESS_OFFLOADED);
  return conditions;
}

/** One GPU and nothing but training arguments: `--deepspeed` on a launch line that is not found could still offload. */
function onlyTrainer({ sharding, configs }: RunOutline): boolean {
  return sharding.known && sharding.value.kind === 'single' && configs.accelerate === undefined;
}

/**
 * Whether a file says how the run is sharded. Training arguments alone leave it to an Accelerate file that may lie elsewhere;
 * a verdict on memory or speed would then be about another run.
 */
export function shardingIsStated({ sharding }: RunOutline): boolean {
  return sharding.known && sharding.origin.kind !== 'assumed';
}

/** Whether the run's sharding is stated, how the model is split known, and its accelerator runs torch's caching allocator, which the memory model counts. */
export function memoryIsJudged(run: RunOutline): boolean {
  if (!shardingIsStated(run) || !run.cluster.known) return false;
  const { tensor, pipeline, context } = run.parallelism;
  if (![tensor, pipeline, context].every((size) => size.known)) return false;
  const { vendor } = run.cluster.value.accelerator;
  return vendor === 'NVIDIA' || vendor === 'AMD';
}

/** Packed samples are as long as they may be; a length in shardlens.json or picked by the user is what they say they have. */
function isCertainLength({ batch, configs }: RunOutline): boolean {
  if (batch.packing.known && batch.packing.value) return true;
  if (!batch.sequenceLength.known) return false;
  const { origin } = batch.sequenceLength;
  if (origin.kind === 'flag' || origin.kind === 'editor') return true;
  return origin.kind === 'file' && origin.path === configs.shardlens?.file.path;
}
