import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readFacts } from '../../../../server/src/core/estimate/memory/facts';
import { weightParts } from '../../../../server/src/core/estimate/memory/weights';
import { testRun, value } from '../builders';
import { oracleModel } from '../oracle';

interface Fixture {
  readonly models: Readonly<Record<string, unknown>>;
  readonly points: readonly {
    readonly id: string;
    readonly kind: 'nf4' | 'fp4' | 'int8';
    readonly nested: boolean;
    readonly result: { readonly bytes: number; readonly plainBytes: number };
  }[];
}

const path = new URL('../fixtures/quantised-oracle.json', import.meta.url);
const fixture = JSON.parse(readFileSync(path, 'utf8')) as Fixture;

describe('quantised weights against bitsandbytes’ own classes', () => {
  it('counts codes and scales within 1 %, and the rest exactly', () => {
    expect(fixture.points.map(({ kind }) => kind)).toEqual(['nf4', 'nf4', 'fp4', 'fp4', 'int8']);
    const model = oracleModel(fixture, 'test-3');
    for (const { id, kind, nested, result } of fixture.points) {
      const run = { ...testRun({ model }), quantization: value(kind), nestedQuantization: value(nested) };
      const facts = readFacts(run, 'expected', () => undefined);
      if (facts === undefined) throw new Error('no facts');
      const bytes = Object.fromEntries(weightParts(facts, 1).map((part) => [part.id, part.bytes]));
      // A matrix has a table of 16 codes, and one of 256 for nested scales, which small ones feel.
      expect(Math.abs((bytes['parameters.quantised'] ?? 0) / result.bytes - 1), id).toBeLessThan(0.01);
      expect(bytes['parameters.weights'], id).toBe(result.plainBytes);
    }
  });
});
