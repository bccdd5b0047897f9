import { describe, expect, it } from 'vitest';
import { estimateMemory } from '../../../../server/src/core/estimate/memory/index';
import { oracleModel, oracleRun, readOracle } from '../oracle';

const fixture = readOracle('moe-lora-oracle');

describe('LoRA on mixtures of experts, against PEFT run on fake tensors', () => {
  it.each(fixture.points.map((point) => [point.id, point] as const))(
    '%s is counted with the experts that PEFT adapts',
    (_, point) => {
      const { memory } = estimateMemory(oracleRun(point, oracleModel(fixture, point.model, point.architecture)));
      const counted = Math.max(point.result.first.peak, point.result.steady.peak);
      const error = (memory?.allocated ?? 0) / counted - 1;
      expect(Math.abs(error)).toBeLessThan(0.005);
    },
  );
});
