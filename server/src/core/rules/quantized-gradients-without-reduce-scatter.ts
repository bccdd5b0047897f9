import { removeFix, setFix, stageOf } from '../rules-support/zero';
import { booleanOf, setting } from '../settings';
import { rule } from './rule';

/** Reports ZeRO++ gradient quantisation without the reduce-scatter it is built into. */
export const quantizedGradientsWithoutReduceScatter = rule({
  id: 'quantized-gradients-without-reduce-scatter',
  severity: 'error',
  applies: ['deepspeed'],
  needs: ['zero_optimization.zero_quantized_gradients'],
  why: 'zero_quantized_gradients replaces the reduce-scatter of stage 3; DeepSpeed asserts that reduce_scatter is on.',
  source: ['deepspeed/runtime/zero/stage3.py:383 (0.19.6)'],
  verified: 'run',
  examples: {
    bad: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 3, "zero_quantized_gradients": true, "reduce_scatter": false } }',
      },
    ],
    good: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 3, "zero_quantized_gradients": true, "reduce_scatter": true } }',
      },
    ],
  },
  check({ config, run, report }) {
    const quantized = setting(config, 'zero_optimization.zero_quantized_gradients');
    const scatter = setting(config, 'zero_optimization.reduce_scatter');
    if (!quantized || !scatter || stageOf(run) !== 3) return;
    if (booleanOf(quantized) !== true || booleanOf(scatter) !== false) return;
    report({
      at: [quantized, scatter],
      message:
        'zero_quantized_gradients needs reduce_scatter, which is false. DeepSpeed stops when it builds the optimizer.',
      fixes: [setFix(config, 'zero_optimization.reduce_scatter', true), removeFix(quantized)],
    });
  },
});
