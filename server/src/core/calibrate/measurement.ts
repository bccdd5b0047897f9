import type { Origin } from '../run/known';
import type { MappingNode } from '../syntax/node';
import { toPlain } from '../syntax/plain';
import type { Fingerprint } from './fingerprint';
import type { Figure } from './samples';

/** One figure as shardlens.json keeps it: bytes or seconds, and the log and line it was read in. */
export interface MeasuredFigure {
  readonly value: number;
  /** What rounding leaves open. */
  readonly low: number;
  readonly high: number;
  readonly bound: 'peak' | 'at-least';
  /** As `run.log:123`. */
  readonly from: string;
}

/** What was measured of one run. */
export interface Measurement {
  /** The name it has under `measured`. */
  readonly name: string;
  /** The config of the run, relative to shardlens.json. */
  readonly file: string;
  readonly target: string | undefined;
  readonly figures: Readonly<Partial<Record<Figure, MeasuredFigure>>>;
  readonly run: Fingerprint;
  /** Equal words: context and NCCL take the same. */
  readonly machine: string | undefined;
  /** Where it stands in shardlens.json. */
  readonly origin: Origin;
}

/** A measurement, and whether it was of a run of the files at hand. */
export interface RunMeasurement extends Measurement {
  readonly isOwn: boolean;
}

/** The rule that says so; any change of a measured run brings it, so it speaks against none. */
export const OUTDATED = 'measurement-outdated';

export const FIGURES: readonly Figure[] = ['allocated', 'reserved', 'driver', 'seconds'];

/** Reads `measured` of shardlens.json. What has not the shape is left out; the schema says what is wrong with it. */
export function readMeasured(
  mapping: MappingNode | undefined,
  originOf: (entry: MappingNode['entries'][number]) => Origin,
): Measurement[] {
  return (mapping?.entries ?? []).flatMap((entry) => {
    const plain = toPlain(entry.value, 'json');
    if (!isRecord(plain) || !isRecord(plain.run) || typeof plain.file !== 'string') return [];
    const figures: Partial<Record<Figure, MeasuredFigure>> = {};
    for (const figure of FIGURES) {
      const read = figureFrom(plain[figure]);
      if (read) figures[figure] = read;
    }
    const { file, target, machine, run } = plain;
    // A fingerprint that lacks something equals no run's.
    return [
      {
        name: entry.key,
        file,
        target: text(target),
        machine: text(machine),
        figures,
        run: run as unknown as Fingerprint,
        origin: originOf(entry),
      },
    ];
  });
}

function figureFrom(plain: unknown): MeasuredFigure | undefined {
  if (!isRecord(plain) || typeof plain.from !== 'string') return undefined;
  const { value, low = value, high = value, atLeast, from } = plain;
  const isUsable = [value, low, high].every((it) => typeof it === 'number' && Number.isFinite(it) && it > 0);
  if (!isUsable) return undefined;
  const [v, l, h] = [Number(value), Number(low), Number(high)];
  if (l > v || v > h) return undefined;
  return { value: v, low: l, high: h, bound: atLeast === true ? 'at-least' : 'peak', from };
}

function text(plain: unknown): string | undefined {
  return typeof plain === 'string' ? plain : undefined;
}

function isRecord(plain: unknown): plain is Readonly<Record<string, unknown>> {
  return typeof plain === 'object' && plain !== null && !Array.isArray(plain);
}
