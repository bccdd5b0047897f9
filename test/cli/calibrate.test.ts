import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import { beforeAll, describe, expect, it } from 'vitest';
import { bundle } from '../bundle';
import { folderWith, shardlens } from './shell';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const schemaOf = (name: string) => JSON.parse(readFileSync(path.join(root, 'schemas', name), 'utf8'));
const ajv = new Ajv({ strict: true, allowUnionTypes: true });
const validOutput = ajv.compile(schemaOf('calibrate-output.schema.json'));
const validSettings = ajv.compile(schemaOf('shardlens.schema.json'));

const TRAIN = `model_name_or_path: meta-llama/Meta-Llama-3-8B
output_dir: out
bf16: true
per_device_train_batch_size: 1
gradient_accumulation_steps: 4
gradient_checkpointing: true
max_length: 2048
deepspeed: ds.json
`;
const DS =
  '{ "bf16": { "enabled": true }, "zero_optimization": { "stage": 3 }, "train_micro_batch_size_per_gpu": "auto" }\n';
const SETTINGS = `{
    // rented
    "targets": { "aws": { "hardware": "p4d.24xlarge" } }
}
`;

function runFolder(): string {
  const folder = folderWith({ 'train.yaml': TRAIN, 'ds.json': DS, 'shardlens.json': SETTINGS });
  cpSync(path.join(root, 'test/fixtures/runs'), folder, { recursive: true });
  return folder;
}

async function memoryOf(folder: string): Promise<{ bytes: number; low: number; high: number; allocated: number }> {
  const { out } = await shardlens(folder, ['estimate', 'train.yaml', '--format', 'json']);
  return JSON.parse(out).files[0].estimate.memoryPerGpu;
}

const LOGS = ['memory-summary.txt', 'smi-loop.csv', 'trainer.log'];

beforeAll(async () => {
  await bundle();
}, 60_000);

