import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import Ajv from 'ajv';
import { beforeAll, describe, expect, it } from 'vitest';
import { bundle } from '../bundle';
import { folderWith, shardlens } from './shell';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const schema = JSON.parse(readFileSync(path.join(root, 'schemas/output.schema.json'), 'utf8'));
const validate = new Ajv({ strict: true, allowUnionTypes: true }).compile(schema);

const DS = `{
  "train_micro_batch_size_per_gpu": 1,
  "bf16": { "enabled": true },
  "zero_optimization": { "stage": 2, "overlap_com": true }
}
`;

let folder: string;

beforeAll(async () => {
  await bundle();
  folder = folderWith({ 'configs/ds, 1.json': DS, 'other.json': '{ "name": "x" }', 'node_modules/ds_config.json': DS });
}, 60_000);

function parsed(text: string) {
  const value = JSON.parse(text);
  expect(validate(value), JSON.stringify(validate.errors)).toBe(true);
  return value;
}

describe('check', () => {
  it('as JSON is what the schema says, with places as in LSP', async () => {
    const { status, out } = await shardlens(folder, ['check', '--format', 'json']);
    const output = parsed(out);
    expect(status).toBe(1);
    expect(output.files.map((file: { path: string }) => file.path)).toEqual(['configs/ds, 1.json']);
    const [finding] = output.files[0].findings.filter((it: { severity: string }) => it.severity === 'error');
    expect(finding).toMatchObject({
      rule: 'unknown-key-rejected',
      range: { start: { line: 3, character: 37 }, end: { line: 3, character: 50 } },
    });
    expect(finding.fixes[0]).toMatchObject({ preferred: true, edits: [{ path: 'configs/ds, 1.json' }] });
    expect(output.summary).toMatchObject({ files: 1, errors: 1 });
  });

  it('as text shows the place, the line and the fix, without colour in a pipe', async () => {
    const { out } = await shardlens(folder, ['check', 'configs']);
    expect(out).toContain('configs/ds, 1.json:4:38 error [unknown-key-rejected]');
    expect(out).toMatch(/4 │ {3}"zero_optimization": \{ "stage": 2, "overlap_com": true \}\n {4}│ {38}\^{13}\n/);
    expect(out).toContain('(--fix)');
    expect(out).not.toContain('\u001b');
  });

  it('as text cuts a long line around the place', async () => {
    const long = folderWith({
      'ds_config.json': `{ "x": "${'y'.repeat(5000)}", "zero_optimization": { "stage": 2, "overlap_com": true }, "z": "${'y'.repeat(5000)}" }`,
    });
    const { out } = await shardlens(long, ['check']);
    expect(out).toContain('"overlap_com": true');
    expect(Math.max(...out.split('\n').map((line) => line.length))).toBeLessThan(250);
    // What was cut off is marked, and the marks still stand under what is meant.
    const lines = out.split('\n');
    const at = lines.findIndex((line) => line.includes('│') && line.includes('overlap_com'));
    const [frame = '', marks = ''] = lines.slice(at);
    expect(frame).toMatch(/│ ….*"overlap_com": true.*…$/);
    expect(frame.indexOf('"overlap_com"')).toBe(marks.indexOf('^'));
  });

  it('as text says when nothing was checked', async () => {
    const { status, out } = await shardlens(folderWith({ 'other.json': '{ "name": "x" }' }), ['check']);
    expect([status, out]).toEqual([0, 'No config was recognised; nothing was checked.\n']);
  });

  it('as GitHub commands escapes what the runner would take for its own', async () => {
    const { out } = await shardlens(folder, ['check', '--format', 'github']);
    expect(out).toMatch(
      /^::error file=configs\/ds%2C 1\.json,line=4,endLine=4,col=38,endColumn=51,title=shardlens unknown-key-rejected::/m,
    );
  });

  it('as SARIF has the rule, the region counted from 1, and the fix', async () => {
    const { out } = await shardlens(folder, ['check', '--format', 'sarif']);
    const [run] = JSON.parse(out).runs;
    const result = run.results.find((it: { level: string }) => it.level === 'error');
    expect(run.tool.driver.rules[result.ruleIndex].id).toBe('unknown-key-rejected');
    expect(result.locations[0].physicalLocation).toEqual({
      artifactLocation: { uri: 'configs/ds%2C%201.json' },
      region: { startLine: 4, startColumn: 38, endLine: 4, endColumn: 51 },
    });
    expect(result.fixes[0].artifactChanges[0].replacements).toHaveLength(1);
  });

  it('as JUnit is well-formed and counts its failures', async () => {
    const { out } = await shardlens(folder, ['check', '--format', 'junit']);
    const failures = out.match(/<failure /g)?.length;
    expect(out).toContain(`failures="${failures}"`);
    expect(out.match(/<testcase /g)?.length).toBe(Number(/tests="(\d+)"/.exec(out)?.[1]));
    expect(out.replace(/&(amp|lt|gt|quot);/g, '')).not.toContain('&');
  });

  it('reads standard input under the name it is given', async () => {
    const { status, out } = await shardlens(
      folder,
      ['check', '--stdin', '--stdin-filename', 'configs/new.json', '--format', 'json'],
      {
        input: DS,
      },
    );
    expect(status).toBe(1);
    expect(parsed(out).files[0]).toMatchObject({ path: 'configs/new.json', dialect: 'deepspeed' });
  });

  it('--quiet keeps errors only, and still counts warnings for --max-warnings', async () => {
    const warned = folderWith({
      'ds_config.json': DS.replace('overlap_com"', 'overlap_comm"').replace('{\n', '{\n  "gradient_clip": 1.0,\n'),
    });
    expect((await shardlens(warned, ['check'])).status).toBe(0);
    const strict = await shardlens(warned, ['check', '--quiet', '--max-warnings', '0']);
    expect(strict.status).toBe(1);
    expect(strict.out).not.toContain('gradient_clip');
    expect(strict.err).toMatch(/more than the 0 of --max-warnings/);
  });

  it('--fix applies the safe fixes, keeps everything else, and has nothing left to do', async () => {
    const mended = folderWith({ 'ds_config.json': `\uFEFF${DS.replaceAll('\n', '\r\n')}` });
    const file = path.join(mended, 'ds_config.json');
    await shardlens(mended, ['check', '--fix']);
    const text = readFileSync(file, 'utf8');
    expect(text).toBe(`\uFEFF${DS.replaceAll('\n', '\r\n').replace('overlap_com"', 'overlap_comm"')}`);
    const again = await shardlens(mended, ['check', '--fix', '--format', 'json']);
    expect(parsed(again.out).summary.errors).toBe(0);
    expect(readFileSync(file, 'utf8')).toBe(text);
    writeFileSync(file, '');
  });
});

