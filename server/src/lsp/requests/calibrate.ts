import type { Analysis } from '../../core/analysis';
import { type Chosen, chooseFigures } from '../../core/calibrate/choose';
import { type Comparison, compareFigures } from '../../core/calibrate/compare';
import { readLogs } from '../../core/calibrate/read';
import { measurementRecord, withMeasurement } from '../../core/calibrate/write';
import type { Quantity } from '../../core/estimate/estimate';
import { figureWords } from '../../core/features/figure-words';
import { isTraining } from '../../core/features/lens';
import { basename, dirname, relativeTo } from '../../core/paths';
import type { TrainingRun } from '../../core/run/training-run';
import type { Path } from '../../core/source';
import type { Cancellation } from '../connection';
import type { CalibrateAnswer, CalibrateParams, SettingsChange } from '../protocol';
import { onSnapshot } from '../schedule';
import type { AnalysedSnapshot, Session } from '../session';
import { changeSettings } from '../settings-change';

/** `shardlens/calibrate`: what logs measured of the run of a file; null where the file describes no run. Nothing is written here. */
export function calibrateAnswer(
  session: Session,
  params: CalibrateParams,
  cancellation: Cancellation,
): Promise<CalibrateAnswer | null> {
  return onSnapshot<CalibrateAnswer | null>(session, params.uri, cancellation, null, (snapshot, path) => {
    const analysis = analysisOn(params.target, session, snapshot);
    const estimate = analysis.estimate();
    if (!analysis.run || !estimate || !isTraining(analysis)) return null;
    const chosen = chooseFigures(readLogs(params.printed.map(({ name, text }) => ({ path: name, text }))));
    const isWritten = params.write === true && Object.keys(chosen.figures).length > 0;
    return {
      figures: compareFigures(chosen, analysis.run, estimate).map(figureOf),
      unread: chosen.unread.map(({ what, because, at }) => `${what}: ${because} (${basename(at.path)}:${at.line})`),
      missing: estimate.assumptions
        .filter(({ value }) => value === 'not known')
        .map(({ what, because }) => `${what}: ${because}`),
      change: isWritten ? changeOf(session, path, analysis.run, chosen, params.target) : null,
    };
  });
}

/** The run on the target it was measured on, where that is another than the one in force. */
function analysisOn(target: string | undefined, session: Session, { analysis, workspace }: AnalysedSnapshot): Analysis {
  if (target === undefined) return analysis;
  const { hardware: _hardware, nodes: _nodes, gpusPerNode: _gpus, ...others } = session.overridesInForce;
  const { analyze, catalogs } = session.core;
  return analyze(analysis.file, { workspace, catalogs, overrides: { ...others, target } });
}

function figureOf(found: Comparison): CalibrateAnswer['figures'][number] {
  const { sample, predicted, ...comparison } = found;
  const { bound, basis, at } = sample;
  // Bytes are whole for those who read them.
  const whole = ({ value, low, high }: Quantity): Quantity =>
    sample.figure === 'seconds'
      ? { value, low, high }
      : { value: Math.round(value), low: Math.round(low), high: Math.round(high) };
  return {
    ...comparison,
    measured: { ...whole(sample), bound, basis, ...at },
    predicted: predicted && whole(predicted),
    words: figureWords(found),
  };
}

function changeOf(
  session: Session,
  path: Path,
  run: TrainingRun,
  chosen: Chosen,
  named: string | undefined,
): SettingsChange {
  const { settingsPath, target: inForce } = session.overridesInForce;
  const target = named ?? inForce;
  return changeSettings(session, path, { named: settingsPath, fresh: 'beside' }, (file, text) => {
    const place = { file: relativeTo(dirname(file), path), target };
    return withMeasurement(file, text, measurementRecord(chosen, run, place));
  });
}
