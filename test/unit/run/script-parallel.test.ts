import { describe, expect, it } from 'vitest';
import { analyze } from '../../../server/src/core/analyze';
import { loadCatalogs } from '../../../server/src/data/index';
import { memoryWorkspace, ROOT } from '../../memory-workspace';
import { join, told } from './joining';

const catalogs = loadCatalogs();

function findings(files: Readonly<Record<string, string>>): readonly string[] {
  const workspace = memoryWorkspace(files);
  const file = workspace.source(`${ROOT}/ds.json`);
  if (!file) throw new Error('it cannot be read');
  const analysis = analyze(file, { workspace, catalogs });
  return analysis.findings().map(({ rule }) => rule);
}

function ds(total: number, micro: number, steps: number, more = ''): string {
  return `{ "train_batch_size": ${total}, "train_micro_batch_size_per_gpu": ${micro}, "gradient_accumulation_steps": ${steps}, "bf16": { "enabled": true }, "zero_optimization": { "stage": 1 }${more} }`;
}

function ranks(files: Readonly<Record<string, string>>): readonly unknown[] {
  const { worldSize, parallelism } = join(files).run;
  return [told(worldSize), told(parallelism.data)];
}

const MEGATRON = 'deepspeed --num_nodes 4 --num_gpus 8 pretrain_gpt.py --deepspeed --deepspeed_config ds.json --bf16';

describe('model parallelism of a script of its own', () => {
  it.each([
    ['--tensor-model-parallel-size 8 --pipeline-model-parallel-size 2', 2],
    ['--tensor_model_parallel_size=8 --context_parallel_size 4', 1],
    ['--pipeline-parallel-size 4', 8],
    ['', 32],
  ])('divides the data-parallel ranks by its flags: %s', (flags, data) => {
    expect(ranks({ 'ds.json': ds(64, 2, 16), 'run.sh': `${MEGATRON} ${flags}` })).toEqual([32, data]);
  });

  it.each([
    ['-p 2', '-p'],
    ['--pp 2', '--pp'],
    ['--tp 2', '--tp'],
    ['--mp_size $MP', '--mp_size'],
    ['--ring_attn_size 2', '--ring_attn_size'],
  ])('is not known where a flag only looks like it: %s', (flags) => {
    const line = `deepspeed --num_gpus 8 train.py --deepspeed_config=ds.json ${flags}`;
    const [world, data] = ranks({ 'ds.json': ds(64, 2, 16), 'run.sh': line });
    expect(world).toBe(8);
    expect(data).toMatch(/may split the model/);
    expect(findings({ 'ds.json': ds(64, 2, 16), 'run.sh': line })).not.toContain('batch-size-product');
  });

  it('leaves other flags and a size of 1 alone', () => {
    for (const flags of ['-p out', '--pp 1', '--sequence-parallel', '--vllm_tensor_parallel_size 2']) {
      const line = `deepspeed --num_gpus 8 train.py --deepspeed_config ds.json ${flags}`;
      expect(ranks({ 'ds.json': ds(64, 2, 16), 'run.sh': line })).toEqual([8, 8]);
    }
  });

  it('is nothing that the Trainer reads', () => {
    const line = 'deepspeed --num_gpus 8 run_clm.py --deepspeed ds.json --bf16 True --output_dir out --tp 2';
    expect(ranks({ 'ds.json': ds(16, 2, 1), 'run.sh': line })).toEqual([8, 8]);
  });

  it('makes no batch equation wrong', () => {
    const files = (flags: string) => ({ 'ds.json': ds(64, 2, 16), 'run.sh': `${MEGATRON} ${flags}` });
    expect(findings(files('--tensor-model-parallel-size 8 --pipeline-model-parallel-size 2'))).toEqual([]);
    expect(findings(files(''))).toContain('batch-size-product');
    const slurm =
      '#!/bin/bash\n#SBATCH --nodes=4\n#SBATCH --gpus-per-node=8\n#SBATCH --ntasks-per-node=8\nsrun python -u pretrain_gpt.py --tensor-model-parallel-size 2 --deepspeed --deepspeed_config ds.json --x 1\n';
    expect(findings({ 'ds.json': ds(16, 1, 1), 'run.sh': slurm })).not.toContain('batch-size-product');
  });
});

describe('the processes that batch keys imply', () => {
  it.each([
    [4, 1, 2, ', "sequence_parallel_size": 4, "data_parallel_size": 2', 8, 2],
    [2, 1, 1, ', "sequence_parallel_size": 12', 24, 2],
    [8, 1, 2, ', "sequence_parallel_size": 2', 8, 4],
    [8, 1, 2, '', 4, 4],
  ])('count those that share a sequence: %i %i %i%s', (total, micro, steps, more, world, data) => {
    const files = { 'ds.json': ds(total, micro, steps, more) };
    expect(ranks(files)).toEqual([world, data]);
    expect(findings(files)).toEqual([]);
  });

  it('count those that split the model, so that they go over the nodes', () => {
    const ulysses = ds(2, 1, 1, ', "sequence_parallel_size": 12');
    const line = 'torchrun --nnodes 3 --nproc_per_node $NP train.py --deepspeed_config ds.json';
    expect(findings({ 'ds.json': ulysses, 'run.sh': line })).not.toContain('unreadable-input');
    const megatron = `deepspeed --num_nodes 4 --hostfile hosts pretrain_gpt.py --tensor-model-parallel-size 8 --pipeline-model-parallel-size 2 --deepspeed --deepspeed_config ds.json`;
    const { nodes, gpusPerNode, worldSize } = join({ 'ds.json': ds(64, 2, 16), 'run.sh': megatron }).run;
    expect([nodes, gpusPerNode, worldSize].map(told)).toEqual([4, 8, 32]);
    expect(findings({ 'ds.json': ds(64, 2, 16), 'run.sh': megatron })).not.toContain('unreadable-input');
  });

  it('are not known where a flag may split the model', () => {
    const line = 'deepspeed --num_nodes 4 --hostfile hosts train.py --deepspeed_config ds.json --mp_size 8';
    const files = { 'ds.json': ds(64, 2, 16), 'run.sh': line };
    expect(findings(files)).not.toContain('unreadable-input');
    expect(told(join(files).run.worldSize)).toMatch(/^unknown/);
  });
});