describe('estimate', () => {
  it('as JSON is what the schema says, unknown facts null', async () => {
    const { out } = await shardlens(folder, ['estimate', 'configs/ds, 1.json', '--format', 'json']);
    const [file] = parsed(out).files;
    expect(file.run).toMatchObject({ model: null, hardware: null, microBatch: 1, sharding: 'zero-2' });
  });

  it('with model, hardware and length from the command line has every figure', async () => {
    const flags = [
      '--model',
      'meta-llama/Meta-Llama-3-8B',
      '--hardware',
      'p4d.24xlarge',
      '--gpus',
      '8',
      '--seq-len',
      '512',
    ];
    const { out } = await shardlens(folder, ['estimate', 'configs/ds, 1.json', '--format', 'json', ...flags]);
    const [file] = parsed(out).files;
    expect(file.run).toMatchObject({ parameters: 8_030_261_248, worldSize: 8, sequenceLength: 512 });
    expect(file.estimate.memoryPerGpu.bytes).toBeGreaterThan(20 * 1024 ** 3);
    expect(file.estimate.step.seconds).toBeGreaterThan(0);
    const levers = file.estimate.largestTerms.map((term: { lever: unknown }) => term.lever);
    expect(levers).toContainEqual(
      expect.objectContaining({
        changes: [expect.objectContaining({ path: 'configs/ds, 1.json', key: 'zero_optimization.stage', to: 3 })],
        saves: expect.any(Number),
        brings: 'zero-3-not-needed',
      }),
    );
    const text = await shardlens(folder, ['estimate', 'configs/ds, 1.json', ...flags]);
    for (const title of ['Run', 'Memory per GPU', 'Step time', 'Assumptions'])
      expect(text.out).toContain(`\n${title}\n`);
    expect(text.out).toMatch(/What would make it smaller\n {2}[^:]+ GiB: `[^`]+`.* takes [\d.]+ GiB off/);
  });
});

describe('catalogs', () => {
  it('list and show models and hardware', async () => {
    expect((await shardlens(folder, ['models', 'list'])).out).toMatch(/^meta-llama\/Meta-Llama-3-8B +8\.0 B/m);
    expect((await shardlens(folder, ['models', 'show', 'META-LLAMA/meta-llama-3-8b'])).out).toContain('8,030,261,248');
    expect((await shardlens(folder, ['hardware', 'list'])).out).toMatch(/p4d\.24xlarge +8 × A100-40GB/);
    expect(JSON.parse((await shardlens(folder, ['hardware', 'show', 'p4d.24xlarge', '--format', 'json'])).out).id).toBe(
      'p4d.24xlarge',
    );
  });

  it('explain a rule by what it is', async () => {
    const { out, status } = await shardlens(folder, ['explain', 'unknown-key-rejected']);
    expect(status).toBe(0);
    expect(out).toContain('# unknown-key-rejected');
  });
});
