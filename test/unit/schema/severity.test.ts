import { describe, expect, it } from 'vitest';
import { analyze } from '../../../server/src/core/analyze';
import { loadCatalogs } from '../../../server/src/data/index';
import { memoryWorkspace, ROOT } from '../../memory-workspace';

const catalogs = loadCatalogs();

/** `severity rule` of the findings that one of the rules makes in the first file. */
function levels(files: Record<string, string>, ...rules: string[]): string[] {
  const workspace = memoryWorkspace(files);
  const file = workspace.source(`${ROOT}/${Object.keys(files)[0]}`);
  if (!file) throw new Error('no file');
  return analyze(file, { workspace, catalogs })
    .findings()
    .filter(({ rule }) => rules.includes(rule))
    .map(({ rule, severity }) => `${severity} ${rule}`);
}

const frameworks = (versions: Record<string, string>) => JSON.stringify({ frameworks: versions });
const TRAINER =
  'output_dir: out\nper_device_train_batch_size: 2\nlearning_rate: 2.0e-5\nbf16: true\nlogging_steps: 10\ngradient_accumulation_steps: 1\n';

describe('how loud a finding is depends on the version', () => {
  const bf16 =
    '{ "train_batch_size": 8, "bf16": { "enabled": true, "loss_scale": 0 }, "zero_optimization": { "stage": 2 } }';

  it.each([
    [undefined, 'warning unknown-key-rejected'],
    ['0.16.0', 'warning unknown-key-rejected'],
    ['0.17.1', 'error unknown-key-rejected'],
    ['0.19.6', 'error unknown-key-rejected'],
  ])('loss_scale in bf16 with DeepSpeed %s', (version, expected) => {
    const settings = version ? { 'shardlens.json': frameworks({ deepspeed: version }) } : {};
    expect(levels({ 'ds.json': bf16, ...settings }, 'unknown-key-rejected')).toEqual([expected]);
  });

  it.each([
    [undefined, ['warning removed-key']],
    ['4.57.6', []],
    ['5.14.1', []],
    ['5.15.0', ['error removed-key']],
    ['5.18.0', ['error removed-key']],
  ])('warmup_ratio with transformers %s', (version, expected) => {
    const settings = version ? { 'shardlens.json': frameworks({ transformers: version }) } : {};
    expect(levels({ 'train.yaml': `${TRAINER}warmup_ratio: 0.1\n`, ...settings }, 'removed-key')).toEqual(expected);
  });

  it.each([
    ['4.40.2', ['error key-newer-than-framework']],
    ['4.41.0', []],
  ])('eval_strategy with transformers %s', (version, expected) => {
    const files = {
      'train.yaml': `${TRAINER}eval_strategy: steps\n`,
      'shardlens.json': frameworks({ transformers: version }),
    };
    expect(levels(files, 'key-newer-than-framework')).toEqual(expected);
  });

  it.each([
    ['optim: adamw_hf\n', undefined, ['warning unknown-value']],
    ['optim: adamw_hf\n', '4.49.0', []],
    ['optim: adamw_hf\n', '4.50.0', ['error unknown-value']],
    ['optim: adamw_apex_fused\n', '4.57.6', []],
    ['optim: adamw_apex_fused\n', '5.23.0', ['error unknown-value']],
    ['optim: adamw_apex_fuse\n', '4.57.6', ['error unknown-value']],
    ['debug: underflow_overflow tpu_metrics_debug\n', '5.23.0', []],
    ['debug: underflow_overflow tpu\n', '5.23.0', ['error unknown-value']],
  ])('%s with transformers %s', (text, version, expected) => {
    const settings = version ? { 'shardlens.json': frameworks({ transformers: version }) } : {};
    expect(levels({ 'train.yaml': TRAINER + text, ...settings }, 'unknown-value')).toEqual(expected);
  });

  it.each([
    ['distributed_type: TPU', undefined, ['warning unknown-value']],
    ['distributed_type: TPU', '0.16.0', []],
    ['distributed_type: TPU', '1.0.0', ['error unknown-value']],
    ['distributed_type: MULTI_GPU\ndynamo_config:\n  dynamo_backend: IPEX', '1.12.0', []],
    ['distributed_type: MULTI_GPU\ndynamo_config:\n  dynamo_backend: IPEX', '1.15.0', ['error unknown-value']],
  ])('%s with accelerate %s', (text, version, expected) => {
    const settings = version ? { 'shardlens.json': frameworks({ accelerate: version }) } : {};
    const files = { 'accelerate.yaml': `compute_environment: LOCAL_MACHINE\n${text}\nnum_processes: 8\n`, ...settings };
    expect(levels(files, 'unknown-value')).toEqual(expected);
  });

  it.each([
    [undefined, ['warning unknown-key-ignored']],
    ['0.16.3', []],
    ['0.16.4', ['warning unknown-key-ignored']],
  ])('thread_count of aio, renamed in 0.16.4, with DeepSpeed %s', (version, expected) => {
    const settings = version ? { 'shardlens.json': frameworks({ deepspeed: version }) } : {};
    const ds = '{ "train_batch_size": 8, "aio": { "thread_count": 8 }, "zero_optimization": { "stage": 3 } }';
    expect(levels({ 'ds.json': ds, ...settings }, 'unknown-key-ignored')).toEqual(expected);
  });

  it('curriculum_type is a key that the engine reads', () => {
    const ds = '{ "train_batch_size": 8, "curriculum_learning": { "enabled": true, "curriculum_type": "seqlen" } }';
    expect(levels({ 'ds.json': ds }, 'unknown-key-ignored')).toEqual([]);
  });

  it("max_seq_length of a script that does not use TRL is the script's own", () => {
    expect(levels({ 'train.yaml': `${TRAINER}max_seq_length: 512\n` }, 'removed-key')).toEqual([]);
    expect(levels({ 'train.yaml': `${TRAINER}max_seq_length: 512\npacking: true\n` }, 'removed-key')).toEqual([
      'warning removed-key',
    ]);
  });
});

