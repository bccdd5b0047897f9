import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { recognise } from '../../server/src/core/dialects/index';
import { schemaProblems } from '../../server/src/core/schema/problems';
import type { DialectId } from '../../server/src/core/source';
import { parseSource } from '../../server/src/core/syntax/parse';
import { loadSchema } from '../../server/src/data/schemas';

interface Snippet {
  readonly prefix: string;
  readonly description: string;
  readonly body: readonly string[];
}

const folder = new URL('../../snippets/', import.meta.url);
const DIALECT_OF: Readonly<Record<string, DialectId>> = {
  'deepspeed.json': 'deepspeed',
  'deepspeed-blocks.json': 'deepspeed',
  'fsdp.json': 'fsdp',
  'trainer.json': 'trainer',
  'accelerate.json': 'accelerate',
};
const WRITTEN_IN_JSON = new Set<DialectId>(['deepspeed', 'fsdp']);

const snippets = readdirSync(folder)
  .filter((name) => name.endsWith('.json'))
  .flatMap((name) =>
    Object.entries(JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as Record<string, Snippet>).map(
      ([title, snippet]) => ({ file: name, title, ...snippet }),
    ),
  );

/** The body with every choice taken: one text per number of the longest list. */
function variants(body: readonly string[]): string[] {
  const text = body.join('\n');
  const most = Math.max(
    1,
    ...[...text.matchAll(/\$\{\d+\|([^|]*)\|\}/g)].map((match) => match[1]?.split(',').length ?? 1),
  );
  return Array.from({ length: most }, (_, pick) =>
    text
      .replace(/\$\{\d+\|([^|]*)\|\}/g, (_all, list: string) => list.split(',')[pick] ?? list.split(',')[0] ?? '')
      .replace(/\$\{\d+:([^}]*)\}/g, '$1'),
  );
}

describe('snippets', () => {
  it('have prefixes of their own', () => {
    const prefixes = snippets.map(({ prefix }) => prefix);
    expect(new Set(prefixes).size).toBe(prefixes.length);
  });

  it.each(snippets.map((snippet) => [snippet.title, snippet] as const))('%s fits its dialect', (_, snippet) => {
    const dialect = DIALECT_OF[snippet.file];
    if (!dialect) throw new Error(`${snippet.file} has no dialect`);
    const whole = snippet.description.startsWith('Whole');
    for (const body of variants(snippet.body)) {
      const inZero = /^"offload_/.test(body);
      const text = whole ? body : inZero ? `{"zero_optimization": {"stage": 3, ${body}}}` : `{${body}}`;
      const file = parseSource(`/workspace/config.${WRITTEN_IN_JSON.has(dialect) ? 'json' : 'yaml'}`, text);
      expect(file.tree.problems, text).toEqual([]);
      const { root } = file.tree;
      if (root?.kind !== 'mapping') throw new Error('no mapping');
      if (whole) expect(recognise(file)?.dialect, snippet.title).toBe(dialect);
      const problems = schemaProblems({ dialect, file, root, at: '' }, loadSchema(dialect));
      expect(problems.map(({ kind, key }) => `${kind} ${key}`)).toEqual([]);
    }
  });
});
