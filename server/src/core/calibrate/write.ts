import { basename } from '../paths';
import type { TrainingRun } from '../run/training-run';
import type { Path } from '../source';
import { insertEntry, replaceValue } from '../syntax/editing';
import { lookup } from '../syntax/node';
import { parseSource } from '../syntax/parse';
import { applyEdits } from '../text/edit';
import { type Chosen, placeOf } from './choose';
import { type Fingerprint, fingerprintOf, machineOf, shortName } from './fingerprint';
import { FIGURES } from './measurement';
import type { Sample } from './samples';

/** A record and the name it stands under. */
export interface NamedRecord {
  readonly name: string;
  readonly record: Readonly<Record<string, unknown>>;
}

/** What goes under `measured` in shardlens.json: whose run it was, the figures with their lines, and the facts they hold for. */
export function measurementRecord(
  { figures }: Chosen,
  run: TrainingRun,
  { file, target }: { readonly file: string; readonly target: string | undefined },
): NamedRecord {
  const found = FIGURES.flatMap((figure) => {
    const sample = figures[figure];
    return sample ? [[figure, figureRecord(sample)] as const] : [];
  });
  const where = { file, ...(target === undefined ? {} : { target }) };
  const fingerprint = fingerprintOf(run);
  const record = { ...where, ...Object.fromEntries(found), machine: machineOf(run), run: fingerprint };
  return { name: nameOf(file, fingerprint), record };
}

/** `train.yaml, micro-batch 4 x 2048 tokens (1a2b3c4d)`: readable (VS Code marks a × in JSON as easily mistaken), and another for every other run. */
function nameOf(file: string, run: Fingerprint): string {
  const { microBatch, sequenceLength } = run;
  const size =
    microBatch === null || sequenceLength === null ? '' : `, micro-batch ${microBatch} x ${sequenceLength} tokens`;
  return `${file}${size} (${shortName(run)})`;
}

function figureRecord(sample: Sample): Readonly<Record<string, unknown>> {
  const isBytes = sample.figure !== 'seconds';
  const written = (value: number): number => (isBytes ? Math.round(value) : Number(value.toPrecision(6)));
  const value = written(sample.value);
  const [low, high] = [Math.min(value, written(sample.low)), Math.max(value, written(sample.high))];
  return {
    value,
    ...(low === value && high === value ? {} : { low, high }),
    ...(sample.bound === 'at-least' ? { atLeast: true } : {}),
    from: placeOf(sample),
  };
}

/**
 * Puts a record under `measured`; one of the same run is replaced. Comments, indentation and all other settings stay. `text`
 * undefined: there is no file yet.
 */
export function withMeasurement(
  path: Path,
  text: string | undefined,
  { name, record }: NamedRecord,
): { readonly text: string } | { readonly problem: string } {
  if (text === undefined || text.trim() === '') {
    return { text: `${JSON.stringify({ measured: { [name]: record } }, null, 2)}\n` };
  }
  const file = parseSource(path, text);
  const { root, problems } = file.tree;
  if (problems.some(({ kind }) => kind === 'broken' || kind === 'limit')) {
    return { problem: `${basename(path)} has a syntax error; mend it first.` };
  }
  const section = root?.kind === 'mapping' ? lookup(root, 'measured') : undefined;
  if (root?.kind !== 'mapping' || (section && section.value?.kind !== 'mapping')) {
    return { problem: `${basename(path)} is not an object whose \`measured\` holds named records.` };
  }
  if (section?.value?.kind !== 'mapping') {
    return { text: applyEdits(text, insertEntry(file, root, 'measured', { [name]: record })) };
  }
  const own = lookup(section.value, name)?.value;
  const edits = own ? replaceValue(file, own, record) : insertEntry(file, section.value, name, record);
  return { text: applyEdits(text, edits) };
}
