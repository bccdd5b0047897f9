import { describe, expect, it } from 'vitest';
import { estimateRun } from '../../../server/src/core/estimate/index';
import { superOffload, twinFlow } from '../../../server/src/core/moves/twin-flow';
import { opened } from './run-in';

const TRAIN = `model_name_or_path: meta-llama/Llama-3.1-8B
output_dir: out
per_device_train_batch_size: 1
gradient_accumulation_steps: 4
gradient_checkpointing: true
bf16: true
deepspeed: ds.json
`;
const DS = `{
  "train_micro_batch_size_per_gpu": "auto",
  "gradient_accumulation_steps": "auto",
  "gradient_clipping": "auto",
  "bf16": { "enabled": "auto" },
  "zero_optimization": { "stage": 3, "offload_optimizer": { "device": "cpu" } }
}
`;
const files = (train = TRAIN, ds = DS, hardware = 'p4d.24xlarge') => ({
  'train.yaml': train,
  'ds.json': ds,
  'shardlens.json': `{ "target": "t", "targets": { "t": { "hardware": "${hardware}" } }, "sequenceLength": 2048,
    "frameworks": { "transformers": "5.23.0", "accelerate": "1.15.0", "deepspeed": "0.19.8" } }`,
});

describe('the share of the optimizer that is offloaded', () => {
  const { run, moves, written } = opened(twinFlow, files());

  it('is tried in steps, with sub-groups small enough for it to come out', () => {
    expect(moves.map(({ title }) => /ratio ([\d.]+)/.exec(title)?.[1])).toEqual(['0.2', '0.4', '0.6', '0.8']);
    const [first] = moves;
    const texts = first && written(first).texts;
    expect(JSON.parse(texts?.['ds.json'] ?? '').zero_optimization).toEqual({
      stage: 3,
      offload_optimizer: { device: 'cpu', ratio: 0.2 },
      sub_group_size: 1e8,
    });
  });

  it('moves states from the host to the GPU and shortens the step, and gives what the search was told', () => {
    const before = estimateRun(run);
    for (const move of moves) {
      const tried = written(move);
      expect(tried.brings()).toEqual([]);
      const after = tried.analysis.estimate();
      expect(after?.memory?.value ?? 0).toBeGreaterThan(before.memory?.value ?? 0);
      expect(after?.host?.bytes ?? 0).toBeLessThan(before.host?.bytes ?? 0);
      expect(after?.step?.seconds ?? 0).toBeLessThan(before.step?.seconds ?? 0);
      const promised = estimateRun(move.apply(run));
      expect(after?.memory?.value).toBe(promised.memory?.value);
      expect(after?.step?.seconds).toBe(promised.step?.seconds);
    }
  });

  const BOTH = DS.replace('"device": "cpu" }', '"device": "cpu" }, "offload_param": { "device": "cpu" }');

  it('is tried with the weights on the host too, which what the GPU stepped goes back to', () => {
    const both = opened(twinFlow, files(TRAIN, BOTH));
    expect(both.moves.map((move) => move.allows?.(both.run))).toEqual([true, true, true, true]);
    const [first] = both.moves;
    if (!first) throw new Error('no move');
    const tried = both.written(first);
    expect(tried.brings()).toEqual([]);
    const after = tried.analysis.estimate();
    const back = after?.step?.terms.find(({ id }) => id === 'offload.weights-to-host');
    // 1.004 billion weights of a rank are ten sub-groups of 1e8 and one more, beside which the Trainer has one of biases: int(0.8 × 12) stay.
    expect((back?.traffic?.bytes ?? 0) / 1e9).toBeCloseTo(2 * 0.9, 6);
    expect(after?.step?.seconds).toBe(estimateRun(first.apply(both.run)).step?.seconds);
    const before = estimateRun(both.run);
    expect(before.step?.terms.some(({ id }) => id === 'offload.weights-to-host')).toBe(false);
    expect(after?.memory?.value ?? 0).toBeGreaterThan(before.memory?.value ?? 0);
  });

  it('is not tried with the weights on drives, and says so', () => {
    const drives = BOTH.replace(
      '"offload_param": { "device": "cpu" }',
      '"offload_param": { "device": "nvme", "nvme_path": "/nvme" }',
    );
    const at = opened(twinFlow, files(TRAIN, drives));
    expect(at.moves.map((move) => move.allows?.(at.run))).toEqual([false, false, false, false]);
    expect(at.closed).toEqual([{ what: 'share of the optimizer offload', because: expect.stringContaining('drives') }]);
  });

  it('is for stage 3 and an optimizer on the host', () => {
    const on = (ds: string) => {
      const at = opened(twinFlow, files(TRAIN, ds));
      return at.moves.map((move) => move.allows?.(at.run));
    };
    expect(on(DS)).toEqual([true, true, true, true]);
    expect(on(DS.replace('"stage": 3', '"stage": 2'))).toEqual([false, false, false, false]);
    expect(on(DS.replace(', "offload_optimizer": { "device": "cpu" }', ''))).toEqual([false, false, false, false]);
  });

  it('is not tried where a script makes the groups of parameters, and that is said', () => {
    const own = DS.replaceAll('"auto"', '1').replace('"enabled": 1', '"enabled": true');
    const { moves: none, closed } = opened(twinFlow, {
      'ds.json': own.replace('{', '{ "optimizer": { "type": "AdamW", "params": { "lr": 1e-5 } },'),
      'shardlens.json':
        '{ "target": "t", "targets": { "t": { "hardware": "p4d.24xlarge" } }, "sequenceLength": 2048, "consumer": "deepspeed", "model": "meta-llama/Llama-3.1-8B" }',
    });
    expect(none).toEqual([]);
    expect(closed).toEqual([
      { what: 'share of the optimizer offload', because: expect.stringContaining('the script') },
    ]);
  });

  it('is not tried with another optimizer than CPU Adam', () => {
    const lion = DS.replace('{', '{ "optimizer": { "type": "Lion", "params": { "lr": 1e-4 } },');
    expect(opened(twinFlow, files(TRAIN, lion)).moves).toEqual([]);
  });
});

describe('SuperOffload', () => {
  it('is tried where the CPU is on the link of the GPU and nothing is clipped', () => {
    const { moves, written, run } = opened(superOffload, files(`${TRAIN}max_grad_norm: 0\n`, DS, 'nvidia-gh200-96gb'));
    expect(moves.map(({ title }) => title)).toEqual(['Step on the CPU beside the backward pass (super_offload)']);
    const [move] = moves;
    if (!move) throw new Error('no move');
    const tried = written(move);
    expect(tried.brings()).toEqual([]);
    expect(tried.analysis.estimate()?.step?.seconds).toBeLessThan(estimateRun(run).step?.seconds ?? 0);
  });

  it('is not tried with clipping, and says so, as of ZenFlow', () => {
    const { moves, closed } = opened(superOffload, files(TRAIN, DS, 'nvidia-gh200-96gb'));
    expect(moves).toEqual([]);
    expect(closed.map(({ what }) => what)).toEqual(['ZenFlow', 'SuperOffload']);
  });
});
