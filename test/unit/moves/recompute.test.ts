import { describe, expect, it } from 'vitest';
import { estimateRun } from '../../../server/src/core/estimate/index';
import { packing } from '../../../server/src/core/moves/packing';
import { recompute } from '../../../server/src/core/moves/recompute';
import { opened } from './run-in';

const FSDP =
  'fsdp: full_shard auto_wrap\nfsdp_config:\n  fsdp_version: 2\n  transformer_layer_cls_to_wrap: LlamaDecoderLayer\n';
const TRAIN = `model_name_or_path: meta-llama/Llama-3.2-1B
output_dir: out
dataset_name: trl-lib/Capybara
per_device_train_batch_size: 1
gradient_accumulation_steps: 4
bf16: true
max_length: 1024
`;
const files = (more: string) => ({
  'train.yaml': TRAIN + more,
  'run.sh': 'trl sft --config train.yaml --num_processes 8\n',
  'shardlens.json': `{ "target": "t", "targets": { "t": { "hardware": "p4d.24xlarge" } },
    "frameworks": { "transformers": "5.23.0", "accelerate": "1.15.0", "trl": "1.16.0" } }`,
});

describe('recomputation that only a default of TRL’s turns on', () => {
  it.each([
    ['', ''],
    ['under FSDP', FSDP],
  ])('is turned off by its key%s', (_, more) => {
    const { run, moves, written } = opened(recompute, files(more));
    expect(moves.map(({ title }) => title)).toEqual(['Turn off gradient_checkpointing']);
    const [move] = moves;
    if (!move) throw new Error('no move');
    const tried = written(move);
    expect(tried.texts['train.yaml']).toMatch(/^gradient_checkpointing: false$/m);
    const promised = estimateRun(move.apply(run));
    expect(tried.analysis.estimate()?.memory?.value).toBe(promised.memory?.value);
    expect(tried.analysis.estimate()?.step?.seconds).toBe(promised.step?.seconds);
  });
});

it('packing is not tried without the mean length of samples, and that is said', () => {
  const { moves, closed } = opened(packing, files(''));
  expect(moves).toEqual([]);
  expect(closed).toEqual([{ what: 'packing', because: expect.stringContaining('mean length') }]);
});
