import { describe, expect, it } from 'vitest';
import { scriptOnly } from '../../../server/src/core/moves/script';
import { opened } from './run-in';

function told(model: string, gpusPerNode: number): string[] {
  const { moves, closed } = opened(scriptOnly, {
    'train.yaml': `model_name_or_path: ${model}\noutput_dir: out\nper_device_train_batch_size: 1\ngradient_accumulation_steps: 2\nlearning_rate: 1.0e-5\nbf16: true\n`,
    'shardlens.json': `{ "target": "t", "targets": { "t": { "hardware": "p5.48xlarge", "gpusPerNode": ${gpusPerNode} } } }`,
  });
  expect(moves).toEqual([]);
  return closed.map(({ what }) => what);
}

describe('what only a script can do', () => {
  it('is told where there is more than one GPU, of experts where there are some', () => {
    expect(told('meta-llama/Llama-3.1-8B', 1)).toEqual([]);
    expect(told('meta-llama/Llama-3.1-8B', 8)).toEqual(['pipeline stages']);
    expect(told('mistralai/Mixtral-8x7B-v0.1', 8)).toEqual(['pipeline stages', 'expert parallelism']);
  });
});
