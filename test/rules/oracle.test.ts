import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { rules } from '../../server/src/core/rules/index';
import { type Case, casesFor, RECORDERS, type Recorder } from '../oracle/verdicts/cases';
import { compare, type Recording } from '../oracle/verdicts/compare';

/**
 * What the real frameworks said of each case, recorded by `test/oracle/verdicts/record.mjs`, against what we say:
 * what raises is found, what runs has no error. A case in `disagreements.json` is a debt with its reason.
 */

const ORACLE = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../oracle');

function json(file: string): unknown {
  return JSON.parse(readFileSync(path.join(ORACLE, file), 'utf8'));
}

const recordings = readdirSync(path.join(ORACLE, 'recordings'))
  .filter((name) => name.endsWith('.json'))
  .map((name) => json(`recordings/${name}`) as Recording);
const disagreements = json('verdicts/disagreements.json') as Partial<Record<string, Record<string, string>>>;

const ours = RECORDERS.filter((recorder) => recordings.some((each) => each.recorder === recorder));

describe.each(ours)('%s', (recorder: Recorder) => {
  const own = recordings.filter((each) => each.recorder === recorder);
  const cases = casesFor(recorder, path.join(ORACLE, 'cases'));
  const known = disagreements[recorder] ?? {};

  it('has a verdict for every case, under an id of its own', () => {
    expect(cases.filter(({ id }) => !own.some(({ verdicts }) => id in verdicts)).map(({ id }) => id)).toEqual([]);
    expect(new Set(cases.map(({ id }) => id)).size).toBe(cases.length);
  });

  it.each(cases.map((each) => [each.id, each] as const))('%s: we say what it did', (id, each: Case) => {
    const { outcome, detail } = compare(each, own);
    const agrees = ['found', 'found as warning', 'silent found', 'agreed', 'not compared'].includes(outcome);
    if (known[id]) expect(agrees, `${id} is in disagreements.json, and agrees now`).toBe(false);
    else expect(agrees, `${outcome}: ${detail}`).toBe(true);
  });
});

describe('the ledgers of known failures', () => {
  const names = readdirSync(path.join(ORACLE, 'ledger')).filter((name) => name.endsWith('.json'));
  const ids = new Set(rules.map(({ id }) => id));

  it.each(names)('%s: every entry has a rule that exists, or the reason why there is none', (name) => {
    const entries = json(`ledger/${name}`) as Record<string, { what: string; rules?: string[]; notDone?: string }>;
    for (const [id, { what, rules: named, notDone }] of Object.entries(entries)) {
      expect(what.length, id).toBeGreaterThan(10);
      expect(
        (named ?? []).filter((rule) => !ids.has(rule)),
        id,
      ).toEqual([]);
      expect((named?.length ?? 0) > 0 || (notDone?.length ?? 0) > 10, id).toBe(true);
    }
  });
});

it('lists a disagreement only for a case that exists', () => {
  for (const recorder of RECORDERS) {
    const ids = new Set(casesFor(recorder, path.join(ORACLE, 'cases')).map(({ id }) => id));
    expect(Object.keys(disagreements[recorder] ?? {}).filter((id) => !ids.has(id))).toEqual([]);
  }
});
