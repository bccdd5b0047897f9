import { describe, expect, it } from 'vitest';
import { type Hint, inlayHints } from '../../../server/src/core/features/inlay-hints';
import { analysisOf, DS, FILES, SETTINGS } from './run-of';

/** Each hint as it stands in its line: what is before it, and its label. */
function shown(hints: readonly Hint[], text: string): Record<string, string> {
  return Object.fromEntries(
    hints.map(({ offset, label }) => [text.slice(text.lastIndexOf('\n', offset - 1) + 1, offset).trim(), label]),
  );
}

describe('inlayHints', () => {
  it('stand after stage, bucket, offload block and "auto"', () => {
    const hints = shown(inlayHints(analysisOf('ds.json')), DS);
    expect(Object.keys(hints)).toEqual([
      '"stage": 3',
      '"reduce_bucket_size": 5e7',
      '"offload_optimizer": { "device": "cpu" }',
      '"train_micro_batch_size_per_gpu": "auto"',
      '"steps_per_print": "auto"',
    ]);
    expect(hints['"stage": 3']).toMatch(/^[\d.]+ of 39\.4 GiB per GPU$/);
    expect(hints['"reduce_bucket_size": 5e7']).toBe('95.4 MiB');
    expect(hints['"offload_optimizer": { "device": "cpu" }']).toMatch(/^host \d+ GiB · ≈ [\d.]+ s\/step/);
    expect(hints['"train_micro_batch_size_per_gpu": "auto"']).toBe('= 2 ← train.yaml:3');
    expect(hints['"steps_per_print": "auto"']).toBe('nobody fills this');
  });

  it('say when it does not fit, and need no verdict without a known GPU', () => {
    const small = { ...FILES, 'shardlens.json': SETTINGS.replace('p4d.24xlarge', 'g4dn.12xlarge') };
    const stage = (files: Record<string, string>, text = DS) =>
      shown(inlayHints(analysisOf('ds.json', files)), text)['"stage": 3'];
    const resident = DS.replace(/,\s*"offload_optimizer".*/, '');
    expect(stage({ ...small, 'ds.json': resident }, resident)).toMatch(/of 14\.6 GiB per GPU: does not fit$/);
    const noHardware = { ...FILES, 'shardlens.json': SETTINGS.replace('"hardware": "p4d.24xlarge", ', '') };
    expect(stage(noHardware)).toMatch(/^[\d.]+ GiB per GPU$/);
  });

  it('say of an offload whether it is needed, and what its seconds are made of', () => {
    const hint = (model: string) => {
      const train = FILES['train.yaml'].replace(/(?<=model_name_or_path: ).*/, model);
      const files = { ...FILES, 'train.yaml': train };
      return inlayHints(analysisOf('ds.json', files)).find(({ kind }) => kind === 'offload');
    };
    expect(hint('Qwen/Qwen2.5-0.5B')?.label).toMatch(/ · not needed$/);
    const large = hint('meta-llama/Llama-3.1-70B');
    expect(large?.label).toMatch(/\/step · needed$/);
    expect(large?.tooltip).toMatch(/gradients to the host, [\d.]+ .*PCIe Gen3 x16, shared by 2 GPUs/);
    expect(large?.tooltip).toMatch(
      /optimizer step on the CPU, \d+ threads? per rank, .* ÷ [\d.]+ GB\/s \(AVX-512, OMP_NUM_THREADS=1\)/,
    );
  });

  it('judge the link of shards, replicas and the second partition of ZeRO++', () => {
    const settings = SETTINGS.replace('"gpusPerNode": 4', '"nodes": 4');
    const accelerate = `compute_environment: LOCAL_MACHINE
distributed_type: FSDP
mixed_precision: bf16
num_machines: 4
num_processes: 32
fsdp_config:
  fsdp_version: 2
parallelism_config:
  parallelism_config_dp_replicate_size: 4
  parallelism_config_dp_shard_size: 8
`;
    const files = { 'accelerate.yaml': accelerate, 'shardlens.json': settings };
    const found = shown(inlayHints(analysisOf('accelerate.yaml', files)), accelerate);
    expect(found['parallelism_config_dp_shard_size: 8']).toBe('NVSwitch 300 GB/s: good');
    expect(found['parallelism_config_dp_replicate_size: 4']).toMatch(/^crosses nodes, /);
    const ds = DS.replace('"stage": 3,', '"stage": 3,\n    "zero_hpz_partition_size": 8,');
    const hpz = shown(inlayHints(analysisOf('ds.json', { ...FILES, 'ds.json': ds, 'shardlens.json': settings })), ds);
    expect(hpz['"zero_hpz_partition_size": 8']).toBe('NVSwitch 300 GB/s: good');
  });

  it('are none for files of others, and none for what is not known', () => {
    expect(inlayHints(analysisOf('x.json', { 'x.json': '{ "stage": 3 }' }))).toEqual([]);
    const alone = inlayHints(analysisOf('ds.json', { 'ds.json': DS }));
    expect(alone.filter(({ kind }) => kind === 'memory' || kind === 'offload')).toEqual([]);
  });

  it('stand after the key of an indented block, which has no end to see', () => {
    const yaml = `compute_environment: LOCAL_MACHINE
distributed_type: DEEPSPEED
mixed_precision: bf16
num_processes: 4
num_machines: 1
deepspeed_config:
  zero_stage: 3
  offload_optimizer_device: cpu
`;
    const files = { 'accelerate.yaml': yaml, 'shardlens.json': SETTINGS };
    const overrides = { from: 'flag', model: 'meta-llama/Meta-Llama-3-8B' } as const;
    const hints = shown(inlayHints(analysisOf('accelerate.yaml', files, overrides)), yaml);
    expect(Object.keys(hints)).toEqual(expect.arrayContaining(['zero_stage: 3']));
  });
});
