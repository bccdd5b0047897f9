import type { Path } from '../source';
import { deepspeedReader } from './deepspeed';
import { usedMemoryReader } from './nvidia-smi';
import { progressReader } from './progress';
import type { ReadAt, Reading, Sample, SampleReader } from './samples';
import { labelledReader, memorySummaryReader, outOfMemoryReader } from './torch';
import { trainerReader } from './trainer';

/** A text that a run printed, under the name it is shown with. */
export interface Printed {
  readonly path: Path;
  readonly text: string;
}

/** Longer lines are cut; a progress bar redraws itself in one line, and each state of it counts as a line here. */
const LONGEST_LINE = 20_000;
const MOST_WORDS = 160;
const COLOURS = new RegExp(`${String.fromCharCode(27)}\\[[0-9;?]*[A-Za-z]`, 'g');

/** What the texts of one run measure, recognised by content. Never throws; time grows with the length of the texts. */
export function readLogs(printed: readonly Printed[]): Reading {
  const readings = printed.map(readOne);
  return { samples: readings.flatMap(({ samples }) => samples), unread: readings.flatMap(({ unread }) => unread) };
}

function readOne({ path, text }: Printed): Reading {
  const readers = [
    deepspeedReader(),
    memorySummaryReader(),
    outOfMemoryReader(),
    labelledReader(),
    trainerReader(),
    progressReader(),
    usedMemoryReader(),
  ];
  eachLine(path, text, readers);
  const readings = readers.map((reader) => reader.done());
  return {
    samples: readings.flatMap(({ samples }) => samples).filter(isSane),
    unread: readings.flatMap(({ unread }) => unread),
  };
}

/** A figure that no GPU and no step has is a slip of a log, not a measurement. */
function isSane({ figure, value, low, high }: Sample): boolean {
  const most = figure === 'seconds' ? 1e6 : 2 ** 42;
  return [value, low, high].every(Number.isFinite) && value > 0 && high <= most;
}

function eachLine(path: Path, text: string, readers: readonly SampleReader[]): void {
  const ends = /\r\n|\n|\r/g;
  let start = 0;
  let line = 1;
  while (start <= text.length) {
    const end = ends.exec(text);
    const stop = end?.index ?? text.length;
    const words = text.slice(start, Math.min(stop, start + LONGEST_LINE)).replace(COLOURS, '');
    const here = line;
    const at = (): ReadAt => ({ path, line: here, words: wordsOf(words) });
    if (words !== '') for (const reader of readers) reader.line(words, at);
    if (!end) return;
    if (end[0] !== '\r') line++;
    start = end.index + end[0].length;
  }
}

function wordsOf(text: string): string {
  const plain = text.replace(/\s+/g, ' ').trim();
  return plain.length > MOST_WORDS ? `${plain.slice(0, MOST_WORDS - 1)}…` : plain;
}
