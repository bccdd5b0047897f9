import type { TrainingEffect } from '../moves/move';
import type { Change } from '../moves/written';
import { basename } from '../paths';
import type { Path } from '../source';
import { formatGib, formatSetting } from '../text/format';
import type { LargestTerm, Lever } from './largest-terms';

/** What is worth a number: below it both are said to be the same. */
const SHOWS = 0.05;

/**
 * A line for each term that a setting makes smaller, and one for all that none does: `Activations saved for backward, 12.4 GiB:
 * gradient_checkpointing: true takes 11.1 GiB off, step about +28 %.` Keys stand in backticks. `path` is the file that the reader looks at;
 * others are named.
 */
export function largestWords(terms: readonly LargestTerm[], path: Path): string[] {
  const lines: string[] = [];
  const stuck: string[] = [];
  for (const { term, lever } of terms) {
    const size = formatGib(term.bytes);
    if (lever)
      lines.push(`${capital(term.label)}, ${size}: ${settingWords(lever.changes, path)} ${leverWords(lever)}.`);
    else stuck.push(`${term.label}, ${size}`);
  }
  if (stuck.length === 0) return lines;
  return [
    ...lines,
    `Nothing that \`fit\` tries makes ${stuck.length === 1 ? 'this' : 'these'} smaller: ${stuck.join('; ')}.`,
  ];
}

/** `takes 11.1 GiB off, 9.8 GiB off the peak; it then fits; step about +28 %`. */
export function leverWords({ saves, savesAtPeak, fits, step, training, note, brings }: Lever): string {
  const isSame = Math.abs(savesAtPeak / saves - 1) < SHOWS;
  const peak = savesAtPeak < SHOWS * saves ? ', but nothing off the peak' : `, ${formatGib(savesAtPeak)} off the peak`;
  return [
    `takes ${formatGib(saves)} off${isSame ? '' : peak}`,
    fits === true ? 'it then fits' : '',
    step ? stepWords(step.after / step.before - 1) : '',
    TRAINING[training],
    note ?? '',
    brings === undefined ? '' : `not recommended here (\`${brings}\`)`,
  ]
    .filter((it) => it !== '')
    .join('; ');
}

const TRAINING: Readonly<Record<TrainingEffect, string>> = {
  same: '',
  data: 'other samples meet in a step',
  numerics: 'the training changes in its numerics',
};

/** Both times are predictions; their ratio is surer than either, and still only about right. */
function stepWords(share: number): string {
  const percent = Math.round(100 * share);
  return percent === 0 ? 'step as long as before' : `step about ${percent > 0 ? '+' : '−'}${Math.abs(percent)} %`;
}

/** `` `per_device_train_batch_size: 4` with `gradient_accumulation_steps: 2` in train.yaml ``. */
export function settingWords(changes: readonly Change[], path: Path): string {
  const written = changes.map(({ key, to }) => {
    // A flag of a launch line is written as one.
    if (key.startsWith('--')) return to === undefined ? `no \`${key}\`` : `\`${key} ${valueWords(to)}\``;
    const name = key.slice(key.lastIndexOf('.') + 1);
    return to === undefined ? `no \`${name}\`` : `\`${name}: ${valueWords(to)}\``;
  });
  const others = [...new Set(changes.filter((it) => it.path !== path).map((it) => basename(it.path)))];
  return `${written.join(' with ')}${others.length > 0 ? ` (${others.join(', ')})` : ''}`;
}

function valueWords(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null) return formatSetting(value);
  return `{ ${Object.entries(value)
    .map(([key, it]) => `${key}: ${String(it)}`)
    .join(', ')} }`;
}

/** A sentence's beginning; `vLLM` is written so everywhere. */
function capital(text: string): string {
  if (/^[a-z]+[A-Z]/.test(text)) return text;
  return text.charAt(0).toUpperCase() + text.slice(1);
}
