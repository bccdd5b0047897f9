import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { analyze } from '../../../server/src/core/analyze';
import { completion } from '../../../server/src/core/features/completion';
import { hover } from '../../../server/src/core/features/hover';
import { lenses } from '../../../server/src/core/features/lens';
import { loadCatalogs } from '../../../server/src/data/index';
import { memoryWorkspace, ROOT } from '../../memory-workspace';

const catalogs = loadCatalogs();
const examples = new URL('../../../examples/', import.meta.url);

function filesOf(example: string): Record<string, string> {
  const folder = new URL(`${example}/`, examples);
  const names = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(names.map(({ name }) => [name, readFileSync(new URL(name, folder), 'utf8')]));
}

/** The file as it is analysed among the others. */
function analysed(files: Readonly<Record<string, string>>, name: string, text: string) {
  const workspace = memoryWorkspace({ ...files, [name]: text });
  const file = workspace.source(`${ROOT}/${name}`);
  if (!file) throw new Error('no file');
  return analyze(file, { workspace, catalogs });
}

type Analysed = ReturnType<typeof analysed>;

const said = ({ findings }: Analysed) => findings().map(({ rule, message }) => `${rule}: ${message}`);
const titles = (analysis: Analysed) => lenses(analysis, catalogs).map(({ title }) => title);

/** The text with a line put in before each of its lines, indented like the line below or above it. */
function* typedInto(text: string, typed: string): Generator<{ changed: string; offset: number }> {
  const lines = text.split('\n');
  for (let i = 1; i < lines.length; i++) {
    const indents = [lines[i - 1], lines[i]].flatMap((line) => (line ? [/^ */.exec(line)?.[0] ?? ''] : []));
    for (const indent of new Set(indents)) {
      const above = `${lines.slice(0, i).join('\n')}\n${indent}${typed}`;
      yield { changed: `${above}\n${lines.slice(i).join('\n')}`, offset: above.length };
    }
  }
}

describe('a half-typed line brings no finding but its own, and changes no number', () => {
  test.each([
    ['fsdp2-trl-two-nodes', 'accelerate.yaml', 'fsdp_'],
    ['fsdp2-trl-two-nodes', 'accelerate.yaml', 'f'],
    ['fsdp2-trl-two-nodes', 'accelerate.yaml', 'fsdp_version'],
    ['fsdp2-trl-two-nodes', 'sft.yaml', 'output_dir: "ou'],
    ['fsdp2-trl-two-nodes', 'sft.yaml', 'max_'],
    ['fsdp2-trl-two-nodes', 'sft.yaml', 'lora_target_modules: [q_proj'],
    ['qlora-24gb', 'sft.yaml', 'load_in'],
    ['llama-3-8b-zero3-offload', 'train.yaml', 'per_device_train_batch_size'],
  ])('%s/%s: %s', (example, name, typed) => {
    const files = filesOf(example);
    const text = files[name] ?? '';
    const whole = analysed(files, name, text);
    const found: string[] = [];
    for (const { changed } of typedInto(text, typed)) {
      const half = analysed(files, name, changed);
      const news = said(half).filter((line) => !said(whole).includes(line));
      expect(news, changed).toHaveLength(1);
      expect(news[0], changed).toMatch(/^broken-syntax: /);
      expect(said(half), changed).toHaveLength(said(whole).length + 1);
      expect(titles(half), changed).toEqual(titles(whole));
      found.push(...news);
    }
    expect(found.length).toBeGreaterThan(10);
  });

  test.each([
    ['llama-3-8b-zero3-offload', 'ds_zero3.json', '"overlap_'],
    ['llama-3-8b-zero3-offload', 'ds_zero3.json', '"stage"'],
    ['llama-3-8b-zero3-offload', 'ds_zero3.json', '"zero_'],
  ])('%s/%s: %s', (example, name, typed) => {
    const files = filesOf(example);
    const text = files[name] ?? '';
    const whole = analysed(files, name, text);
    let places = 0;
    for (const { changed, offset } of typedInto(text, typed)) {
      // Behind an entry without a comma there is no place for another one.
      if (!/[{,]\s*$/.test(changed.slice(0, offset - typed.length))) continue;
      const half = analysed(files, name, changed);
      const news = said(half).filter((line) => !said(whole).includes(line));
      expect(news, changed).toEqual([expect.stringMatching(/^broken-syntax: /)]);
      expect(titles(half), changed).toEqual(titles(whole));
      places++;
    }
    expect(places).toBeGreaterThan(5);
  });
});

test('where a break takes keys from their section, nothing is said that rests on the estimate without them', () => {
  const files = filesOf('fsdp2-trl-two-nodes');
  const text = files['accelerate.yaml'] ?? '';
  const rules = (changed: string) =>
    analysed(files, 'accelerate.yaml', changed)
      .findings()
      .map(({ rule }) => rule);
  expect(rules(text)).not.toContain('memory-does-not-fit');
  // Without the section as a whole the run does not fit, and that is said.
  expect(rules(text.replace(/^ .*\n/gm, ''))).toContain('memory-does-not-fit');
  const torn = rules(text.replace('  fsdp_version', '  { "fsdp_version'));
  expect(torn).toContain('broken-syntax');
  expect(torn).not.toContain('memory-does-not-fit');
});

describe('beside a half-typed line', () => {
  const files = filesOf('fsdp2-trl-two-nodes');
  const text = files['accelerate.yaml'] ?? '';

  test('completion proposes the keys that are not there yet', () => {
    for (const { changed, offset } of typedInto(text, 'fsdp_')) {
      const line = changed.slice(changed.lastIndexOf('\n', offset - 1) + 1, offset);
      if (!line.startsWith('  ')) continue;
      const labels = completion(analysed(files, 'accelerate.yaml', changed), offset, catalogs).map(
        ({ label }) => label,
      );
      expect(labels, changed).toContain('fsdp_offload_params');
      expect(labels, changed).not.toContain('fsdp_version');
    }
  });

  test('hover says what the keys around it are', () => {
    for (const { changed } of typedInto(text, 'fsdp_')) {
      const at = changed.indexOf('fsdp_reshard_after_forward') + 3;
      expect(hover(analysed(files, 'accelerate.yaml', changed), at, catalogs)?.markdown, changed).toContain(
        'fsdp_reshard_after_forward',
      );
    }
  });
});
