import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import Ajv from 'ajv';
import { beforeAll, describe, expect, it } from 'vitest';
import { bundle } from '../bundle';
import { folderWith, shardlens } from './shell';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const schemaOf = (name: string) => JSON.parse(readFileSync(path.join(root, 'schemas', name), 'utf8'));
const ajv = new Ajv({ strict: true, allowUnionTypes: true });
ajv.addSchema(schemaOf('output.schema.json'));
const validate = ajv.compile(schemaOf('recommend-output.schema.json'));

const DS = `{
  "train_micro_batch_size_per_gpu": 1,
  "gradient_accumulation_steps": 1,
  "bf16": { "enabled": true },
  "optimizer": { "type": "AdamW", "params": { "lr": 1e-5 } },
  "zero_optimization": { "stage": 3 }
}
`;

let folder: string;

beforeAll(async () => {
  await bundle();
  folder = folderWith({
    'ds.json': DS,
    'shardlens.json': '{ "model": "meta-llama/Meta-Llama-3-8B", "sequenceLength": 1024, "consumer": "deepspeed" }',
    'huge/ds.json': DS.replace('"stage": 3', '"stage": 0'),
    'huge/shardlens.json': '{ "model": "meta-llama/Meta-Llama-3-70B", "sequenceLength": 1024 }',
    'targets/ds.json': DS,
    'targets/shardlens.json':
      '{ "model": "meta-llama/Meta-Llama-3-8B", "sequenceLength": 1024, "consumer": "deepspeed", "targets": { "ours": { "hardware": "p4d.24xlarge", "nodes": 3 }, "small": { "hardware": "g5.xlarge" }, "unclear": { "nodes": 2 } } }',
    'alone/ds.json': DS,
    'alone/shardlens.json': '{}',
  });
}, 60_000);

describe('hardware recommend', { timeout: 60_000 }, () => {
  it('as JSON is what its schema says: the cheapest first, each with the fewest nodes on which it fits', async () => {
    const { status, out } = await shardlens(folder, ['hardware', 'recommend', 'ds.json', '--format', 'json']);
    expect(status).toBe(0);
    const found = JSON.parse(out);
    expect(validate(found), JSON.stringify(validate.errors)).toBe(true);
    for (const { memoryPerGpu } of found.machines) expect(memoryPerGpu.fits).toBe(true);
    const prices: number[] = found.machines.flatMap(
      (it: { usdPerBillionTokens: number | null }) => it.usdPerBillionTokens ?? [],
    );
    expect(prices.length).toBeGreaterThan(3);
    expect(prices).toEqual([...prices].sort((a, b) => a - b));
    const several = found.machines.find(({ nodes }: { nodes: number }) => nodes > 1);
    const args = ['estimate', 'ds.json', '--hardware', several.id, '--gpus', String(several.gpus / several.nodes)];
    const fewer = await shardlens(folder, [...args, '--nodes', String(several.nodes / 2), '--format', 'json']);
    expect(JSON.parse(fewer.out).files[0].estimate.memoryPerGpu.fits).not.toBe(true);
    const same = await shardlens(folder, [...args, '--nodes', String(several.nodes), '--format', 'json']);
    expect(JSON.parse(same.out).files[0].estimate.memoryPerGpu).toEqual(several.memoryPerGpu);
  });

  it('leaves out what only emulates the number format of the run', async () => {
    const { out } = await shardlens(folder, ['hardware', 'recommend', 'ds.json', '--format', 'json']);
    const found = JSON.parse(out);
    const ids = found.machines.map(({ id }: { id: string }) => id);
    expect(ids.length).toBeGreaterThan(10);
    expect(ids).not.toContain('p3dn.24xlarge');
    const why = found.others.find(({ id }: { id: string }) => id === 'p3dn.24xlarge')?.why;
    expect(why).toMatch(/no bf16 arithmetic|does not surely fit/);
    for (const { gpus } of found.machines) expect(Number.isInteger(gpus)).toBe(true);
  });

  it('as text says where prices are from, and why the other machines are not there', async () => {
    const { out } = await shardlens(folder, ['hardware', 'recommend', 'ds.json']);
    expect(out).toMatch(/machine +memory per GPU +step +tokens\/s +USD per billion tokens/);
    expect(out).toMatch(/Prices are on demand: us-east-1, \d{4}-\d\d-\d\d\./);
    expect(out).toMatch(/\d+: Trainium needs optimum-neuron/);
  });

  it('places it on the user’s targets too, with no more nodes than they name', async () => {
    const where = path.join(folder, 'targets');
    const { out } = await shardlens(where, ['hardware', 'recommend', 'ds.json', '--format', 'json']);
    const found = JSON.parse(out);
    expect(validate(found), JSON.stringify(validate.errors)).toBe(true);
    const ours = found.machines.find(({ target }: { target: string | null }) => target === 'ours');
    const same = found.machines.find(({ id }: { id: string }) => id === 'p4d.24xlarge');
    expect(ours).toMatchObject({ id: 'ours', nodes: same.nodes, memoryPerGpu: same.memoryPerGpu, step: same.step });
    expect(ours.label).toBe(`ours: ${same.label}`);
    const unfit = Object.fromEntries(
      found.others.flatMap((it: { target: string | null; why: string }) => (it.target ? [[it.target, it.why]] : [])),
    );
    expect(unfit).toEqual({ small: 'does not surely fit', unclear: expect.stringMatching(/hardware/) });
    const text = await shardlens(where, ['hardware', 'recommend', 'ds.json']);
    expect(text.out).toMatch(/\n {2}ours: .*p4d\.24xlarge/);
    expect(text.out).toMatch(/Not on these targets:\n {2}small: does not surely fit\n/);
  });

  it('ends with 1 where it fits nowhere, and with 2 where too little is known', async () => {
    const nowhere = await shardlens(path.join(folder, 'huge'), ['hardware', 'recommend', 'ds.json']);
    expect(nowhere.status).toBe(1);
    expect(nowhere.out).toMatch(/it surely fits on no machine of the catalog/);
    const unknown = await shardlens(path.join(folder, 'alone'), ['hardware', 'recommend', 'ds.json']);
    expect(unknown.status).toBe(2);
    expect(unknown.err).toMatch(/--model ID .*--seq-len N/);
  });
});
