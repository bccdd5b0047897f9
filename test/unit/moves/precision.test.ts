import { describe, expect, it } from 'vitest';
import { estimateRun } from '../../../server/src/core/estimate/index';
import { precision } from '../../../server/src/core/moves/precision';
import { opened } from './run-in';

const TRAIN = `model_name_or_path: Qwen/Qwen2.5-1.5B
output_dir: out
per_device_train_batch_size: 1
fp16: true
deepspeed: ds.json
`;
const settings = (hardware: string) =>
  `{ "target": "t", "targets": { "t": { "hardware": "${hardware}" } }, "sequenceLength": 2048 }`;
const files = (ds: string, train = TRAIN, hardware = 'p4d.24xlarge') => ({
  'train.yaml': train,
  'ds.json': ds,
  'shardlens.json': settings(hardware),
});

describe('bfloat16 under DeepSpeed', () => {
  it.each([
    [
      'follows where the file says auto',
      '{ "fp16": { "enabled": "auto" }, "bf16": { "enabled": "auto" }, "zero_optimization": { "stage": 2 } }',
      undefined,
    ],
    [
      'is written where the file has float16',
      '{ "fp16": { "enabled": true }, "zero_optimization": { "stage": 2 } }',
      '{ "fp16": { "enabled": false }, "zero_optimization": { "stage": 2 }, "bf16": {"enabled": true} }',
    ],
  ])('%s', (_, ds, expected) => {
    const { moves, written, run } = opened(precision, files(ds));
    const [move] = moves;
    if (!move) throw new Error('no move');
    const { texts, brings, analysis } = written(move);
    expect(texts['ds.json']).toBe(expected);
    expect(texts['train.yaml']).toBe(
      TRAIN.replace('fp16: true\n', '').replace('deepspeed: ds.json\n', 'deepspeed: ds.json\nbf16: true\n'),
    );
    expect(brings()).toEqual([]);
    expect(analysis.run?.precision.compute).toMatchObject({ value: 'bf16' });
    expect(analysis.estimate()?.memory?.value).toBe(estimateRun(move.apply(run)).memory?.value);
  });

  it('is not tried on a GPU that has none, nor where a script of its own makes the batches', () => {
    const ds =
      '{ "fp16": { "enabled": true }, "train_micro_batch_size_per_gpu": 1, "zero_optimization": { "stage": 2 } }';
    expect(opened(precision, files(ds, TRAIN, 'p3dn.24xlarge')).moves).toEqual([]);
    const alone = opened(precision, {
      'ds.json': ds,
      'shardlens.json': settings('p4d.24xlarge').replace(
        '}, "seq',
        '}, "consumer": "deepspeed", "model": "Qwen/Qwen2.5-1.5B", "seq',
      ),
    });
    expect(alone.moves).toEqual([]);
    expect(alone.closed).toEqual([{ what: 'precision', because: expect.stringContaining('the script') }]);
  });
});
