import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { bundle } from '../bundle';
import { folderWith, shardlens } from './shell';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const machines = path.join(root, 'test/fixtures/machines');

beforeAll(async () => {
  await bundle();
}, 60_000);

describe('hardware import', () => {
  it('prints values with their lines, what is not known, and the description', async () => {
    const { status, out } = await shardlens(machines, ['hardware', 'import', 'p4d-4-of-8.log']);
    expect(status).toBe(0);
    expect(out).toMatch(/^4 × A100-40GB \(p4d\.24xlarge\)\n/);
    expect(out).toContain('  Inside a node: NVSwitch 300 GB/s\n');
    expect(out).toMatch(/instance +p4d\.24xlarge +p4d-4-of-8\.log:5 +trainer-0:215:661 \[3\] NCCL INFO NET\/OFI/);
    expect(out).toContain('"inside": {\n    "path": "nvlink"\n  }');
  });

  it('as JSON gives the same with origins', async () => {
    const { out } = await shardlens(machines, [
      'hardware',
      'import',
      'smi-h100.txt',
      'topo-h100.txt',
      '--format',
      'json',
    ]);
    const found = JSON.parse(out);
    expect(found).toMatchObject({ version: 1, label: '8 × H100', written: null });
    expect(found.values[0]).toMatchObject({ key: 'node.accelerator', origin: { path: 'smi-h100.txt', line: 9 } });
    expect(found.looksLike[0].id).toBe('dgx-h100');
  });

  it('reads standard input', async () => {
    const input = readFileSync(path.join(machines, 'query-4090.csv'));
    const { status, out } = await shardlens(machines, ['hardware', 'import', '-'], { input });
    expect(status).toBe(0);
    expect(out).toContain('2 × RTX 4090');
  });

  it('reads UTF-16, as PowerShell writes it', async () => {
    const text = readFileSync(path.join(machines, 'query-4090.csv'), 'utf8');
    const folder = folderWith({ 'gpus.csv': Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text, 'utf16le')]) });
    expect((await shardlens(folder, ['hardware', 'import', 'gpus.csv'])).out).toContain('2 × RTX 4090');
  });

  it.each([
    [['hardware', 'import'], 'takes FILE…'],
    [['hardware', 'import', 'nowhere.log'], 'nowhere.log cannot be read.'],
    [['hardware', 'import', 'meminfo.txt', '--hardware', 'h10'], 'no hardware is called "h10"'],
    [['hardware', 'import', path.join(root, 'README.md')], 'holds nothing that import knows'],
    [['hardware', 'import', 'query-l2.csv', '--target', 'box'], 'NVIDIA L2 with 22 GiB is not in the catalog'],
  ])('%j is refused with status 2', async (args, message) => {
    const { status, err, out } = await shardlens(machines, args);
    expect(status).toBe(2);
    expect(err).toContain(message);
    expect(out).toBe('');
  });

  it('writes a new shardlens.json, and keeps the style of one that is there', async () => {
    const log = path.join(machines, 'rtx-4090-shm.log');
    const args = ['hardware', 'import', log, '--hardware', 'RTX 4090', '--target', 'my.box'];
    const empty = folderWith({ 'a/x.txt': '' });
    expect((await shardlens(empty, args)).status).toBe(0);
    const first = JSON.parse(readFileSync(path.join(empty, 'shardlens.json'), 'utf8'));
    expect(first.targets).toEqual({ 'my.box': { hardware: 'my.box' } });
    expect(first.hardware['my.box']).toMatchObject({ node: { accelerator: 'nvidia-rtx-4090', count: 4 }, nodes: 1 });
    expect(first.hardware['my.box'].name).toContain('inside.path rtx-4090-shm.log:26');

    const before =
      '{\n    // mine\n    "target": "old",\n    "targets": {\n        "old": { "hardware": "p4d.24xlarge" }, // rented\n        "my.box": { "hardware": "x", "nodes": 7 }\n    }\n}\n';
    const styled = folderWith({ 'shardlens.json': before, 'sub/x.txt': '' });
    expect((await shardlens(path.join(styled, 'sub'), args)).status).toBe(0);
    const after = readFileSync(path.join(styled, 'shardlens.json'), 'utf8');
    expect(after).toContain('    // mine\n    "target": "old",');
    expect(after).toContain('"old": { "hardware": "p4d.24xlarge" }, // rented');
    expect(after).not.toContain('"nodes": 7');
    const again = await shardlens(path.join(styled, 'sub'), args);
    expect(again.status).toBe(0);
    expect(readFileSync(path.join(styled, 'shardlens.json'), 'utf8')).toBe(after);
  });
});

describe('a run on an imported machine', () => {
  it.each([
    ['p4d-4-of-8.log', 'p4d-4gpu', {}],
    ['g6e-4-of-8.log', 'g6e-4gpu', {}],
    // The log of one pod cannot tell that the pods share a machine.
    ['g6e-4-pods.log', 'g6e-4pods-efa', { nodesPerMachine: 4 }],
  ])('%s is estimated as on the hand-written %s', async (log, target, added) => {
    const folder = folderWith({ 'x.txt': '' });
    cpSync(path.join(root, 'examples/llama-3-8b-zero3-offload'), folder, { recursive: true });
    const file = path.join(machines, log);
    expect((await shardlens(folder, ['hardware', 'import', file, '--target', 'imported'])).status).toBe(0);
    const settings = readFileSync(path.join(folder, 'shardlens.json'), 'utf8');
    const more = Object.entries(added).map(([key, value]) => `"${key}": ${value}, `);
    const imported = settings
      .replace('"target": "p4d-4gpu"', '"target": "imported"')
      .replace('"name": "Imported', `${more.join('')}"name": "Imported`);
    writeFileSync(path.join(folder, 'shardlens.json'), imported);
    const own = JSON.parse((await shardlens(folder, ['estimate', 'train.yaml', '--format', 'json'])).out);
    writeFileSync(
      path.join(folder, 'shardlens.json'),
      settings.replace('"target": "p4d-4gpu"', `"target": "${target}"`),
    );
    const written = JSON.parse((await shardlens(folder, ['estimate', 'train.yaml', '--format', 'json'])).out);
    const figures = ({ files: [it] }: { files: { estimate: Record<string, unknown>; run: unknown }[] }) => ({
      memory: it?.estimate.memoryPerGpu,
      host: it?.estimate.hostMemoryPerNode,
      step: it?.estimate.step,
    });
    expect(figures(own)).toEqual(figures(written));
    expect(figures(own).step).not.toBeNull();
  });
});
