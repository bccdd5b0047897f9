import { describe, expect, it } from 'vitest';
import { analyze } from '../../../server/src/core/analyze';
import { loadCatalogs } from '../../../server/src/data/index';
import { memoryWorkspace, ROOT } from '../../memory-workspace';

/** Severities of the rule for 8 processes of which 2 share each sample, batch 2, without accumulation. */
function withSequenceParallel(total: number, where: 'accelerate' | 'deepspeed'): string[] {
  const own = where === 'deepspeed' ? '"sequence_parallel_size": 2, ' : '';
  const mesh =
    'parallelism_config:\n  parallelism_config_sp_size: 2\n  parallelism_config_sp_backend: deepspeed\n  parallelism_config_dp_shard_size: 4\n';
  const workspace = memoryWorkspace({
    'ds.json': `{ "train_batch_size": ${total}, ${own}"bf16": { "enabled": "auto" }, "zero_optimization": { "stage": 2 } }`,
    'train.yaml':
      'output_dir: out\ndeepspeed: ds.json\nlearning_rate: 2.0e-5\nbf16: true\nper_device_train_batch_size: 2\ngradient_accumulation_steps: 1\n',
    'accelerate.yaml': `distributed_type: DEEPSPEED\nnum_processes: 8\nnum_machines: 1\n${where === 'accelerate' ? mesh : ''}`,
    'run.sh': 'accelerate launch --config_file accelerate.yaml train.py --config train.yaml\n',
  });
  const file = workspace.source(`${ROOT}/train.yaml`);
  if (!file) throw new Error('it cannot be read');
  return analyze(file, { workspace, catalogs: loadCatalogs() })
    .findings()
    .filter(({ rule }) => rule === 'trainer-batch-mismatch')
    .map(({ severity }) => severity);
}

// The Trainer compares before Accelerate has a mesh: args.world_size counts every process
// (transformers src/transformers/integrations/deepspeed.py:143, 5.23.0; :140, 4.57.6).
describe.each(['accelerate', 'deepspeed'] as const)('with a sequence-parallel size in the %s file', (where) => {
  it('the Trainer still multiplies by all processes', () => {
    expect(withSequenceParallel(16, where)).toEqual([]);
    expect(withSequenceParallel(8, where)).toEqual(['error']);
  });
});
