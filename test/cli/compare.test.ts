import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import Ajv from 'ajv';
import { beforeAll, describe, expect, it } from 'vitest';
import { bundle } from '../bundle';
import { folderWith, shardlens } from './shell';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const schema = JSON.parse(readFileSync(path.join(root, 'schemas/output.schema.json'), 'utf8'));
const validate = new Ajv({ strict: true, allowUnionTypes: true }).compile(schema);

const SETTINGS = {
  target: 'small',
  model: 'Qwen/Qwen2.5-7B',
  sequenceLength: 2048,
  consumer: 'deepspeed',
  datasetSamples: 1000,
  targets: {
    small: { hardware: 'g5.48xlarge' },
    large: { hardware: 'p5.48xlarge' },
    gone: { hardware: 'no-such-machine' },
  },
};

let folder: string;

beforeAll(async () => {
  await bundle();
  folder = folderWith({
    'ds.json':
      '{ "train_micro_batch_size_per_gpu": 1, "gradient_accumulation_steps": 4, "bf16": { "enabled": true }, "optimizer": { "type": "AdamW", "params": { "lr": 1e-5 } }, "zero_optimization": { "stage": 3 } }',
    'shardlens.json': JSON.stringify(SETTINGS),
  });
}, 60_000);

const compared = async (...flags: string[]) => {
  const { status, out } = await shardlens(folder, ['estimate', 'ds.json', ...flags, '--format', 'json']);
  expect(status).toBe(0);
  const found = JSON.parse(out);
  expect(validate(found), JSON.stringify(validate.errors)).toBe(true);
  return found;
};

describe('estimate with several targets', { timeout: 60_000 }, () => {
  it('gives the figures that an estimate of each alone gives', async () => {
    const { targets } = await compared('--target', 'large', '--target', 'small');
    expect(targets.map((it: { target: string }) => it.target)).toEqual(['large', 'small']);
    for (const { target, memoryPerGpu, step } of targets) {
      const alone = await compared('--target', target);
      expect(alone.files[0].estimate).toMatchObject({ memoryPerGpu, step });
      expect(alone.targets).toBeUndefined();
    }
  });

  it('prices an epoch by its steps', async () => {
    const [large] = (await compared('--target', 'large', '--target', 'small')).targets;
    expect(large.globalBatch).toBe(32);
    expect(large.epochSeconds).toBeCloseTo(32 * large.step.seconds, 6);
    expect(large.usdPerEpoch).toBeCloseTo((large.epochSeconds / 3600) * large.price.usdPerNodeHour, 6);
  });

  it('shows a row for each target of shardlens.json, and why one has no figures', async () => {
    const { out } = await shardlens(folder, ['estimate', 'ds.json', '--all-targets']);
    expect(out).toMatch(
      /target +machine +fits +memory per GPU +batch +step +tokens\/s +USD per billion tokens +USD per epoch/,
    );
    expect(out).toMatch(/\n +small +8 × A10G/);
    expect(out).toMatch(/\n +large +8 × H100.* yes /);
    expect(out).toMatch(/\n +gone: .*no-such-machine/);
    expect(out).toMatch(/Prices are on demand: .*\d{4}-\d\d-\d\d/);
  });

  it.each([
    [['--target', 'small', '--target', 'other'], /no target is called "other"; there is small, large, gone/],
    [['--all-targets', '--hardware', 'p5.48xlarge'], /--hardware would take the place of every target/],
    [['--all-targets', '--target', 'small'], /leave out --target/],
    [['--all-targets', '--format', 'html'], /html shows one run/],
  ])('%j is told what is wrong, with status 2', async (flags, message) => {
    const { status, err } = await shardlens(folder, ['estimate', 'ds.json', ...flags]);
    expect(status).toBe(2);
    expect(err).toMatch(message);
  });

  it('is for estimate only', async () => {
    const { status, err } = await shardlens(folder, ['check', 'ds.json', '--target', 'small', '--target', 'large']);
    expect(status).toBe(2);
    expect(err).toMatch(/only estimate takes several --target/);
  });
});
