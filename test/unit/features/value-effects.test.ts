import { describe, expect, it } from 'vitest';
import { analyze } from '../../../server/src/core/analyze';
import { completion } from '../../../server/src/core/features/completion';
import { withSources } from '../../../server/src/core/rewrite/overlay';
import { parseSource } from '../../../server/src/core/syntax/parse';
import { memoryWorkspace, ROOT } from '../../memory-workspace';
import { catalogs, FILES } from './run-of';

/** The proposals behind a text of one of the files, each with its effect. */
function proposals(name: string, files: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const marked = files[name] ?? '';
  const offset = marked.indexOf('‸');
  const texts = { ...files, [name]: marked.replace('‸', '') };
  const workspace = memoryWorkspace(texts);
  const path = `${ROOT}/${name}`;
  const file = workspace.source(path);
  if (!file || offset < 0) throw new Error(`no place in ${name}`);
  const analysis = analyze(file, { workspace, catalogs });
  const items = completion(analysis, offset, catalogs, (text) => {
    const changed = new Map([[path, parseSource(path, text)]]);
    const source = changed.get(path);
    return source && analyze(source, { workspace: withSources(workspace, changed), catalogs }).estimate();
  });
  return Object.fromEntries(items.map(({ label, effect }) => [label, effect]));
}

const gib = (effect: string | undefined): number => Number(/^([\d.]+) GiB/.exec(effect ?? '')?.[1]);
const seconds = (effect: string | undefined): number => Number(/([\d.]+) s\/step/.exec(effect ?? '')?.[1]);

describe('a proposed value says what the run would need with it', () => {
  it('for a ZeRO stage', () => {
    const found = proposals('ds.json', { ...FILES, 'ds.json': FILES['ds.json'].replace('"stage": 3', '"stage": ‸') });
    expect(Object.keys(found)).toEqual(expect.arrayContaining(['0', '1', '2', '3']));
    expect(gib(found['0'])).toBeGreaterThan(gib(found['2']));
    expect(gib(found['2'])).toBeGreaterThan(gib(found['3']));
    expect(found['0']).toContain('does not fit');
  });

  it('for numbers that are worth trying', () => {
    const train = FILES['train.yaml'].replace('batch_size: 2', 'batch_size: ‸');
    const found = proposals('train.yaml', { ...FILES, 'train.yaml': train });
    expect(gib(found['16'])).toBeGreaterThan(gib(found['2']));
    expect(seconds(found['16'])).toBeGreaterThan(seconds(found['2']));
  });

  it('for a boolean that matters', () => {
    const train = FILES['train.yaml'].replace('gradient_checkpointing: true', 'gradient_checkpointing: ‸');
    const found = proposals('train.yaml', { ...FILES, 'train.yaml': train });
    expect(gib(found.false)).toBeGreaterThan(gib(found.true));
  });

  it('for the usual ones of a long list, which come first', () => {
    const train = `${FILES['train.yaml']}optim: ‸\n`;
    const { 'ds.json': ds, ...others } = FILES;
    const files = { ...others, 'ds.json': ds.replace(/"offload_\w+": \{[^}]*\},?/g, ''), 'train.yaml': train };
    const found = proposals('train.yaml', files);
    expect(Object.keys(found).slice(0, 3)).toEqual(['adamw_torch_fused', 'adamw_torch', 'adamw_bnb_8bit']);
    expect(gib(found.adamw_torch)).toBeGreaterThan(gib(found.adamw_bnb_8bit));
    expect(Object.keys(found).length).toBeGreaterThan(30);
  });

  it('for a text that the schema does not list', () => {
    // Scores that are written out weigh in long samples, where the loss does not decide the peak.
    const long = FILES['shardlens.json'].replace('"sequenceLength": 512', '"sequenceLength": 4096');
    const train = `${FILES['train.yaml']}attn_implementation: ‸\n`;
    const found = proposals('train.yaml', { ...FILES, 'train.yaml': train, 'shardlens.json': long });
    expect(gib(found.eager)).toBeGreaterThan(gib(found.sdpa));
  });

  it('for groups of ranks that the machine has', () => {
    const ds = FILES['ds.json'].replace('"stage": 3', '"stage": 3, "zero_hpz_partition_size": ‸');
    const found = proposals('ds.json', { ...FILES, 'ds.json': ds });
    expect(Object.keys(found)).toEqual(['1', '2', '4']);
    expect(gib(found['2'])).toBeGreaterThan(gib(found['1']));
  });
});

describe('nothing is said', () => {
  it('of a value that makes no difference', () => {
    const train = `${FILES['train.yaml']}logging_first_step: ‸\n`;
    const found = proposals('train.yaml', { ...FILES, 'train.yaml': train });
    expect(found).toEqual({ true: '', false: '' });
  });

  it('while the machine is not known', () => {
    const { 'shardlens.json': _, ...files } = FILES;
    const found = proposals('ds.json', { ...files, 'ds.json': files['ds.json'].replace('"stage": 3', '"stage": ‸') });
    expect(new Set(Object.values(found))).toEqual(new Set(['']));
  });
});
