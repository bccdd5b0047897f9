import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  bytesBetweenNodes,
  collectiveSeconds,
  type GroupPath,
  wireBytes,
} from '../../../../server/src/core/estimate/time/collectives';
import { timeFacts } from '../../../../server/src/core/estimate/time/facts';
import { flowBytes, flowsOf } from '../../../../server/src/core/estimate/time/traffic';
import type { TrainingRun } from '../../../../server/src/core/run/training-run';
import { cluster } from './clusters';
import { decoder, fsdp, given, LLAMA_3_8B, offloadedSharding, replicated, run, zero } from './runs';

const model = decoder(LLAMA_3_8B);
const N = model.parameters.total;
const p4d = (nodes: number) => cluster('p4d.24xlarge', { nodes, gpusPerNode: 8 });

function flows(of: TrainingRun) {
  const resolved = timeFacts(of);
  if (!resolved.ok) throw new Error(JSON.stringify(resolved.missing));
  return flowsOf(resolved.facts);
}

/** Bytes one rank sends in one optimizer step. */
function sent(of: TrainingRun): number {
  return flows(of).reduce((sum, flow) => sum + flowBytes(flow), 0);
}

const nodes = fc.integer({ min: 1, max: 32 });
const steps = fc.integer({ min: 1, max: 16 });

describe('bytes on the wire', () => {
  test('ZeRO-1 sends what DDP sends', () => {
    fc.assert(
      fc.property(nodes, steps, (n, accumulation) => {
        const ddp = sent(run({ model, cluster: p4d(n), sharding: replicated('ddp'), accumulation }));
        const zero1 = sent(run({ model, cluster: p4d(n), sharding: zero(1), accumulation }));
        expect(zero1 / ddp).toBeCloseTo(1, 9);
        const ranks = 8 * n;
        expect(ddp / ((4 * N * (ranks - 1)) / ranks)).toBeCloseTo(1, 9);
      }),
    );
  });

  test('ZeRO-3 that gathers twice sends 1.5 times DDP in every micro-step', () => {
    fc.assert(
      fc.property(nodes, steps, (n, accumulation) => {
        const ddp = sent(run({ model, cluster: p4d(n), sharding: replicated('ddp') }));
        const zero3 = sent(run({ model, cluster: p4d(n), sharding: zero(3), accumulation }));
        expect(zero3 / (accumulation * ddp)).toBeCloseTo(1.5, 9);
      }),
    );
  });

  test('ZeRO-2 reduces in every micro-step and gathers once', () => {
    const zero2 = sent(run({ model, cluster: p4d(1), sharding: zero(2), accumulation: 4 }));
    expect(zero2).toBeCloseTo(((4 * 2 + 2) * N * 7) / 8, -3);
  });

  test('more ranks never send less', () => {
    const kinds = [replicated('ddp'), zero(1), zero(2), zero(3), fsdp()];
    fc.assert(
      fc.property(nodes, nodes, fc.constantFrom(...kinds), (a, b, sharding) => {
        const [few, many] = [Math.min(a, b), Math.max(a, b)];
        const less = sent(run({ model, cluster: p4d(few), sharding }));
        const more = sent(run({ model, cluster: p4d(many), sharding }));
        expect(more).toBeGreaterThanOrEqual(less * (1 - 1e-9));
      }),
    );
  });

  test('the published run sends 186 GB per GPU and step, 193 if embedding and head were gathered three times', () => {
    const four = cluster('p4d.24xlarge', { gpusPerNode: 4 });
    const bytes = sent(run({ model, cluster: four, sharding: offloadedSharding(), accumulation: 4, length: 75 }));
    expect(bytes / 1e9).toBeCloseTo(186.4, 0);
    expect(bytes).toBeLessThan((16 * 2 * N * 3) / 4);
  });

  test('FSDP reduces once per step, keeps weights in SHARD_GRAD_OP, and adds an all-reduce between replicas', () => {
    const shape = { model, cluster: p4d(2), accumulation: 2 } as const;
    const full = flows(run({ ...shape, sharding: fsdp() }));
    expect(full.map(({ collective }) => collective)).toEqual(['all-gather', 'reduce-scatter']);
    const kept = sent(run({ ...shape, sharding: fsdp({ strategy: given('SHARD_GRAD_OP') }) }));
    expect(kept).toBeLessThan(full.reduce((sum, flow) => sum + flowBytes(flow), 0));
    const hybrid = flows(run({ ...shape, sharding: fsdp({ strategy: given('HYBRID_SHARD') }), shard: 8 }));
    expect(hybrid.map(({ dimension, ranks }) => `${dimension} ${ranks}`)).toEqual(['shard 8', 'shard 8', 'data 2']);
  });

  test('FSDP1 without backward prefetch waits for the second gather; FSDP2 always fetches ahead', () => {
    const shape = { model, cluster: p4d(2) } as const;
    const waiting = (version: 1 | 2) =>
      flows(run({ ...shape, sharding: fsdp({ version: given(version), backwardPrefetch: given('NO_PREFETCH') }) }));
    expect(waiting(1).map(({ hides }) => hides)).toEqual(['beside-compute', 'never', 'beside-compute']);
    expect(waiting(2).map(({ hides }) => hides)).toEqual(['beside-compute', 'beside-compute']);
    const bytes = (version: 1 | 2) => waiting(version).reduce((sum, flow) => sum + flowBytes(flow), 0);
    expect(bytes(1)).toBeCloseTo(bytes(2), -3);
  });

  test('hpZ gathers for the backward inside the secondary group', () => {
    const shape = { model, cluster: p4d(2) } as const;
    const hpz = flows(run({ ...shape, sharding: zero(3, { hpzPartitionRanks: given(8) }) }));
    expect(hpz.filter(({ collective }) => collective === 'all-gather').map(({ ranks }) => ranks)).toEqual([16, 8]);
    const quantised = zero(3, { quantizedWeights: given(true), quantizedGradients: given(true) });
    expect(sent(run({ ...shape, sharding: quantised }))).toBeLessThan(0.6 * sent(run({ ...shape, sharding: zero(3) })));
  });

  test('LoRA reduces only what it trains', () => {
    const lora = given({ rank: given(16), targets: given(['q_proj', 'v_proj']), modulesToSave: given<string[]>([]) });
    const of = run({ model, cluster: p4d(1), sharding: replicated('ddp'), changes: { lora } });
    // 16 × (4096 + 4096) + 16 × (4096 + 1024) per block.
    expect(sent(of)).toBeCloseTo((4 * 32 * 16 * (8192 + 5120) * 7) / 8, -1);
  });

  test('tensor parallelism all-reduces four times per block and micro-batch, six under full checkpointing', () => {
    const shape = {
      model,
      cluster: p4d(1),
      sharding: replicated('ddp'),
      tensor: 8,
      micro: 2,
      accumulation: 3,
    } as const;
    const [flow] = flows(run({ ...shape, changes: { checkpointing: given('none') } }));
    expect(flow).toMatchObject({
      collective: 'all-reduce',
      ranks: 8,
      calls: 4 * 32 * 3,
      bytesPerCall: 2 * 4096 * 4096,
    });
    expect(flows(run(shape))[0]).toMatchObject({ calls: 6 * 32 * 3 });
  });

  test('no rank sends to itself', () => {
    for (const collective of ['all-gather', 'reduce-scatter', 'all-reduce', 'all-to-all', 'send'] as const) {
      expect(wireBytes(collective, 1e9, 1)).toBe(0);
    }
  });
});

