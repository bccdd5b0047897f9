import { describe, expect, it } from 'vitest';
import { estimateMemory } from '../../../../server/src/core/estimate/memory/index';
import { type OraclePoint, oracleModel, oracleRun, readArchitectures, readOracle } from '../oracle';

/** Points whose peak is where a block's experts get their gradients: several stacks in a row, of one kind of sharding each. */
const PEAKS: Readonly<Record<string, readonly string[]>> = {
  'memory-oracle': ['mixtral-base', 'mixtral-ckpt', 'mixtral-eager', 'olmoe-base', 'olmoe-ckpt'],
  'sharding-oracle': ['olmoe-2-fsdp2', 'olmoe-2-fsdp8-ga2', 'olmoe-2-fsdp64-pure-ga2', 'olmoe-2-z1-d16-default'],
  architectures: [
    'olmoe-base',
    'olmoe-mask',
    'olmoe-fp32',
    'mixtral-base',
    'mixtral-fp32',
    'deepseek_v2-base',
    'jamba-base',
  ],
};

function score(source: string, id: string): { readonly error: number; readonly moment: string } {
  const fixture = source === 'architectures' ? readArchitectures() : readOracle(source as 'memory-oracle');
  const point = fixture.points.find((it): it is OraclePoint => it.id === id);
  if (point === undefined) throw new Error(`no point ${id}`);
  const model = oracleModel(fixture, point.model, source === 'architectures' ? point.architecture : undefined);
  const { memory } = estimateMemory(oracleRun(point, model));
  const peak = Math.max(point.result.first.peak, point.result.steady.peak);
  return { error: (memory?.phases.step?.allocated ?? 0) / peak - 1, moment: memory?.phases.step?.moment ?? '' };
}

describe("gradients of a block's experts", () => {
  const rows = Object.entries(PEAKS).flatMap(([source, ids]) => ids.map((id) => [source, id] as const));
  it.each(rows)('%s: %s peaks there, within 0.3 %%', (source, id) => {
    const { error, moment } = score(source, id);
    expect(moment).toMatch(/gradients of the (first|last) block's experts/);
    expect(Math.abs(error)).toBeLessThan(0.003);
  });

  it('takes no gradients from dense blocks below the experts, whose turn has not come', () => {
    // One dense layer, then mixtures: the end of backward decides, and no moment before it is above what was counted.
    for (const id of ['glm_moe_dsa-base', 'deepseek_v32-base', 'nemotron_h-base', 'glm4_moe-base'])
      expect(Math.abs(score('architectures', id).error), id).toBeLessThan(0.002);
  });
});