describe('"auto" depends on who reads the file', () => {
  const ds = (entry: string) =>
    `{ "train_micro_batch_size_per_gpu": "auto", "zero_optimization": { "stage": 3, ${entry} } }`;

  it.each([
    ['trainer', '"reduce_bucket_size": "auto"', []],
    ['trainer', '"sub_group_size": "auto"', ['error auto-in-unfilled-key']],
    ['accelerate', '"reduce_bucket_size": "auto"', []],
    ['accelerate', '"overlap_comm": "auto"', ['error auto-in-unfilled-key']],
    [undefined, '"sub_group_size": "auto"', ['warning auto-in-unfilled-key']],
    [undefined, '"reduce_bucket_size": "auto"', []],
  ])('%s, %s', (consumer, entry, expected) => {
    const settings = consumer ? { 'shardlens.json': JSON.stringify({ consumer }) } : {};
    expect(levels({ 'ds.json': ds(entry), ...settings }, 'auto-in-unfilled-key')).toEqual(expected);
  });

  it('plain DeepSpeed drops it in strict sections and stops on it in the batch sizes', () => {
    const files = { 'ds.json': ds('"overlap_comm": "auto"'), 'shardlens.json': '{ "consumer": "deepspeed" }' };
    expect(levels(files, 'auto-in-unfilled-key')).toEqual([
      'error auto-in-unfilled-key',
      'warning auto-in-unfilled-key',
    ]);
  });
});

describe('a config that runs has no error', () => {
  it.each([
    '{ "train_batch_size": 8, "zero_optimization": { "stage": "2", "reduce_bucket_size": "500", "overlap_comm": 1 } }',
    '{ "train_batch_size": 8, "my_own_key": { "a": 1 }, "zero_optimization": { "stage": 2, "cpu_offload": true } }',
    '{ "train_batch_size": 8, "prescale_gradients": "false", "zero_optimization": { "stage": 1 } }',
    '{ "train_batch_size": 8, "gradient_accumulation_steps": null, "zero_optimization": { "stage": 1 } }',
  ])('%s', (text) => {
    const workspace = memoryWorkspace({ 'ds.json': text });
    const file = workspace.source(`${ROOT}/ds.json`);
    if (!file) throw new Error('no file');
    const errors = analyze(file, { workspace, catalogs })
      .findings()
      .filter(({ severity }) => severity === 'error');
    expect(errors.map(({ message }) => message)).toEqual([]);
  });
});
