import type { TrainingRun } from '../run/training-run';
import { formatCount } from '../text/format';

/**
 * What an estimate of memory depends on and the files do not settle, as conditions: `with samples of 4,096 tokens`. Empty
 * where they settle everything, so that an error can be promised. A maximum length only cuts: shorter data need less. A
 * DeepSpeed file without training arguments does not show what the script freezes, quantises or recomputes.
 */
export function conditionsOf(run: TrainingRun): string[] {
  const conditions: string[] = [];
  const { sequenceLength } = run.batch;
  if (!sequenceLength.known || !isCertainLength(run)) {
    conditions.push(
      sequenceLength.known
        ? `with samples of ${formatCount(sequenceLength.value)} tokens`
        : 'with samples of usual length',
    );
  }
  if (!run.batch.micro.known) conditions.push('whatever the micro-batch');
  if (run.configs.trainer === undefined) {
    conditions.push(
      run.checkpointing.known ? 'if all weights are trained' : 'if all weights are trained without recomputation',
    );
  } else if (!run.checkpointing.known) {
    conditions.push('without recomputation');
  }
  return conditions;
}

/** Packed samples are as long as they may be; a length in shardlens.json or picked by the user is what they say they have. */
function isCertainLength({ batch, configs }: TrainingRun): boolean {
  if (batch.packing.known && batch.packing.value) return true;
  if (!batch.sequenceLength.known) return false;
  const { origin } = batch.sequenceLength;
  if (origin.kind === 'flag' || origin.kind === 'editor') return true;
  return origin.kind === 'file' && origin.path === configs.shardlens?.file.path;
}
