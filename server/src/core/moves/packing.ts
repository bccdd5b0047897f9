import { known, valueIfKnown } from '../run/known';
import type { TrainingRun } from '../run/training-run';
import { isAtLeast, statedVersion } from '../schema/versions';
import { argumentsOf, argumentWrite } from './arguments';
import { batchChange, isBatchOpen, perRank, withBatch } from './batch';
import type { Dimension, Move } from './move';
import { isOpen, TRIED } from './settled';

/** Rows of a step may hold this share more or fewer tokens than its samples did before. */
const SAME_TOKENS = 0.05;

/**
 * Several samples in one row of full length instead of padding (TRL's `packing`, trl/trainer/sft_trainer.py:1220, 1.16.0).
 * A row holds as many samples as the lengths say, so a step takes that many rows fewer: about as many tokens meet in it.
 * Only where the mean length is known, since what it saves follows from that.
 */
export const packing: Dimension = (run, note) => {
  const { batch } = run;
  const args = argumentsOf(run);
  if (!args.trl || !run.method.known || run.method.value !== 'sft' || run.method.origin.kind === 'assumed') return [];
  if (!batch.packing.known || batch.packing.value || valueIfKnown(run.parallelism.context) !== 1) return [];
  if (!batch.sequenceLength.known || !batch.meanSequenceLength.known) {
    note?.({
      what: 'packing',
      because: 'how many samples a row would hold follows from their mean length, which is not known',
    });
    return [];
  }
  if (!isOpen(run, 'packing', [batch.packing], note) || !isBatchOpen(run, note)) return [];
  if (args.get('padding_free', 'eval_packing', 'packing_strategy')) return [];
  const length = batch.sequenceLength.value;
  const samplesPerRow = length / batch.meanSequenceLength.value;
  const rows = Math.round(perRank(batch) / samplesPerRow);
  if (rows < 1 || samplesPerRow <= 1) return [];
  if (Math.abs((rows * samplesPerRow) / perRank(batch) - 1) > SAME_TOKENS) return [];
  const write = argumentWrite(run, 'packing', true);
  if (!write) return [];
  const micro = largestDivisor(rows, valueIfKnown(batch.micro) ?? 1);
  const packed = (it: TrainingRun): TrainingRun => {
    const smaller = withBatch(it, micro, rows / micro);
    const full = known(length, TRIED);
    return { ...smaller, batch: { ...smaller.batch, packing: known(true, TRIED), meanSequenceLength: full } };
  };
  const change = batchChange(run, packed(run));
  const own = { title: `Pack samples into full rows of ${length} tokens (packing)`, writes: [write] };
  const then = change ? ` and ${change.title.charAt(0).toLowerCase()}${change.title.slice(1)}` : '';
  const move: Move = {
    dimension: 'packing',
    title: own.title + then,
    training: 'data',
    note: `about ${samplesPerRow.toPrecision(2)} samples meet in a row${unmasked(run)}`,
    writes: [...own.writes, ...(change?.writes ?? [])],
    beside: own,
    allows: (it) => perRank(it.batch) === perRank(batch),
    apply: packed,
  };
  return [move];
};

/** transformers masks packed samples from each other under any attention since 4.53.1 (src/transformers/masking_utils.py:602). */
function unmasked(run: TrainingRun): string {
  const version = statedVersion(run, 'transformers');
  const masks = version !== undefined && isAtLeast(version, '4.53.1');
  const flash = run.attention.known && run.attention.value.startsWith('flash');
  return masks || flash ? '' : '; they see each other without Flash Attention before transformers 4.53.1';
}

function largestDivisor(of: number, most: number): number {
  for (let it = Math.min(of, Math.floor(most)); it > 1; it--) if (of % it === 0) return it;
  return 1;
}
