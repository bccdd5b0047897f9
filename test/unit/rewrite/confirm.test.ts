import { describe, expect, it } from 'vitest';
import { confirmedFixes } from '../../../server/src/core/rewrite/confirm';
import { project } from './rewriting';

/** Whether the preferred fix of each finding of a rule is still one. */
function preferredOf(files: Readonly<Record<string, string>>, rule: string): boolean[] {
  const { analysis, input } = project(files);
  return analysis
    .findings()
    .filter((finding) => finding.rule === rule)
    .map((finding) => confirmedFixes(analysis, finding, input).some(({ preferred }) => preferred));
}

describe('a preferred fix', () => {
  it('is recommended where it keeps its promise', () => {
    expect(preferredOf({ 'ds.json': '{ "zero_optimization": { "stage": "2" } }' }, 'numeric-string')).toEqual([true]);
  });

  it('is only offered where it uncovers what is as bad', () => {
    expect(preferredOf({ 'ds.json': '{ "zero_optimization": { "stage": "8" } }' }, 'numeric-string')).toEqual([false]);
  });

  it('is only offered in a file too large to try each', () => {
    const keys = Array.from({ length: 8000 }, (_, index) => `"filler_of_a_file_${index}": 1`).join(',\n');
    const wrong = Array.from({ length: 60 }, (_, index) => `"flops_profiler_${index}": "true"`).join(',\n');
    const text = `{ "zero_optimization": { "stage": "2", "overlap_comm": "true", "contiguous_gradients": "true", "reduce_scatter": "true", "allgather_partitions": "true", "round_robin_gradients": "true", "ignore_unused_parameters": "true", "stage3_gather_16bit_weights_on_model_save": "true", "zero_quantized_weights": "true", "zero_quantized_gradients": "true", "load_from_fp32_weights": "true", "elastic_checkpoint": "true" },\n${wrong},\n${keys} }`;
    const { analysis, input } = project({ 'ds.json': text });
    const found = analysis.findings().filter(({ fixes }) => fixes.some(({ preferred }) => preferred));
    expect(found.length * text.length).toBeGreaterThan(2 * 1024 * 1024);
    let units = 0;
    const counting = {
      ...input,
      analyze: (...[file, workspace]: Parameters<typeof input.analyze>) => {
        units += file.text.length;
        return input.analyze(file, workspace);
      },
    };
    const kept = found.map((finding) => confirmedFixes(analysis, finding, counting).some(({ preferred }) => preferred));
    expect(units).toBeLessThan(2.5 * 1024 * 1024);
    expect(kept.at(-1)).toBe(false);
  });
});
