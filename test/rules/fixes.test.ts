import { describe, expect, it } from 'vitest';
import { analyze } from '../../server/src/core/analyze';
import { exampleFiles } from '../../server/src/core/features/rule-example';
import type { Finding, Fix } from '../../server/src/core/findings';
import { rules } from '../../server/src/core/rules/index';
import { applyEdits } from '../../server/src/core/text/edit';
import { loadCatalogs } from '../../server/src/data/index';
import { memoryWorkspace, ROOT } from '../memory-workspace';

/**
 * Invariant 6 of server/ARCHITECTURE.md, over every bad example of every rule and over texts made of them: with CR LF line ends, with a comment
 * on each line, indented wider. A preferred fix removes its finding, so that it is offered once only, adds none, and leaves every
 * line alone that it does not edit.
 */

const catalogs = loadCatalogs();

interface Case {
  readonly name: string;
  readonly files: Readonly<Record<string, string>>;
}

const cases: readonly Case[] = rules.flatMap((rule) =>
  rule.examples.bad.flatMap((example, index) =>
    variants(exampleFiles(rule, example)).map((variant) => ({
      name: `${rule.id} ${index}, ${variant.name}`,
      files: variant.files,
    })),
  ),
);

function variants(files: Case['files']): Case[] {
  const each = (name: string, change: (text: string, file: string) => string): Case => ({
    name,
    files: Object.fromEntries(Object.entries(files).map(([file, text]) => [file, change(text, file)])),
  });
  return [
    each('as it is', (text) => text),
    each('CR LF', (text) => text.replaceAll('\n', '\r\n')),
    each('comments', (text, file) => (/\.ya?ml$/.test(file) ? withComments(text) : text)),
    each('pretty', (text, file) => (file.endsWith('.json') ? pretty(text) : text)),
  ];
}

/** A comment behind each line that ends a value and stands in no block text. */
function withComments(text: string): string {
  if (/[|>][-+]?\s*$/m.test(text)) return text;
  return text.replace(/^([^\n#]*[\w\]}"'])$/gm, (line, _, at) => `${line} # keep ${at}`);
}

function pretty(text: string): string {
  try {
    const plain = JSON.stringify(JSON.parse(text), null, 4);
    // Numbers and duplicates that JSON.parse changes are what some rules are about.
    return JSON.stringify(JSON.parse(text)).length === text.replace(/\s/g, '').length ? `${plain}\n` : text;
  } catch {
    return text;
  }
}

function check(files: Case['files']): readonly Finding[] {
  const workspace = memoryWorkspace(files);
  const file = workspace.source(`${ROOT}/${Object.keys(files)[0]}`);
  if (!file) throw new Error('no first file');
  return analyze(file, { workspace, catalogs }).findings();
}

function apply(files: Case['files'], { edits }: Fix): Case['files'] {
  return Object.fromEntries(
    Object.entries(files).map(([name, text]) => [
      name,
      applyEdits(
        text,
        edits.filter(({ path }) => path === `${ROOT}/${name}`),
      ),
    ]),
  );
}

/** What identifies a finding when places have moved. */
function sentences(findings: readonly Finding[]): string[] {
  return findings.map(({ rule, message }) => `${rule}: ${message}`);
}

/** The text of the lines that no edit touches, in order. */
function untouched(files: Case['files'], { edits }: Fix): string[] {
  return Object.entries(files).flatMap(([name, text]) => {
    const own = edits.filter(({ path }) => path === `${ROOT}/${name}`);
    let at = 0;
    return text.split('\n').flatMap((line) => {
      const [start, end] = [at, at + line.length];
      at = end + 1;
      const isEdited = own.some((edit) => edit.start <= end && edit.end >= start);
      return isEdited ? [] : [line];
    });
  });
}

describe('preferred fixes', () => {
  it('are tried by the hundred', () => {
    expect(cases.length).toBeGreaterThan(400);
  });

  it.each(cases)('$name', ({ files }) => {
    const before = check(files);
    for (const finding of before) {
      for (const fix of finding.fixes.filter(({ preferred }) => preferred)) {
        const label = `${finding.rule}: ${fix.title}`;
        const after = apply(files, fix);
        const left = check(after);
        expect(sentences(left), `${label}: the finding goes`).not.toContain(`${finding.rule}: ${finding.message}`);
        const added = left.filter(({ rule }) => !before.some((old) => old.rule === rule));
        expect(sentences(added), `${label}: none comes`).toEqual([]);
        const lines = Object.values(after).flatMap((text) => text.split('\n'));
        for (const line of untouched(files, fix)) expect(lines, `${label}: leaves other lines`).toContain(line);
        for (const [name, text] of Object.entries(after)) {
          const isWindows = files[name]?.includes('\r\n') === true;
          expect(text.replaceAll('\r\n', '').includes(isWindows ? '\n' : '\r'), `${label}: line ends of ${name}`).toBe(
            false,
          );
        }
      }
    }
  });
});
