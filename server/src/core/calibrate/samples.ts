import type { Path } from '../source';

/** What a log can measure of a run: bytes of one GPU, or seconds of one optimizer step. */
export type Figure = 'allocated' | 'reserved' | 'driver' | 'seconds';

/** Where a value was read: the line, counted from 1, and its words. */
export interface ReadAt {
  readonly path: Path;
  readonly line: number;
  readonly words: string;
}

/** One value read from a log. `low` and `high` are what its rounding leaves open. */
export interface Sample {
  readonly figure: Figure;
  readonly value: number;
  readonly low: number;
  readonly high: number;
  /** `peak`: of a training step; `at-least`: the run needs this much, and perhaps more. */
  readonly bound: 'peak' | 'at-least';
  /** What it is, as `Max_CA of see_memory_usage`. */
  readonly basis: string;
  readonly at: ReadAt;
}

/** What the readers found in all texts. */
export interface Reading {
  readonly samples: readonly Sample[];
  /** What was seen and could not be used, with the reason. */
  readonly unread: readonly { readonly what: string; readonly because: string; readonly at: ReadAt }[];
}

/** Reads lines of one kind of output; other lines mean nothing to it. */
export interface SampleReader {
  line(text: string, at: () => ReadAt): void;
  done(): Reading;
}

export const MIB = 2 ** 20;
export const GIB = 2 ** 30;

const UNITS: Readonly<Record<string, number>> = { B: 1, KIB: 2 ** 10, MIB, GIB, TIB: 2 ** 40 };

/** Bytes of a figure with a binary unit, as `36.50`, `GiB`; what its rounding leaves open is half of its last digit. */
export function rounded(digits: string, unit: string): { value: number; low: number; high: number } {
  const scale = UNITS[unit.toUpperCase()] ?? 1;
  const half = 0.5 * 10 ** -(digits.split('.')[1]?.length ?? 0);
  const value = Number(digits);
  return { value: value * scale, low: Math.max(0, value - half) * scale, high: (value + half) * scale };
}
