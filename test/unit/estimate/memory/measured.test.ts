import { describe, expect, it } from 'vitest';
import { estimateMemory } from '../../../../server/src/core/estimate/memory/index';
import { type LlamaShape, llamaModel, type RunSpec, testRun } from '../builders';

const GIB = 2 ** 30;
const LLAMA_32_3B: LlamaShape = {
  hidden: 3072,
  intermediate: 8192,
  layers: 28,
  heads: 24,
  kvHeads: 8,
  vocab: 128256,
  tied: true,
};
const LLAMA_2_7B: LlamaShape = { hidden: 4096, intermediate: 11008, layers: 32, heads: 32, kvHeads: 32, vocab: 32000 };
const LLAMA_2_13B: LlamaShape = { hidden: 5120, intermediate: 13824, layers: 40, heads: 40, kvHeads: 40, vocab: 32000 };
const LORA = { rank: 8, targets: ['q_proj', 'v_proj'] };

interface Row {
  readonly what: string;
  readonly source: string;
  readonly shape: LlamaShape;
  readonly spec: RunSpec;
  readonly measuredGib: number;
  /** How near another code base's figure can be expected to lie. */
  readonly within: number;
}

/** Peaks that others measured on GPUs, `max_memory_allocated`. litgpt ran its own model code on samples of up to 1304 tokens. */
const rows: readonly Row[] = [
  {
    what: 'Llama-3.2-3B, full bf16, 2 × 4096 tokens',
    source: 'pytorch/torchtune@bd2a0fc7c3 README.md',
    shape: LLAMA_32_3B,
    spec: { micro: 2, sequence: 4096 },
    measuredGib: 60.0,
    within: 0.04,
  },
  {
    what: 'Llama-2-7B LoRA, 1 sample',
    source: 'Lightning-AI/litgpt@26857050fe tutorials/resource-tables.md',
    shape: LLAMA_2_7B,
    spec: { micro: 1, sequence: 1304, lora: LORA, accumulation: 128 },
    measuredGib: 19.84,
    within: 0.06,
  },
  {
    what: 'Llama-2-7B LoRA, 2 samples',
    source: 'Lightning-AI/litgpt@26857050fe tutorials/resource-tables.md',
    shape: LLAMA_2_7B,
    spec: { micro: 2, sequence: 1304, lora: LORA, accumulation: 64 },
    measuredGib: 27.07,
    within: 0.08,
  },
  {
    what: 'Llama-2-13B LoRA, 1 sample',
    source: 'Lightning-AI/litgpt@26857050fe tutorials/resource-tables.md',
    shape: LLAMA_2_13B,
    spec: { micro: 1, sequence: 1304, lora: LORA, accumulation: 128 },
    measuredGib: 35.5,
    within: 0.06,
  },
];

describe('against peaks measured on GPUs', () => {
  it.each(rows)('$what ($source)', ({ shape, spec, measuredGib, within }) => {
    const { memory } = estimateMemory(testRun({ model: llamaModel(shape), ...spec }));
    const error = (memory?.allocated ?? 0) / GIB / measuredGib - 1;
    expect(Math.abs(error), `off by ${(error * 100).toFixed(1)} %`).toBeLessThan(within);
    expect(memory?.high).toBeGreaterThan(measuredGib * GIB);
  });
});