describe('a group that spans nodes', () => {
  const path = (ranks: number, perNode: number, intra = 300e9, inter = 12.5e9): GroupPath => ({
    ranks,
    perNode,
    nodes: ranks / perNode,
    intra: { bytesPerSecond: intra, latencySeconds: 0 },
    inter: { bytesPerSecond: inter, latencySeconds: 0 },
  });

  test('leaves a node once in a ring, and in equal parts to every rank in an exchange', () => {
    expect(bytesBetweenNodes('all-gather', 16e9, path(16, 8))).toBe(2e9);
    expect(bytesBetweenNodes('all-reduce', 16e9, path(8, 8))).toBe(0);
    // 8 of the 15 others are on the other node.
    expect(bytesBetweenNodes('all-to-all', 15e9, path(16, 8))).toBe(8e9);
    expect(bytesBetweenNodes('send', 1e9, path(2, 1))).toBe(1e9);
  });

  test('waits for its own share of the network in an exchange, not for that of the whole node', () => {
    const seconds = collectiveSeconds('all-to-all', 16e9, path(16, 8));
    expect(seconds).toBeCloseTo(8e9 / 12.5e9, 3);
    expect(collectiveSeconds('all-to-all', 16e9, path(8, 8))).toBeCloseTo(14e9 / 300e9, 3);
  });

  test('sends no byte twice and loses none', () => {
    const kinds = fc.constantFrom('all-gather' as const, 'reduce-scatter' as const, 'all-to-all' as const);
    fc.assert(
      fc.property(kinds, fc.constantFrom(1, 2, 4, 8), fc.integer({ min: 1, max: 64 }), (kind, perNode, n) => {
        const on = path(perNode * n, perNode);
        const between = bytesBetweenNodes(kind, wireBytes(kind, 1e9, on.ranks), on);
        expect(between).toBeGreaterThanOrEqual(0);
        expect(between).toBeLessThanOrEqual(wireBytes(kind, 1e9, on.ranks) * (1 + 1e-12));
      }),
    );
  });
});