describe('calibrate', () => {
  it('shows each figure beside what is predicted, where it was read, and what could explain a difference', async () => {
    const { status, out, err } = await shardlens(runFolder(), ['calibrate', 'train.yaml', ...LOGS]);
    expect(err).toBe('');
    expect(status).toBe(0);
    expect(out).toMatch(/allocated +22\.6 GiB +\S+ GiB .* more than predicted, .* the band +memory-summary\.txt:8/);
    expect(out).toMatch(/driver +25\.8 GiB .* inside the band +smi-loop\.csv:4/);
    expect(out).toMatch(/step +1\.51 s .* below the band +trainer\.log:8/);
    expect(out).toContain('step lies outside its band');
    expect(out).toContain('samples were shorter');
    expect(out).toContain('--write keeps this');
  });

  it('as JSON is what the schema says', async () => {
    const { out } = await shardlens(runFolder(), ['calibrate', 'train.yaml', ...LOGS, '--format', 'json']);
    const found = JSON.parse(out);
    expect(validOutput(found), JSON.stringify(validOutput.errors)).toBe(true);
    expect(found.figures.map(({ figure }: { figure: string }) => figure)).toEqual([
      ...['allocated', 'reserved', 'driver', 'seconds'],
    ]);
    expect(found.written).toBeNull();
  });

  it('--write keeps the style of shardlens.json, and later estimates of this run take the figures', async () => {
    const folder = runFolder();
    const before = await memoryOf(folder);
    const { status, err } = await shardlens(folder, ['calibrate', 'train.yaml', ...LOGS, '--write']);
    expect([status, err]).toEqual([0, 'Wrote what was measured to shardlens.json.\n']);
    const text = readFileSync(path.join(folder, 'shardlens.json'), 'utf8');
    expect(text).toContain('    // rented\n    "targets": { "aws": { "hardware": "p4d.24xlarge" } }');
    const settings = JSON.parse(text.replace(/^ *\/\/.*$/gm, ''));
    expect(validSettings(settings), JSON.stringify(validSettings.errors)).toBe(true);
    const after = await memoryOf(folder);
    expect(after).toMatchObject({ bytes: 26391 * 2 ** 20, allocated: 23153 * 2 ** 20 });
    expect(after.high - after.low).toBeLessThan(0.05 * after.bytes);
    expect(before.high - before.low).toBeGreaterThan(0.15 * before.bytes);
    const { out } = await shardlens(folder, ['estimate', 'train.yaml']);
    expect(out).toContain('measured, smi-loop.csv:4');
    expect(out).toContain('25.8 of 39.4 GiB (measured) · 1.51 s/step (measured)');
    expect((await shardlens(folder, ['check', 'shardlens.json', 'train.yaml', '--format', 'json'])).out).not.toMatch(
      /setting-not-used|measurement-outdated/,
    );
  });

  it('the same run again replaces what was written', async () => {
    const folder = runFolder();
    await shardlens(folder, ['calibrate', 'train.yaml', ...LOGS, '--write']);
    const first = readFileSync(path.join(folder, 'shardlens.json'), 'utf8');
    await shardlens(folder, ['calibrate', 'train.yaml', ...LOGS, '--write']);
    expect(readFileSync(path.join(folder, 'shardlens.json'), 'utf8')).toBe(first);
  });

  it('another micro-batch takes over context and NCCL alone, and says that it was not measured', async () => {
    const other = TRAIN.replace('batch_size: 1', 'batch_size: 2');
    const folder = runFolder();
    writeFileSync(path.join(folder, 'train.yaml'), other);
    const predicted = JSON.parse((await shardlens(folder, ['estimate', 'train.yaml', '--format', 'json'])).out)
      .files[0];
    writeFileSync(path.join(folder, 'train.yaml'), TRAIN);
    await shardlens(folder, ['calibrate', 'train.yaml', ...LOGS, '--write']);
    writeFileSync(path.join(folder, 'train.yaml'), other);
    const now = JSON.parse((await shardlens(folder, ['estimate', 'train.yaml', '--format', 'json'])).out).files[0];
    const memory = now.estimate.memoryPerGpu;
    const was = predicted.estimate.memoryPerGpu;
    // 26391 MiB in use less 25466 MiB reserved, each with its rounding.
    expect(Math.abs(memory.breakdown.context - 925 * 2 ** 20)).toBeLessThan(2 ** 20);
    expect(memory.allocated).toBe(was.allocated);
    expect(memory.bytes - was.bytes).toBeCloseTo(memory.breakdown.context - was.breakdown.context, -1);
    expect(now.estimate.step).toEqual(predicted.estimate.step);
    const { out } = await shardlens(folder, ['check', 'train.yaml', '--format', 'json']);
    expect(out).toContain('the micro-batch is 2, was 1');
  });

  it('leaves fit its remedies, although each makes the measurement outdated', async () => {
    const folder = runFolder();
    const titles = async (): Promise<string[]> => {
      const { out } = await shardlens(folder, ['fit', 'train.yaml', '--format', 'json']);
      return JSON.parse(out).remedies.map(({ title }: { title: string }) => title);
    };
    expect(await titles()).not.toEqual([]);
    await shardlens(folder, ['calibrate', 'train.yaml', ...LOGS, '--write']);
    // With context and NCCL measured the bands of its neighbours are narrower, so a smaller change may do.
    expect(await titles()).not.toEqual([]);
  });

  it('makes a shardlens.json beside the config where there is none', async () => {
    const folder = folderWith({
      'sub/ds.json': '{ "train_micro_batch_size_per_gpu": 1, "zero_optimization": { "stage": 2 } }',
    });
    cpSync(path.join(root, 'test/fixtures/runs/trainer.log'), path.join(folder, 'trainer.log'));
    const args = ['calibrate', 'sub/ds.json', 'trainer.log', '--write', '--hardware', 'p4d.24xlarge'];
    const { status, out } = await shardlens(folder, args);
    expect(status).toBe(0);
    expect(out).toContain('not predicted');
    const written = JSON.parse(readFileSync(path.join(folder, 'sub/shardlens.json'), 'utf8'));
    expect(validSettings(written), JSON.stringify(validSettings.errors)).toBe(true);
    expect(Object.values(written.measured)[0]).toMatchObject({ file: 'ds.json', run: { gpu: 'A100-40GB' } });
  });

  it('says that a run which ran out of memory does not fit, whatever was predicted', async () => {
    const folder = runFolder();
    await shardlens(folder, ['calibrate', 'train.yaml', 'oom.log', '--write']);
    const { out } = await shardlens(folder, ['estimate', 'train.yaml', '--format', 'json']);
    expect(JSON.parse(out).files[0].estimate.memoryPerGpu.fits).toBe(false);
  });

  it('reads standard input', async () => {
    const input = readFileSync(path.join(root, 'test/fixtures/runs/deepspeed.log'));
    const { status, out } = await shardlens(runFolder(), ['calibrate', 'train.yaml', '-'], { input });
    expect(status).toBe(0);
    expect(out).toContain('standard input:5');
  });

  it.each([
    [['calibrate', 'train.yaml'], 'takes FILE LOG…'],
    [['calibrate', 'nowhere.yaml', 'trainer.log'], 'nowhere.yaml does not exist'],
    [['calibrate', 'train.yaml', 'nowhere.log'], 'nowhere.log cannot be read'],
    [['calibrate', 'train.yaml', 'train.yaml'], 'no figure of the run could be read'],
    [['calibrate', 'trainer.log', 'trainer.log'], 'trainer.log is not a config Shardlens knows'],
    [['calibrate', 'train.yaml', 'trainer.log', '--target', 'nowhere'], 'no target is called "nowhere"'],
    [['calibrate', 'train.yaml', 'trainer.log', '--target', ''], '--target takes a name'],
    [['calibrate', 'train.yaml', 'trainer.log', '--format', 'html'], '--format is one of text, json'],
  ])('%j is refused with status 2', async (args, message) => {
    const { status, err, out } = await shardlens(runFolder(), args);
    expect(err).toContain(message);
    expect(status).toBe(2);
    expect(out).toBe('');
  });

  it('does not write into a shardlens.json that is broken', async () => {
    const folder = runFolder();
    writeFileSync(path.join(folder, 'shardlens.json'), '{ "targets": ');
    const { status, err } = await shardlens(folder, ['calibrate', 'train.yaml', ...LOGS, '--write']);
    expect(status).toBe(2);
    expect(err).toContain('has a syntax error; mend it first');
    expect(readFileSync(path.join(folder, 'shardlens.json'), 'utf8')).toBe('{ "targets": ');
  });
});
