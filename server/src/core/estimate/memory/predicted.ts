import type { TrainingRun } from '../../run/training-run';
import type { Quantity } from '../estimate';
import { driverBytes } from './allocator';
import { countedBand } from './band';
import type { Corner } from './facts';
import { factsOnce } from './facts-once';
import { peaks } from './peaks';

/** The three figures that tools show of one GPU, in bytes. */
export interface PredictedFigures {
  readonly allocated: Quantity;
  readonly reserved: Quantity;
  readonly driver: Quantity;
}

/** What is predicted of a run whatever was measured of it; undefined where an input is missing. Pure. */
export function predictedFigures(measured: TrainingRun): PredictedFigures | undefined {
  const run = { ...measured, measured: undefined };
  const [expected, low, high] = (['expected', 'low', 'high'] as const).map((corner) => figuresAt(run, corner));
  if (!expected || !low || !high) return undefined;
  const widest = (figure: keyof PredictedFigures): Quantity => ({
    value: expected[figure].value,
    low: Math.min(expected[figure].value, low[figure].low),
    high: Math.max(expected[figure].value, high[figure].high),
  });
  return { allocated: widest('allocated'), reserved: widest('reserved'), driver: widest('driver') };
}

function figuresAt(run: TrainingRun, corner: Corner): PredictedFigures | undefined {
  const facts = factsOnce(run, corner, () => undefined);
  if (!facts) return undefined;
  const { winner, standing, low, high } = peaks(facts);
  const own = driverBytes(facts);
  const managed = winner.moment.managed ?? 0;
  const counted = countedBand(facts, winner.moment, standing);
  return {
    // torch's allocator knows nothing of paged state.
    allocated: { value: winner.moment.allocated - managed, low: counted.low - managed, high: counted.high - managed },
    reserved: {
      value: winner.bytes - own.context - own.nccl - managed,
      low: low - own.low - managed,
      high: high - own.high - managed,
    },
    driver: { value: winner.bytes, low, high },
  };
}
