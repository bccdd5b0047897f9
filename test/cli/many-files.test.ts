import { cpSync, mkdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { bundle } from '../bundle';
import { folderWith, shardlens } from './shell';

const FOLDERS = 11;
const EACH = 200;

beforeAll(async () => {
  await bundle();
}, 60_000);

describe('check of thousands of files', () => {
  it('gives on several threads what it gives on one, in the same order', async () => {
    const files: Record<string, string> = {};
    for (let folder = 0; folder < FOLDERS; folder++) {
      for (let i = 0; i < EACH; i++) {
        const micro = i % 3 === 0 ? '"one"' : '1';
        files[`${String(folder).padStart(2, '0')}/ds_${i}.json`] =
          `{ "train_micro_batch_size_per_gpu": ${micro}, "zero_optimization": { "stage": 2 } }`;
      }
    }
    const root = folderWith(files);
    const whole = JSON.parse((await shardlens(root, ['check', '--format', 'json'])).out);
    expect(whole.files).toHaveLength(FOLDERS * EACH);
    expect(whole.summary.errors + whole.summary.warnings).toBeGreaterThan(0);
    const parts = [];
    for (let folder = 0; folder < FOLDERS; folder++) {
      const name = String(folder).padStart(2, '0');
      parts.push(...JSON.parse((await shardlens(root, ['check', name, '--format', 'json'])).out).files);
    }
    expect(whole.files).toEqual(parts);
  }, 120_000);

  it('needs no memory for each pair of files in one large folder', async () => {
    const files: Record<string, string> = { 'ds_config.json': '{ "train_batch_size": 8 }' };
    for (let i = 0; i < 30_000; i++) files[`${i}.json`] = '[]';
    const { status, out } = await shardlens(folderWith(files), ['check', '.', '--format', 'json'], {
      env: { NODE_OPTIONS: '--max-old-space-size=200' },
    });
    expect(status).toBe(0);
    expect(JSON.parse(out).files.map((file: { path: string }) => file.path)).toEqual(['ds_config.json']);
  }, 120_000);

  it('gives for runs that share folders what it gives for each of their files alone', async () => {
    const root = folderWith({
      'requirements.txt': 'transformers==4.57.6\n',
      'shardlens.json': '{ "files": { "teams/b/*.yaml": { "model": "meta-llama/Meta-Llama-3-8B" } } }',
      'teams/scripts/run.sh':
        'torchrun --nproc_per_node 8 train.py --config teams/b/train.yaml --deepspeed teams/b/ds.json\n',
      'teams/b/train.yaml': 'per_device_train_batch_size: 2\nbf16: true\noutput_dir: out\nwarmup_ratio: 3\n',
      'teams/b/other.yaml': 'per_device_train_batch_size: 2\nfp16: true\nbf16: true\noutput_dir: out\n',
      'teams/b/ds.json': '{ "train_batch_size": 17, "bf16": { "enabled": true }, "zero_optimization": { "stage": 3 } }',
      'teams/c/train.yaml': 'per_device_train_batch_size: 1\noutput_dir: out\nbf16: true\n',
      'teams/c/accelerate.yaml':
        'compute_environment: LOCAL_MACHINE\ndistributed_type: FSDP\nnum_machines: 1\nnum_processes: 8\nfsdp_config:\n  fsdp_version: 2\n',
      'teams/c/k8s/job.yaml':
        'kind: PyTorchJob\nspec:\n  containers:\n    - command: [accelerate, launch, --config_file, accelerate.yaml, train.py, --config, train.yaml]\n      resources:\n        limits:\n          nvidia.com/gpu: 4\n',
    });
    cpSync(path.resolve('examples'), path.join(root, 'examples'), { recursive: true });
    mkdirSync(path.join(root, 'elsewhere'));
    symlinkSync(path.join(root, 'teams/b/ds.json'), path.join(root, 'elsewhere/ds_linked.json'));
    symlinkSync(path.join(root, 'teams/b'), path.join(root, 'elsewhere/linked'));
    const whole = JSON.parse((await shardlens(root, ['check', '.', '--format', 'json'])).out);
    expect(whole.files.length).toBeGreaterThan(12);
    for (const file of whole.files) {
      const alone = JSON.parse((await shardlens(root, ['check', file.path, '--format', 'json'])).out);
      expect(alone.files).toEqual([file]);
    }
  }, 120_000);
});
