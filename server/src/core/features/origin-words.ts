import type { Origin } from '../run/known';
import type { TrainingRun } from '../run/training-run';
import type { Path, SourceFile } from '../source';

/** How many sources of a derived value are named; more than that no one reads. */
const MAX_SOURCES = 3;

/** Where a value came from, in words: `num_processes, accelerate.yaml:14`, `--gpus`, `default of DeepSpeed`. */
export function originWords(origin: Origin, run: TrainingRun, isInner = false): string {
  switch (origin.kind) {
    case 'file':
      // A whole file has no key, and no line worth naming.
      return origin.key === '' ? nameOf(origin.path) : `${origin.key}, ${placeWords(origin.path, origin.start, run)}`;
    case 'flag':
      return origin.flag;
    case 'editor':
      return origin.what;
    case 'default':
      return `default of ${origin.of}`;
    case 'catalog':
      return `catalog, ${origin.id}`;
    case 'assumed':
      return `assumed: ${origin.because}`;
    case 'derived': {
      // Brackets in brackets are not read: what a source was made from in turn is said where that source is shown.
      if (isInner) return origin.formula;
      const from = origin.from.flatMap((one) => (isSameStep(one, origin.formula) ? one.from : [one]));
      const sources = from.slice(0, MAX_SOURCES).map((one) => originWords(one, run, true));
      return sources.length > 0 ? `${origin.formula} (${sources.join('; ')})` : origin.formula;
    }
  }
}

/** A value handed on unchanged names its formula twice. */
function isSameStep(origin: Origin, formula: string): origin is Origin & { kind: 'derived' } {
  return origin.kind === 'derived' && origin.formula === formula;
}

/**
 * The settings behind a figure by their keys alone, for a column: `per_device_train_batch_size, sequenceLength`. Where no file
 * says anything, what did instead: `default of transformers`.
 */
export function settingNames(origins: readonly Origin[]): string {
  const leaves = origins.flatMap(leavesOf);
  const written = leaves.flatMap((one) => {
    if (one.kind === 'file') return one.key === '' ? nameOf(one.path) : keyName(one.key);
    return one.kind === 'flag' ? one.flag : one.kind === 'editor' ? one.what : [];
  });
  const others = leaves.flatMap((one) => {
    if (one.kind === 'default') return `default of ${one.of}`;
    return one.kind === 'catalog' ? 'catalog' : one.kind === 'assumed' ? 'assumed' : [];
  });
  const names = [...new Set(written.length > 0 ? written : others)];
  return names.length > MAX_SOURCES ? `${names.slice(0, MAX_SOURCES).join(', ')}, …` : names.join(', ');
}

/** The last part of a key, with the one before it where it says nothing alone. */
function keyName(key: string): string {
  const parts = key.split('.');
  return parts.slice(GENERAL.has(parts.at(-1) ?? '') ? -2 : -1).join('.');
}

const GENERAL = new Set(['type', 'enabled', 'device', 'params', 'version']);

function leavesOf(origin: Origin): readonly Origin[] {
  return origin.kind === 'derived' ? origin.from.flatMap(leavesOf) : [origin];
}

function placeWords(path: Path, offset: number, run: TrainingRun): string {
  const name = nameOf(path);
  const file = fileOf(path, run);
  return file ? `${name}:${file.lines.positionAt(offset).line + 1}` : name;
}

function nameOf(path: Path): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function fileOf(path: Path, run: TrainingRun): SourceFile | undefined {
  return Object.values(run.configs).find((config) => config?.file.path === path)?.file;
}
