import { symlinkSync } from 'node:fs';
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
    ['fit, which is not built', ['fit', 'ds.json'], /not built yet/],
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
    .map((key, i) => `${key}: &${key} [*${'abcdefghi'[i]}, *${'abcdefghi'[i]}]`)
    .join('\n')}`;
  const cases: [string, string, string | Uint8Array, RegExp | undefined][] = [
    ['empty', 'ds_config.json', '', undefined],
    ['only blanks', 'ds_config.json', ' \n\t', undefined],
    ['truncated', 'ds_config.json', DS.slice(0, -10), /broken/],
    ['100,000 brackets deep', 'ds_config.json', `{ "zero_optimization": ${deep}`, /./],
    ['100,000 brackets deep, YAML', 'train.yaml', `per_device_train_batch_size: ${deep}`, /./],
    ['duplicate keys', 'ds_config.json', DS.replace('{', '{ "train_micro_batch_size_per_gpu": 2,'), /duplicate-key/],
    ['byte-order mark', 'ds_config.json', `\uFEFF${DS}`, undefined],
    ['CRLF', 'ds_config.json', DS.replaceAll(',', ',\r\n'), undefined],
    ['lone surrogates', 'ds_config.json', DS.replace('{', '{ "\\ud800": 1,'), undefined],
    [
      'an alias bomb',
      'accelerate.yaml',
      `compute_environment: LOCAL_MACHINE\ndistributed_type: MULTI_GPU\n${bomb}`,
      undefined,
    ],
  ];
  it.each(cases)('%s', async (_, name, content, message) => {
    const outcome = await shardlens(folderWith({ [name]: content }), ['check', name]);
    expect([0, 1]).toContain(outcome.status);
    if (message) expect(outcome.out).toMatch(message);
    expectCalm(outcome);
  });
});

describe('links between files', () => {
  const train = (deepspeed: string) =>
    `model_name_or_path: m\noutput_dir: out\nper_device_train_batch_size: 1\nlearning_rate: 1.0e-5\nnum_train_epochs: 1\nlogging_steps: 1\nsave_strategy: "no"\nbf16: true\ndeepspeed: ${deepspeed}\n`;

  it('to a file that is not there, to itself, and out of the folder are told', async () => {
    const folder = folderWith({
      'train.yaml': train('none.json'),
      'loop.yaml': train('loop.yaml'),
      'out.yaml': train('../../etc/passwd'),
    });
    for (const name of ['train.yaml', 'loop.yaml', 'out.yaml']) {
      const outcome = await shardlens(folder, ['check', name]);
      expect([0, 1]).toContain(outcome.status);
      expectCalm(outcome);
      expect(outcome.out).not.toContain('root:');
    }
  });
});
