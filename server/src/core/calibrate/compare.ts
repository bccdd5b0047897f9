import type { Assumption, Estimate, Quantity } from '../estimate/estimate';
import { predictedFigures } from '../estimate/memory/predicted';
import type { TrainingRun } from '../run/training-run';
import { formatCount, formatGib, formatPercent, formatSeconds } from '../text/format';
import type { Chosen } from './choose';
import { FIGURES } from './measurement';
import type { Figure, Sample } from './samples';

/** One figure as measured, beside what is predicted for it. */
export interface Comparison {
  readonly figure: Figure;
  readonly sample: Sample;
  /** Null where it cannot be predicted. */
  readonly predicted: Quantity | null;
  /** Whether it lies in the band; for a lower bound, whether it does not speak against it. Null without a prediction. */
  readonly inside: boolean | null;
  /** In words: `8 % less than predicted, below the band`. */
  readonly verdict: string;
  /** What could explain a figure outside its band. */
  readonly perhaps: readonly string[];
}

/** Holds what was measured against what is predicted of the same run. Pure. */
export function compareFigures({ figures }: Chosen, run: TrainingRun, estimate: Estimate): Comparison[] {
  const memory = predictedFigures(run);
  return FIGURES.flatMap((figure): Comparison[] => {
    const sample = figures[figure];
    if (!sample) return [];
    const predicted = (figure === 'seconds' ? estimate.step : memory?.[figure]) ?? null;
    if (!predicted) return [{ figure, sample, predicted: null, inside: null, verdict: 'not predicted', perhaps: [] }];
    const value = 'seconds' in predicted ? predicted.seconds : predicted.value;
    const quantity = { value, low: predicted.low, high: predicted.high };
    return [{ figure, sample, predicted: quantity, ...judged(figure, sample, quantity, run, estimate.assumptions) }];
  });
}

function judged(
  figure: Figure,
  { value, low, high, bound }: Sample,
  predicted: Quantity,
  run: TrainingRun,
  assumptions: readonly Assumption[],
): Pick<Comparison, 'inside' | 'verdict' | 'perhaps'> {
  const isAbove = low > predicted.high;
  const isBelow = high < predicted.low;
  if (bound === 'at-least' && !isAbove) {
    return { inside: true, verdict: 'a lower bound, which does not speak against the prediction', perhaps: [] };
  }
  const share = Math.abs(value / predicted.value - 1);
  const how =
    share < 0.0005
      ? 'as predicted'
      : `${formatPercent(share)} ${value > predicted.value ? 'more' : 'less'} than predicted`;
  if (!isAbove && !isBelow) return { inside: true, verdict: `${how}, inside the band`, perhaps: [] };
  return {
    inside: false,
    verdict: `${how}, ${isAbove ? 'above' : 'below'} the band`,
    perhaps: [...reasons(figure, isAbove, run), ...assumed(figure, assumptions)],
  };
}

/** What the config cannot say, and a script or a data set decides. */
function reasons(figure: Figure, isAbove: boolean, { batch }: TrainingRun): string[] {
  const length = batch.sequenceLength.known
    ? `${formatCount(batch.sequenceLength.value)} tokens`
    : 'the sequence length';
  const isPacked = batch.packing.known && batch.packing.value;
  if (figure === 'seconds') {
    return isAbove
      ? ['the log counts logging, evaluation and saving in, and slow first steps', 'loading of data is not predicted']
      : ['samples were shorter than the mean that time is computed for'];
  }
  const other = figure === 'driver' ? ['another process used the same GPU'] : [];
  return isAbove
    ? [
        ...other,
        'the script sets something that the files do not say: another model, checkpointing off, a loss of its own',
      ]
    : [
        ...(isPacked ? [] : [`the samples of the log were shorter than ${length}, which memory is computed for`]),
        'the log ends before the largest step',
      ];
}

const OF_TIME = /step|link|network|compute|kernel|thread|MFU|overlap|mean sequence/i;

/** What had to be assumed for the figure. */
function assumed(figure: Figure, assumptions: readonly Assumption[]): string[] {
  return assumptions
    .filter(({ what, value }) => value !== 'not known' && value !== 'not used' && !what.startsWith('whether'))
    .filter(({ what }) => figure === 'seconds' || !OF_TIME.test(what))
    .map(({ what, value }) => `assumed ${what}: ${value}`);
}

/** A figure as people read it. */
export function shownFigure(figure: Figure, value: number): string {
  return figure === 'seconds' ? formatSeconds(value) : formatGib(value);
}
