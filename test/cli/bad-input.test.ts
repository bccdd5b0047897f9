import { spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { bundle } from '../bundle';
import { folderWith, type Outcome, shardlens } from './shell';

/** The promise for any input: an answer within two seconds, and never our own stack trace. */
const LIMIT_SECONDS = 2;

beforeAll(async () => {
  await bundle();
}, 60_000);

function expectCalm({ err, out, seconds }: Outcome): void {
  expect(`${err}${out}`).not.toMatch(/\n\s+at .*[(:]\d+/);
  expect(`${err}${out}`).not.toContain('This is a bug in Shardlens');
  expect(seconds).toBeLessThan(LIMIT_SECONDS);
}

const TRAIN =
  'output_dir: out\nper_device_train_batch_size: 1\nlearning_rate: 1.0e-5\nnum_train_epochs: 1\nlogging_steps: 1\nbf16: true\n';
const DS = '{ "train_micro_batch_size_per_gpu": 1, "zero_optimization": { "stage": 2 } }';

describe('wrong usage ends with status 2 and one clear line', () => {
  const cases: [string, string[], RegExp][] = [
    ['an unknown command', ['chek'], /no command "chek"/],
    ['an unknown option', ['check', '--formt', 'json'], /Unknown option '--formt'/],
    [
      'an unknown format',
      ['check', '--format', 'xml'],
      /--format is one of text, json, sarif, github, junit, not "xml"/,
    ],
    ['a number that is none', ['check', '--nodes', 'two'], /--nodes takes a whole number from 1 up, not "two"/],
    ['a path that is not there', ['check', 'nowhere'], /nowhere does not exist/],
    ['estimate without a file', ['estimate'], /takes one FILE/],
    ['estimate of a folder', ['estimate', '.'], /is a folder/],
    ['stdin without a name', ['check', '--stdin'], /--stdin-filename/],
    ['fit without a file', ['fit'], /fit takes one FILE/],
    ['an unknown rule', ['explain', 'no-such-rule'], /no rule "no-such-rule"/],
    ['an unknown model', ['models', 'show', 'meta-llama/Meta-Lama-3-8B'], /meta-llama\/Meta-Llama-3-8B/i],
    ['unknown hardware', ['hardware', 'show', 'p4d.24xlarg'], /p4d\.24xlarge/],
    ['estimate for an unknown machine', ['estimate', 'ds.json', '--hardware', 'p4d.24xlarg'], /p4d\.24xlarge/],
    [
      'estimate of an unknown model',
      ['estimate', 'ds.json', '--model', 'meta-llama/Meta-Lama-3-8B'],
      /Meta-Llama-3-8B/i,
    ],
    ['the server without a channel', ['lsp'], /lsp --stdio/],
    ['a model file that is not there', ['check', '--model', './none'], /--model names \.\/none, which does not exist/],
    [
      'a machine file that is not there',
      ['estimate', 'ds.json', '--hardware', 'c.json'],
      /c\.json, which does not exist/,
    ],
    ['a settings file that is not there', ['check', '--config', 'none.json'], /none\.json, which does not exist/],
    ['a settings file that is a folder', ['check', '--config', '.'], /which is a folder/],
    ['a number beyond all clusters', ['check', '--nodes', '9007199254740991'], /from 1 to 100000/],
    ['no tokens', ['estimate', 'ds.json', '--seq-len', '0'], /from 1 up, not "0"/],
    ['standard input under the name of a folder', ['check', '--stdin', '--stdin-filename', '.'], /is a folder/],
    ['an option without its value', ['check', '--model'], /argument missing/],
  ];
  it.each(cases)('%s', async (_, args, message) => {
    const outcome = await shardlens(folderWith({ 'ds.json': DS }), args);
    expect(outcome.status).toBe(2);
    expect(outcome.out).toBe('');
    expect(outcome.err).toMatch(message);
    expect(outcome.err.trim().split('\n')).toHaveLength(1);
    expectCalm(outcome);
  });
});

describe('a flag of check that names what is not there ends with status 2', () => {
  it.each([
    ['--model', 'meta-llama/Meta-Lama-3-8B', /^shardlens: .*no model of the catalog.*meta-llama\/Meta-Llama-3-8B/i],
    ['--hardware', 'p4d', /^shardlens: no hardware is called "p4d"\..*p4d\.24xlarge, p4de\.24xlarge/],
    ['--target', 'nowhere', /^shardlens: no target is called "nowhere"/],
  ])('%s', async (flag, name, message) => {
    const train =
      'model_name_or_path: Qwen/Qwen2.5-0.5B\noutput_dir: out\nnum_train_epochs: 1\nlogging_steps: 1\nsave_strategy: "no"\n';
    const folder = folderWith({ 'ds.json': DS, 'train.yaml': train });
    const outcome = await shardlens(folder, ['check', flag, name]);
    expect(outcome.status).toBe(2);
    expect(outcome.err).toMatch(message);
    expect(outcome.err.trim().split('\n')).toHaveLength(1);
    expect(outcome.out).toContain('2 files checked');
    expectCalm(outcome);
    const estimate = await shardlens(folder, ['estimate', 'train.yaml', flag, name]);
    expect(estimate).toMatchObject({ status: 2, out: '' });
    expect(estimate.err).toMatch(message);
  });
});

describe('a file that cannot be read as text ends with status 2', () => {
  const cases: [string, string | Uint8Array, RegExp][] = [
    ['binary', Buffer.from([0x7b, 0, 1, 2, 255]), /is not UTF-8 text/],
    ['not UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d]), /is not UTF-8 text/],
    ['50 MB', Buffer.alloc(50_000_000, '{"a": 1}\n'), /too large/],
  ];
  it.each(cases)('%s', async (_, content, message) => {
    const outcome = await shardlens(folderWith({ 'ds_config.json': content }), ['check', 'ds_config.json']);
    expect(outcome.status).toBe(2);
    expect(outcome.err).toMatch(message);
    expect(outcome.out).toContain('unreadable-file');
    expectCalm(outcome);
  });

  it('on standard input', async () => {
    const outcome = await shardlens(folderWith({}), ['check', '--stdin', '--stdin-filename', 'ds_config.json'], {
      input: Buffer.from([0x7b, 0, 1]),
    });
    expect(outcome.status).toBe(2);
    expect(outcome.err).toMatch(/ds_config\.json on standard input cannot be checked/);
    expectCalm(outcome);
  });

  it('met on a walk is passed over, unless its name is that of a config', async () => {
    const binary = Buffer.from([0x7b, 0, 1]);
    const passed = await shardlens(folderWith({ 'weights.json': binary }), ['check']);
    expect(passed).toMatchObject({ status: 0, err: '' });
    const told = await shardlens(folderWith({ 'sub/ds_config.json': binary }), ['check']);
    expect(told.status).toBe(2);
    expect(told.err).toContain('sub/ds_config.json is not UTF-8 text');
  });

  it('a link that leads to itself', async () => {
    const folder = folderWith({});
    symlinkSync('ds_config.json', path.join(folder, 'ds_config.json'));
    for (const args of [['check', 'ds_config.json'], ['check'], ['estimate', 'ds_config.json']]) {
      const outcome = await shardlens(folder, args);
      expect(outcome.status).toBe(2);
      expect(outcome.err).toMatch(/ds_config\.json cannot be read/);
      expectCalm(outcome);
    }
  });

  it('a folder whose link leads back to it is walked once', async () => {
    const folder = folderWith({ 'sub/ds_config.json': DS });
    symlinkSync('..', path.join(folder, 'sub', 'loop'));
    const outcome = await shardlens(folder, ['check']);
    expect(outcome.out).toContain('1 file checked');
    expectCalm(outcome);
  });

  it('a device', async () => {
    const folder = folderWith({});
    symlinkSync('/dev/zero', path.join(folder, 'ds_zero.json'));
    const outcome = await shardlens(folder, ['check', 'ds_zero.json']);
    expect(outcome.status).toBe(2);
    expectCalm(outcome);
  });
});

describe('a broken text is a finding, or nothing of ours', () => {
  const deep = '['.repeat(100_000);
  const bomb = `a: &a [x, x]\n${'bcdefghij'
    .split('')
    .map((key, i) => `${key}: &${key} [${Array(9).fill(`*${'abcdefghi'[i]}`).join(', ')}]`)
    .join('\n')}`;
  const cases: [string, string, string | Uint8Array, RegExp][] = [
    ['empty', 'ds_config.json', '', /broken-syntax[\s\S]*is empty/],
    ['only blanks', 'ds_config.json', ' \n\t', /is empty/],
    ['empty YAML', 'accelerate.yaml', '# nothing yet\n', /is empty/],
    ['empty settings', 'shardlens.json', '', /is empty; none of its settings is used/],
    ['no keys', 'ds_config.json', '{}', /batch-size-missing/],
    ['a list', 'ds_config.json', '[1, 2]', /no keys, only a list/],
    ['a page in place of the file', 'ds_config.json', '<!DOCTYPE html><html>404</html>', /only a single value/],
    [
      'a pointer to large-file storage',
      'ds_config.json',
      'version https://git-lfs\noid sha256:a\nsize 12\n',
      /broken-syntax/,
    ],
    ['conflict marks', 'ds_config.json', `<<<<<<< HEAD\n${DS}\n=======\n${DS}\n>>>>>>> x\n`, /broken-syntax/],
    ['truncated in its first key', 'ds_config.json', '{ "tr', /broken-syntax/],
    ['YAML with brackets for keys', 'accelerate_config.yaml', '%%% :: [[[\n}}}', /broken-syntax/],
    [
      'UTF-16',
      'ds_config.json',
      Buffer.concat([Buffer.from([255, 254]), Buffer.from(DS, 'utf16le')]),
      /byte-order-mark/,
    ],
    ['truncated', 'ds_config.json', DS.slice(0, -10), /broken/],
    ['100,000 brackets deep', 'ds_config.json', `{ "zero_optimization": ${deep}`, /not-fully-read/],
    ['100,000 braces deep', 'ds_config.json', '{"a":'.repeat(100_000), /not-fully-read/],
    ['nothing but brackets', 'ds_config.json', deep, /not-fully-read/],
    ['100,000 brackets deep, YAML', 'accelerate.yaml', `a: ${deep}`, /not-fully-read/],
    ['100,000 dashes deep, YAML', 'train.yaml', `${TRAIN}x: ${deep}\n  ${'- '.repeat(100_000)}a`, /not-fully-read/],
    ['duplicate keys', 'ds_config.json', DS.replace('{', '{ "train_micro_batch_size_per_gpu": 2,'), /duplicate-key/],
    ['byte-order mark', 'ds_config.json', `\uFEFF${DS}`, /byte-order-mark/],
    ['CRLF', 'ds_config.json', DS.replaceAll(',', ',\r\n'), /no findings/],
    ['lone surrogates', 'ds_config.json', DS.replace('{', '{ "\\ud800": 1,'), /unknown-key-ignored/],
    [
      'an alias bomb',
      'accelerate.yaml',
      `compute_environment: LOCAL_MACHINE\ndistributed_type: MULTI_GPU\n${bomb}`,
      /not-fully-read/,
    ],
    ['an alias inside its own anchor', 'train.yaml', `${TRAIN}a: &a\n  b: *a\n<<: *a\n`, /not-fully-read/],
    [
      'numbers out of this world',
      'ds_config.json',
      '{ "train_batch_size": -8, "gradient_accumulation_steps": 1e400, "zero_optimization": { "reduce_bucket_size": NaN } }',
      /out-of-range[\s\S]*fraction-for-integer/,
    ],
    [
      'other types everywhere',
      'ds_config.json',
      '{ "train_batch_size": [], "zero_optimization": [3], "bf16": true, "optimizer": "AdamW", "fp16": "yes" }',
      /wrong-type/,
    ],
  ];
  it.each(cases)('%s', async (_, name, content, message) => {
    const folder = folderWith({ [name]: content });
    const outcome = await shardlens(folder, ['check', name]);
    expect([0, 1]).toContain(outcome.status);
    expect(outcome.out).toMatch(message);
    expectCalm(outcome);
    // The walk and the estimate tell of it too.
    expect((await shardlens(folder, ['check'])).out).toMatch(message);
    expectCalm(await shardlens(folder, ['estimate', name]));
  });

  it('does not guess at keys and values that the break cuts off', async () => {
    const json = await shardlens(folderWith({ 'ds_config.json': DS.slice(0, -10) }), ['check']);
    expect(json.out).not.toContain('unknown-key');
    const yaml = 'compute_environment: LOCAL_MACHINE\ndistributed_type: "DEEP';
    expect((await shardlens(folderWith({ 'accelerate.yaml': yaml }), ['check'])).out).not.toContain('unknown-value');
  });

  it('that is nothing of ours and is met on a walk is passed over', async () => {
    const outcome = await shardlens(folderWith({ 'data.json': '[1, 2', 'x.yaml': '}}}' }), ['check']);
    expect(outcome).toMatchObject({ status: 0, err: '' });
  });
});

describe('links between files', () => {
  const train = (deepspeed: string) => `${TRAIN}deepspeed: ${deepspeed}\n`;
  const cases: [string, string, RegExp, ((folder: string) => void)?][] = [
    ['that is not there', 'none.json', /linked-file-missing[\s\S]*beside this file/],
    ['that is a folder', 'sub.json', /cannot be read/, (folder) => mkdirSync(path.join(folder, 'sub.json'))],
    ['that is a pipe', 'p.json', /cannot be read/, (folder) => spawnSync('mkfifo', [path.join(folder, 'p.json')])],
    [
      'that leads to itself',
      'l.json',
      /cannot be read/,
      (folder) => symlinkSync('l.json', path.join(folder, 'l.json')),
    ],
    ['that is binary', 'b.json', /is not text/, (folder) => writeFileSync(path.join(folder, 'b.json'), '\0\x01')],
    [
      'that is huge',
      'big.json',
      /too large/,
      (folder) => writeFileSync(path.join(folder, 'big.json'), Buffer.alloc(50_000_000, ' ')),
    ],
    [
      'that is broken',
      'ds.json',
      /ds\.json, which cannot be read to its end/,
      (folder) => writeFileSync(path.join(folder, 'ds.json'), DS.slice(0, -10)),
    ],
    ['out of the folder', '../../../../etc/passwd', /lies outside the workspace folders/],
    ['by its absolute path', '/etc/passwd', /lies outside the workspace folders/],
    [
      'that leads out of the folder',
      'pw.json',
      /lies outside the workspace folders/,
      (folder) => symlinkSync('/etc/passwd', path.join(folder, 'pw.json')),
    ],
    ['to itself', 'train.yaml', /a Trainer file and no DeepSpeed file/],
  ];
  it.each(cases)('to a file %s', async (_, name, message, prepare) => {
    const folder = folderWith({ 'train.yaml': train(name) });
    prepare?.(folder);
    const outcome = await shardlens(folder, ['check', 'train.yaml']);
    expect(outcome.status).toBe(0);
    expect(outcome.out).toMatch(message);
    expect(outcome.out).toMatch(/1 (warning|hint)\./);
    expect(outcome.out).not.toContain('root:');
    expectCalm(outcome);
    expectCalm(await shardlens(folder, ['estimate', 'train.yaml']));
  });

  it('in a circle, through every kind of file', async () => {
    const folder = folderWith({
      'train.yaml': train('accelerate.yaml'),
      'accelerate.yaml':
        'compute_environment: LOCAL_MACHINE\ndistributed_type: DEEPSPEED\nnum_processes: 8\ndeepspeed_config:\n  deepspeed_config_file: train.yaml\n',
      'shardlens.json':
        '{ "files": { "train.yaml": { "with": ["accelerate.yaml", "train.yaml"] }, "accelerate.yaml": { "with": ["train.yaml"] } } }',
    });
    const outcome = await shardlens(folder, ['check']);
    expect(outcome.out).toContain('an Accelerate file and no DeepSpeed file');
    expectCalm(outcome);
    expectCalm(await shardlens(folder, ['estimate', 'train.yaml']));
  });
});

describe('settings that cannot be used are told', () => {
  const cases: [string, string, RegExp][] = [
    ['a list', '[]', /no keys, only a list/],
    ['broken', '{ "target": "x", "targets": {', /broken-syntax/],
    [
      'a target that there is not',
      '{ "target": "clustr", "targets": { "cluster": {} } }',
      /"clustr"; there is cluster/,
    ],
    [
      'a machine that there is not',
      '{ "targets": { "c": { "hardware": "p4d.24xlarg" } } }',
      /nearest[\s\S]*p4d\.24xlarge/,
    ],
    ['a model that there is not', '{ "model": "meta-llama/Meta-Lama-3-8B" }', /nearest[\s\S]*Meta-Llama-3-8B/],
    [
      'an own model that lacks its sizes',
      '{ "model": "m", "models": { "m": { "model_type": "llama" } } }',
      /hidden_size/,
    ],
    ['no node', '{ "targets": { "c": { "hardware": "p4d.24xlarge", "nodes": 0 } } }', /whole number of at least 1/],
    ['endless nodes', '{ "targets": { "c": { "nodes": 1e400 } } }', /whole number of at least 1/],
    [
      'a key that there is not',
      '{ "sequenceLenght": 8 }',
      /no setting sequenceLenght[\s\S]*"sequenceLength" is probably meant/,
    ],
    ['a rule that there is not', '{ "rules": { "duplicate-keys": "off" } }', /no rule duplicate-keys/],
    [
      'other types everywhere',
      '{ "target": 5, "targets": [1], "model": {}, "sequenceLength": "x", "frameworks": "5", "rules": [], "files": [] }',
      /target takes a text[\s\S]*files takes an object/,
    ],
    [
      'names of what every object has',
      '{ "__proto__": {}, "model": "toString", "rules": { "__proto__": "off" } }',
      /no rule __proto__/,
    ],
  ];
  it.each(cases)('%s', async (_, settings, message) => {
    const folder = folderWith({ 'ds_config.json': DS, 'shardlens.json': settings });
    const outcome = await shardlens(folder, ['check', 'shardlens.json', 'ds_config.json']);
    expect([0, 1]).toContain(outcome.status);
    expect(outcome.out).toMatch(message);
    expect(outcome.out).not.toContain(folder);
    expectCalm(outcome);
    expectCalm(await shardlens(folder, ['estimate', 'ds_config.json']));
  });
});

describe('a model config that cannot be counted ends with status 2 and the reason', () => {
  const cases: [string, string, RegExp][] = [
    ['lacks a size', '{ "model_type": "llama" }', /hidden_size is missing/],
    ['has a size of zero', '{ "model_type": "llama", "hidden_size": 0 }', /not a size: 0/],
    ['has a size beyond all numbers', '{ "model_type": "llama", "hidden_size": 1e400 }', /not a size: Infinity/],
    ['is of no known kind', '{ "model_type": "zzz", "hidden_size": 8 }', /"zzz" is not one that Shardlens can count/],
    ['breaks off', '{ "model_type": "llama"', /cannot be read to its end/],
  ];
  it.each(cases)('%s', async (_, config, message) => {
    const folder = folderWith({ 'ds.json': DS, 'm/config.json': config });
    const outcome = await shardlens(folder, ['estimate', 'ds.json', '--model', './m']);
    expect(outcome.status).toBe(2);
    expect(outcome.err).toMatch(message);
    expect(outcome.err).not.toContain(folder);
    expectCalm(outcome);
  });
});
