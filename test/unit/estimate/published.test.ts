import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { analyze } from '../../../server/src/core/analyze';
import type { MemoryEstimate } from '../../../server/src/core/estimate/estimate';
import { parseSource } from '../../../server/src/core/syntax/parse';
import { loadCatalogs } from '../../../server/src/data/index';
import { configsOf } from '../../bench/accuracy/configs.mjs';
import { memoryWorkspace, ROOT } from '../../memory-workspace';

const GIB = 2 ** 30;

interface Point {
  readonly id: string;
  readonly source: string;
  readonly url: string;
  readonly model: string;
  readonly hardware: string;
  readonly measured: { readonly memory?: readonly { readonly kind: string; readonly gib: number }[] };
}

interface Fixture {
  readonly urls: Readonly<Record<string, string>>;
  readonly models: Readonly<Record<string, unknown>>;
  readonly hardware: Readonly<Record<string, unknown>>;
  readonly points: readonly Point[];
  readonly leftOut: readonly { readonly why: string; readonly ids: readonly string[] }[];
}

const fixture = JSON.parse(
  readFileSync(new URL('../../bench/accuracy/points.json', import.meta.url), 'utf8'),
) as Fixture;
const catalogs = loadCatalogs();

function memoryOf(point: Point): MemoryEstimate | null {
  const setup = {
    ...point,
    model: fixture.models[point.model] ?? point.model,
    hardware: fixture.hardware[point.hardware],
  };
  const { files, main } = configsOf(setup);
  const file = parseSource(`${ROOT}/${main}`, files[main] ?? '');
  return analyze(file, { workspace: memoryWorkspace(files), catalogs }).estimate()?.memory ?? null;
}

interface Figure {
  readonly point: Point;
  readonly error: number;
  readonly fits: boolean | null;
}

function figuresOf(point: Point): Figure[] {
  const measured = (point.measured.memory ?? []).filter(({ kind }) => kind !== 'host');
  if (measured.length === 0) return [];
  const memory = memoryOf(point);
  if (memory === null) throw new Error(`${point.id}: nothing is predicted`);
  const { value, allocated, breakdown, fits } = memory;
  const predicted: Readonly<Record<string, number>> = { allocated, reserved: value - breakdown.context, driver: value };
  return measured.map(({ kind, gib }) => ({ point, fits, error: (predicted[kind] ?? 0) / GIB / gib - 1 }));
}

const figures = fixture.points.flatMap(figuresOf);

/** The value below which a share of the absolute errors lies. */
function quantile(some: readonly Figure[], share: number): number {
  const errors = some.map(({ error }) => Math.abs(error)).sort((a, b) => a - b);
  return errors[Math.floor(share * (errors.length - 1))] ?? Number.POSITIVE_INFINITY;
}

describe('against what others measured and published, from files a user could have written', () => {
  it('gives every point an address, and every point left out a reason', () => {
    for (const point of fixture.points) expect(fixture.urls[point.url], point.id).toMatch(/^https:\/\//);
    for (const { why, ids } of fixture.leftOut) expect(why.length * ids.length).toBeGreaterThan(0);
  });

  it('predicts memory: median within 5 %, nine of ten within 12 %', () => {
    expect(figures.length).toBeGreaterThan(90);
    expect(quantile(figures, 0.5)).toBeLessThan(0.05);
    expect(quantile(figures, 0.9)).toBeLessThan(0.12);
  });

  it('has no source with a median beyond 8 %', () => {
    for (const source of new Set(figures.map(({ point }) => point.source))) {
      const own = figures.filter(({ point }) => point.source === source);
      expect(quantile(own, 0.5), source).toBeLessThan(0.08);
    }
  });

  it('never says of a run that ran that it does not fit', () => {
    expect(figures.filter(({ fits }) => fits === false).map(({ point }) => point.id)).toEqual([]);
  });
});
