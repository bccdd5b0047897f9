import { describe, expect, it } from 'vitest';
import { runRules } from '../../../server/src/core/rules/engine';
import { type Rule, rule } from '../../../server/src/core/rules/rule';
import type { RunOutline } from '../../../server/src/core/run/training-run';
import type { Config } from '../../../server/src/core/source';
import { parseSource } from '../../../server/src/core/syntax/parse';
import { loadCatalogs } from '../../../server/src/data/index';
import { memoryWorkspace } from '../../memory-workspace';

const FILE = parseSource('/workspace/ds.json', '{ "a": 1, "b": 2 }');

function configOf(): Config {
  const { root } = FILE.tree;
  if (root?.kind !== 'mapping') throw new Error('not a mapping');
  return { dialect: 'deepspeed', file: FILE, root, at: '' };
}

function ruleOf(check: Rule['check'], id = 'example-rule'): Rule {
  return rule({
    id,
    severity: 'warning',
    applies: ['deepspeed'],
    why: 'An example.',
    source: ['example.py:1 (1.0)'],
    verified: 'read',
    examples: { bad: [], good: [] },
    check,
  });
}

function run(rules: readonly Rule[], levels: Record<string, 'off' | 'hint' | 'error'> = {}) {
  return runRules(rules, {
    configs: [configOf()],
    // The rules here do not look at the run; the engine asks it for its machine and its launch.
    run: { cluster: { known: false }, environment: {} } as RunOutline,
    wholeRun: () => {
      throw new Error('nobody asked how the run trains');
    },
    references: [],
    notes: [],
    estimate: () => {
      throw new Error('nobody asked for an estimate');
    },
    workspace: memoryWorkspace({ 'ds.json': FILE.text }),
    catalogs: loadCatalogs(),
    levels,
  });
}

describe('the engine', () => {
  it('says so when a rule fails, and still runs the others', () => {
    const broken = ruleOf(() => {
      throw new Error('out of luck');
    }, 'broken-rule');
    const working = ruleOf(({ report }) => report({ at: { start: 2, end: 5 }, message: 'Seen.' }));
    const found = run([broken, working]);
    expect(found.map(({ rule: id }) => id)).toEqual(['analysis-incomplete', 'example-rule']);
    expect(found[0]?.message).toContain('broken-rule');
  });

  it('stops a rule that says too much, and says that it did', () => {
    let asked = 0;
    const chatty = ruleOf(({ report }) => {
      for (; asked < 20_000; asked++) report({ at: { start: asked, end: asked + 1 }, message: `Finding ${asked}.` });
    });
    const found = run([chatty]);
    expect(found.filter(({ rule: id }) => id === 'example-rule')).toHaveLength(100);
    expect(found.filter(({ rule: id }) => id === 'not-fully-read')).toHaveLength(1);
    expect(asked).toBeLessThan(101);
  });

  it('takes the level that the user gave a rule', () => {
    const working = ruleOf(({ report }) => report({ at: { start: 2, end: 5 }, message: 'Seen.', severity: 'error' }));
    expect(run([working], { 'example-rule': 'hint' })[0]?.severity).toBe('hint');
    expect(run([working], { 'example-rule': 'off' })).toEqual([]);
  });

  it('sorts by place, then rule', () => {
    const late = ruleOf(({ report }) => report({ at: { start: 9, end: 10 }, message: 'Late.' }), 'a-rule');
    const early = ruleOf(({ report }) => report({ at: { start: 1, end: 2 }, message: 'Early.' }), 'z-rule');
    expect(run([late, early]).map(({ rule: id }) => id)).toEqual(['z-rule', 'a-rule']);
  });
});
