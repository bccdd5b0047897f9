import type { Model } from '../../models/model';
import { valueIfKnown } from '../../run/known';
import type { TrainingRun } from '../../run/training-run';
import type { Assumption } from '../estimate';
import type { Corner, Facts } from './facts';

type BatchFacts = Pick<Facts, 'samples' | 'sequence' | 'accumulation' | 'evalSamples'>;

const ASSUMED_SEQUENCE = { expected: 1024, low: 128, high: 4096 };
const ASSUMED_SAMPLES = { expected: 1, low: 1, high: 8 };

/** Samples and tokens of a micro-step; what is not written is assumed, with a band. */
export function readBatch(run: TrainingRun, corner: Corner, note: (assumption: Assumption) => void): BatchFacts {
  const { micro, sequenceLength, accumulation, evalMicro } = run.batch;
  const longest = (run.model.known ? run.model.value.maxPositions : undefined) ?? ASSUMED_SEQUENCE.high;
  let sequence: number;
  const fixed = run.model.known ? fixedLength(run.model.value) : undefined;
  if (fixed !== undefined) sequence = fixed;
  else if (sequenceLength.known) sequence = sequenceLength.value;
  else {
    sequence = Math.min(longest, ASSUMED_SEQUENCE[corner]);
    note({
      what: 'sequence length',
      value: `${Math.min(longest, ASSUMED_SEQUENCE.expected)} tokens`,
      because: `${sequenceLength.why}; the band reaches from ${Math.min(longest, ASSUMED_SEQUENCE.low)} to ${Math.min(longest, ASSUMED_SEQUENCE.high)}`,
    });
  }
  let samples: number;
  if (micro.known) samples = micro.value;
  else {
    samples = ASSUMED_SAMPLES[corner];
    note({
      what: 'micro-batch',
      value: '1 sample',
      because: `${micro.why}; the band reaches to 8, the Trainer's default`,
    });
  }
  return {
    samples,
    sequence,
    accumulation: valueIfKnown(accumulation) ?? (corner === 'high' ? 2 : 1),
    evalSamples: valueIfKnown(evalMicro) ?? samples,
  };
}

/** Positions of a sample where the class fixes them in every block, as those of an image. */
function fixedLength({ blocks }: Model): number | undefined {
  return blocks.every(({ positions }) => positions !== undefined) ? blocks[0]?.positions : undefined;
}

/** Unpacked samples of different lengths are padded to the longest, and a padded batch carries a mask. */
export function isPadded(run: TrainingRun, corner: Corner, note: (assumption: Assumption) => void): boolean {
  const { packing } = run.batch;
  if (valueIfKnown(run.method) === 'pretrain') return false;
  if (packing.known) return !packing.value;
  note({
    what: 'padding',
    value: 'none',
    because: `${packing.why}; the band reaches to padded batches, which keep a mask and repeated key heads`,
  });
  return corner === 'high';
}
