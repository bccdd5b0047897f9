import { describe, expect, it } from 'vitest';
import { join, told, trainer } from './joining';

const TARGET = (nodes: number, gpusPerNode: number) =>
  `{ "target": "box", "targets": { "box": { "hardware": "p4d.24xlarge", "nodes": ${nodes}, "gpusPerNode": ${gpusPerNode} } } }`;

describe('recomputation', () => {
  it.each([
    ['', '5.18.0', '2.9.0', true],
    ['', '4.57.6', '2.9.0', false],
    ['gradient_checkpointing_kwargs:\n  use_reentrant: false\n', '4.57.6', '2.9.0', true],
    ['gradient_checkpointing_kwargs:\n  use_reentrant: true\n', '5.18.0', '2.9.0', false],
    ['', '5.18.0', '2.0.1', false],
  ])('ends early without re-entrance, in torch that can: %j', (more, transformers, torch, expected) => {
    const settings = `{ "frameworks": { "transformers": "${transformers}", "torch": "${torch}" } }`;
    const files = { 'train.yaml': trainer(`gradient_checkpointing: true\n${more}`), 'shardlens.json': settings };
    const { recomputeStopsEarly } = join(files).run;
    expect(recomputeStopsEarly && told(recomputeStopsEarly)).toBe(expected);
  });

  it("ends early under FSDP's own, which accelerate wraps without re-entrance", () => {
    const settings = '{ "frameworks": { "transformers": "4.57.6" } }';
    const config =
      'compute_environment: LOCAL_MACHINE\ndistributed_type: FSDP\nfsdp_config:\n  fsdp_activation_checkpointing: true\n';
    const { recomputeStopsEarly } = join({ 'accelerate.yaml': config, 'shardlens.json': settings }).run;
    expect(recomputeStopsEarly && told(recomputeStopsEarly)).toBe(true);
  });
});

describe('the Trainer file', () => {
  it('says whether every micro-batch reduces gradients, and who loads samples', () => {
    const each =
      'accelerator_config:\n  gradient_accumulation_kwargs:\n    sync_each_batch: true\ndataloader_num_workers: 4\n';
    const { syncsEachMicro, loaderWorkers } = join({ 'train.yaml': trainer(each) }).run;
    expect([syncsEachMicro, loaderWorkers].map((one) => one && told(one))).toEqual([true, 4]);
    const plain = join({ 'train.yaml': trainer('') }).run;
    expect([plain.syncsEachMicro, plain.loaderWorkers].map((one) => one && told(one))).toEqual([false, 0]);
  });
});

describe('threads of torchrun', () => {
  it('are one where it starts several processes on a node, whatever the number of nodes', () => {
    const threads = (nodes: number, perNode: number) =>
      told(
        join({
          'train.yaml': trainer(''),
          'run.sh': `torchrun --nnodes ${nodes} --nproc_per_node ${perNode} train.py train.yaml\n`,
          'shardlens.json': TARGET(nodes, perNode),
        }).run.ompThreads,
      );
    expect(threads(1, 8)).toBe(1);
    expect(threads(4, 8)).toBe(1);
    expect(threads(4, 1)).toMatch(/^unknown.*one process/);
  });
});

describe('offload', () => {
  it('steps beside the GPUs with SuperOffload and with ZenFlow told to', () => {
    const beside = (more: string) => {
      const ds = `{ "zero_optimization": { "stage": 3, ${more} } }`;
      const { sharding } = join({ 'ds.json': ds }).run;
      return sharding.known && sharding.value.kind === 'zero' && sharding.value.cpuStepBeside
        ? told(sharding.value.cpuStepBeside)
        : undefined;
    };
    expect(beside('"offload_optimizer": { "device": "cpu" }')).toBe('nothing');
    expect(beside('"offload_optimizer": { "device": "cpu", "super_offload": true }')).toBe('backward');
    expect(beside('"offload_optimizer": { "device": "cpu" }, "zenflow": { "overlap_step": true }')).toBe('steps');
  });
});
