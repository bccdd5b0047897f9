import { describe, expect, it } from 'vitest';
import { analyze } from '../../server/src/core/analyze';
import { exampleFiles } from '../../server/src/core/features/rule-example';
import type { Finding, Fix } from '../../server/src/core/findings';
import { rules } from '../../server/src/core/rules/index';
import { applyEdits } from '../../server/src/core/text/edit';
import { loadCatalogs } from '../../server/src/data/index';
import { memoryWorkspace } from '../memory-workspace';

const catalogs = loadCatalogs();

/** Findings of the first file. */
function check(files: Record<string, string>): readonly Finding[] {
  const workspace = memoryWorkspace(files);
  const path = `/workspace/${Object.keys(files)[0]}`;
  const file = workspace.source(path);
  if (!file) throw new Error(`${path} cannot be read`);
  return analyze(file, { workspace, catalogs }).findings();
}

function apply(files: Record<string, string>, fix: Fix): Record<string, string> {
  const result = { ...files };
  for (const [name, text] of Object.entries(files)) {
    const edits = fix.edits.filter(({ path }) => path === `/workspace/${name}`);
    result[name] = applyEdits(text, edits);
  }
  return result;
}

/** What identifies a finding when offsets have moved. */
function names(findings: readonly Finding[]): string[] {
  return findings.map(({ rule, message }) => `${rule}: ${message}`);
}

describe.each(rules.map((rule) => [rule.id, rule] as const))('%s', (id, rule) => {
  it('declares its source, its reason and both kinds of example', () => {
    expect(id).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
    expect(rule.source.length).toBeGreaterThan(0);
    expect(rule.why.length).toBeGreaterThan(20);
    expect(rule.examples.bad.length).toBeGreaterThan(0);
    expect(rule.examples.good.length).toBeGreaterThan(0);
  });

  it.each(rule.examples.bad.map((example, index) => [index, example] as const))(
    'finds bad example %i',
    (_, example) => {
      const files = exampleFiles(rule, example);
      const found = check(files);
      expect(names(found).filter((name) => name.startsWith('analysis-incomplete'))).toEqual([]);
      const own = found.filter((finding) => finding.rule === id);
      expect(own.map(({ severity, message }) => ({ severity, message }))).not.toEqual([]);
      for (const finding of own) expectReadable(finding);
    },
  );

  it.each(rule.examples.good.map((example, index) => [index, example] as const))(
    'stays silent on good example %i',
    (_, example) => {
      expect(names(check(exampleFiles(rule, example)).filter((finding) => finding.rule === id))).toEqual([]);
    },
  );

  it('mends with each preferred fix: its finding goes, none comes, and applying it twice is applying it once', () => {
    for (const example of rule.examples.bad) {
      const files = exampleFiles(rule, example);
      const before = check(files);
      for (const finding of before.filter((found) => found.rule === id)) {
        for (const fix of finding.fixes) {
          const after = apply(files, fix);
          expect(after, `${fix.title} changes something`).not.toEqual(files);
          const left = names(check(after));
          expect(left, `${fix.title} removes its finding`).not.toContain(`${finding.rule}: ${finding.message}`);
          if (!fix.preferred) continue;
          const added = check(after).filter(({ rule: other }) => !before.some((old) => old.rule === other));
          expect(names(added), `${fix.title} adds no finding`).toEqual([]);
        }
      }
    }
  });
});

/** House style §6: two sentences, no shouting, no validator talk. */
function expectReadable({ message }: Finding): void {
  expect(message).toMatch(/[.]$/);
  expect(message).not.toMatch(/!|please|invalid|must NOT|undefined|\[object|NaN|Infinity/);
  expect(message.length).toBeLessThan(320);
}
