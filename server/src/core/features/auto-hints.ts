import type { Analysis } from '../analysis';
import type { Known, Origin } from '../run/known';
import type { TrainingRun } from '../run/training-run';
import type { Hint } from './inlay-hints';
import { originWords } from './origin-words';

/** After each `"auto"`: the value it becomes, and the setting that gives it. Where that is not known, nothing. */
export function autoHints(analysis: Analysis, run: TrainingRun): Hint[] {
  const hints = new Map<number, Hint>();
  for (const value of valuesOf(run)) {
    if (!value.known || value.origin.kind !== 'derived') continue;
    const places = filesOf(value.origin);
    const auto = places.find((place) => isAutoIn(analysis, place));
    if (!auto || hints.has(auto.end)) continue;
    const giver = value.origin.from.find((origin) => origin !== auto);
    const from = giver ? originWords(giver, run) : value.origin.formula;
    hints.set(auto.end, {
      offset: auto.end,
      kind: 'auto',
      label: `= ${written(value.value)} ← ${from}`,
      tooltip: `\`auto\` becomes **${written(value.value)}**: ${value.origin.formula}.`,
    });
  }
  return [...hints.values()];
}

/** The parts of a run that a config can leave to "auto". */
function* valuesOf(run: TrainingRun): Generator<Known<unknown>> {
  const parts: readonly object[] = [
    run.batch,
    run.precision,
    run.optimizer,
    { gradientClipping: run.gradientClipping },
    ...(run.sharding.known ? [run.sharding.value] : []),
  ];
  for (const part of parts) {
    for (const value of Object.values(part)) if (isKnown(value)) yield value;
  }
}

function isKnown(value: unknown): value is Known<unknown> {
  return typeof value === 'object' && value !== null && 'known' in value;
}

type FileOrigin = Extract<Origin, { kind: 'file' }>;

function filesOf(origin: Origin): FileOrigin[] {
  if (origin.kind === 'file') return [origin];
  return origin.kind === 'derived' ? origin.from.flatMap(filesOf) : [];
}

function isAutoIn({ file }: Analysis, origin: FileOrigin): boolean {
  return origin.path === file.path && /^["']?auto["']?$/.test(file.text.slice(origin.start, origin.end));
}

function written(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : JSON.stringify(value);
}
