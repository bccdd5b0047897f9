import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import Ajv from 'ajv';
import { beforeAll, describe, expect, it } from 'vitest';
import { bundle } from '../bundle';
import { DS, TRAIN } from '../fit-project';
import { folderWith, shardlens } from './shell';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const schemaOf = (name: string) => JSON.parse(readFileSync(path.join(root, 'schemas', name), 'utf8'));
const ajv = new Ajv({ strict: true, allowUnionTypes: true });
ajv.addSchema(schemaOf('output.schema.json'));
const validate = ajv.compile(schemaOf('fit-output.schema.json'));

let folder: string;

beforeAll(async () => {
  await bundle();
  folder = folderWith({
    'train.yaml': TRAIN,
    'ds.json': DS,
    'shardlens.json': '{ "sequenceLength": 2048, "targets": { "p4d": { "hardware": "p4d.24xlarge" } } }',
    'lonely.json': '{ "train_micro_batch_size_per_gpu": 1, "zero_optimization": { "stage": 2 } }',
    'notes.json': '{ "name": "x" }',
  });
}, 60_000);

const machine = ['--hardware', 'p4d.24xlarge'];

describe('fit', { timeout: 60_000 }, () => {
  it('as JSON is what its schema says, and its edits do what is promised', async () => {
    const { status, out, err } = await shardlens(folder, ['fit', 'train.yaml', ...machine, '--format', 'json']);
    expect(err).toBe('');
    expect(status).toBe(0);
    const found = JSON.parse(out);
    expect(validate(found), JSON.stringify(validate.errors)).toBe(true);
    expect(found).toMatchObject({ goal: 'fit', why: null, path: 'train.yaml', dialect: 'trainer' });
    expect(found.before.memoryPerGpu.fits).toBe(false);
    const [first] = found.remedies;
    expect(first.after.memoryPerGpu.fits).toBe(true);
    const changed = folderWith({
      'train.yaml': edited(TRAIN, first.edits, 'train.yaml'),
      'ds.json': edited(DS, first.edits, 'ds.json'),
      'shardlens.json': '{ "sequenceLength": 2048 }',
    });
    const again = await shardlens(changed, ['estimate', 'train.yaml', ...machine, '--format', 'json']);
    expect(JSON.parse(again.out).files[0].estimate.memoryPerGpu).toEqual(first.after.memoryPerGpu);
    expect(JSON.parse(again.out).files[0].estimate.step).toEqual(first.after.step);
  });

  it('as text says the figures before and after, and each key that changes', async () => {
    const { out } = await shardlens(folder, ['fit', 'train.yaml', ...machine]);
    expect(out).toMatch(/^train\.yaml\n\d+ GiB \(\d+ to \d+\) of 39\.4 GiB/);
    expect(out).toContain('It does not fit; each of these does.');
    expect(out).toMatch(/\n1\. Smallest change: .*gradient_checkpointing/);
    expect(out).toMatch(/train\.yaml +gradient_checkpointing +– → true/);
    expect(out).toMatch(/\d+ runs near this one were tried/);
  });

  it('says what has to be known, with status 2', async () => {
    const { status, err } = await shardlens(folder, ['fit', 'lonely.json']);
    expect(status).toBe(2);
    expect(err).toMatch(/the model is not known.*--model ID/);
  });

  it('takes no file that describes no run', async () => {
    const { status, err } = await shardlens(folder, ['fit', 'notes.json']);
    expect(status).toBe(2);
    expect(err).toMatch(/not a config Shardlens knows/);
  });
});

interface Edit {
  readonly path: string;
  readonly range: { readonly start: Place; readonly end: Place };
  readonly newText: string;
}
interface Place {
  readonly line: number;
  readonly character: number;
}

/** Applies edits as another program would: by line and character. */
function edited(text: string, edits: readonly Edit[], name: string): string {
  const lines = text.split('\n');
  const offset = ({ line, character }: Place) =>
    lines.slice(0, line).join('\n').length + (line > 0 ? 1 : 0) + character;
  return edits
    .filter((edit) => edit.path === name)
    .sort((a, b) => offset(b.range.start) - offset(a.range.start))
    .reduce((it, { range, newText }) => it.slice(0, offset(range.start)) + newText + it.slice(offset(range.end)), text);
}
