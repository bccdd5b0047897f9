import { type Comparison, shownFigure } from '../calibrate/compare';
import type { Figure } from '../calibrate/samples';

/** A measured figure in words, the same in the editor and on the command line. */
export interface FigureWords {
  /** `allocated`, as the logs and `shardlens.json` call it. */
  readonly name: string;
  /** `22.6 GiB`; `≥ 22.6 GiB` for a lower bound. */
  readonly measured: string;
  /** `24.1 GiB`; a dash where it cannot be predicted. */
  readonly predicted: string;
  /** `23.0 GiB to 26.2 GiB`; a dash where it cannot be predicted. */
  readonly band: string;
}

const NAMES: Readonly<Record<Figure, string>> = {
  allocated: 'allocated',
  reserved: 'reserved',
  driver: 'driver',
  seconds: 'step',
};

const NOTHING = '–';

export function figureWords({ figure, sample, predicted }: Comparison): FigureWords {
  return {
    name: NAMES[figure],
    measured: `${sample.bound === 'at-least' ? '≥ ' : ''}${shownFigure(figure, sample.value)}`,
    predicted: predicted ? shownFigure(figure, predicted.value) : NOTHING,
    band: predicted ? `${shownFigure(figure, predicted.low)} to ${shownFigure(figure, predicted.high)}` : NOTHING,
  };
}
