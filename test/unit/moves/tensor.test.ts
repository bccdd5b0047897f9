import { describe, expect, it } from 'vitest';
import { estimateRun } from '../../../server/src/core/estimate/index';
import { tensorSize } from '../../../server/src/core/moves/tensor';
import { opened } from './run-in';

const TRAIN = `model_name_or_path: meta-llama/Llama-3.1-8B
output_dir: out
per_device_train_batch_size: 2
gradient_accumulation_steps: 4
bf16: true
deepspeed: ds.json
`;
const DS = `{
  "train_micro_batch_size_per_gpu": "auto",
  "gradient_accumulation_steps": "auto",
  "bf16": { "enabled": "auto" },
  "zero_optimization": { "stage": 2 }
}
`;
const FRAMEWORKS =
  '"frameworks": { "transformers": "5.23.0", "accelerate": "1.15.0", "deepspeed": "0.19.8", "trl": "1.16.0" }';
const settings = (more = FRAMEWORKS) =>
  `{ "target": "t", "targets": { "t": { "hardware": "p4d.24xlarge", "nodes": 2 } }, "sequenceLength": 4096, ${more} }`;

const files = (train = TRAIN, ds = DS, shardlens = settings()) => ({
  'train.yaml': train,
  'ds.json': ds,
  'shardlens.json': shardlens,
});

describe('tensor parallelism from scratch', () => {
  const { run, moves, written, closed } = opened(tensorSize, files());

  it('is tried inside a node, in sizes that give each rank whole heads', () => {
    expect(closed).toEqual([]);
    expect(moves.map(({ title }) => title)).toEqual([
      'Split each layer over 2 GPUs of a node (autotp_size 2) and set gradient_accumulation_steps to 8',
      'Split each layer over 4 GPUs of a node (autotp_size 4) and set gradient_accumulation_steps to 16',
      'Split each layer over 8 GPUs of a node (autotp_size 8) and set gradient_accumulation_steps to 32',
    ]);
  });

  it('is switched on by one key, with the one that checkpoints need', () => {
    const [first] = moves;
    if (!first) throw new Error('no move');
    const { texts } = written(first);
    const changed = JSON.parse(texts['ds.json'] ?? '');
    expect(changed.tensor_parallel).toEqual({ autotp_size: 2 });
    expect(changed.zero_optimization).toEqual({ stage: 2, stage3_gather_16bit_weights_on_model_save: true });
  });

  it('gives the files exactly what the search was told, keeps the global batch and brings no finding', () => {
    for (const move of moves) {
      const { analysis, brings } = written(move);
      expect(brings(), move.title).toEqual([]);
      const after = analysis.run;
      expect(after?.parallelism.tensor, move.title).toMatchObject({
        value: Number(/autotp_size (\d)/.exec(move.title)?.[1]),
      });
      expect(after?.batch.global).toMatchObject({ value: run.batch.global.known && run.batch.global.value });
      const promised = estimateRun(move.apply(run));
      expect(analysis.estimate()?.memory?.value).toBe(promised.memory?.value);
      expect(analysis.estimate()?.step?.seconds).toBe(promised.step?.seconds);
    }
  });

  it('is tried at the stages at which every release runs it', () => {
    const at3 = opened(tensorSize, files(TRAIN, DS.replace('2 }', '3 }')));
    expect(at3.moves.map((move) => move.allows?.(at3.run))).toEqual([false, false, false]);
    expect(moves.map((move) => move.allows?.(run))).toEqual([true, true, true]);
  });

  it.each([
    ['adapters', files(`${TRAIN}use_peft: true\n`), 'adapters'],
    ['a batch written as a product', files(TRAIN, DS.replace('{', '{ "train_batch_size": 128,')), 'train_batch_size'],
    [
      'a model that it was not seen to split',
      files(TRAIN.replace('meta-llama/Llama-3.1-8B', 'google/gemma-2-9b')),
      'gemma2',
    ],
    [
      'an old release',
      files(TRAIN, DS, settings('"frameworks": { "deepspeed": "0.15.4" }')),
      'it needs deepspeed 0.16.4',
    ],
    [
      'a script of its own',
      {
        'ds.json': DS.replaceAll('"auto"', '1').replace('"enabled": 1', '"enabled": true'),
        'shardlens.json': settings('"model": "meta-llama/Llama-3.1-8B", "consumer": "deepspeed"'),
      },
      'the script',
    ],
    [
      'FSDP',
      {
        'train.yaml': TRAIN.replace('deepspeed: ds.json\n', ''),
        'accelerate.yaml':
          'distributed_type: FSDP\nnum_processes: 16\nnum_machines: 2\nfsdp_config:\n  fsdp_version: 2\n',
        'shardlens.json': settings('"files": { "train.yaml": { "with": ["accelerate.yaml"] } }'),
      },
      'the script must load the model in slices',
    ],
  ] as const)('is not tried with %s, and says so', (_, project, words) => {
    const { moves: none, closed: why } = opened(tensorSize, project);
    expect(none).toEqual([]);
    expect(why).toEqual([{ what: 'tensor parallelism', because: expect.stringContaining(words) }]);
  });
});
