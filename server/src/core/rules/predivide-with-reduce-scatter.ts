import { removeFix, setFix, stageOf } from '../rules-support/zero';
import { booleanOf, numberOf, type Setting, setting } from '../settings';
import type { Config } from '../source';
import { rule } from './rule';

/** Reports gradient scaling that reduce-scatter does not take. */
export const predivideWithReduceScatter = rule({
  id: 'predivide-with-reduce-scatter',
  severity: 'error',
  applies: ['deepspeed'],
  needs: ['prescale_gradients', 'gradient_predivide_factor'],
  why: 'With reduce_scatter, which is on by default, stages 2 and 3 always divide after the sum and assert that nothing else is asked for; stage 1 ignores both keys.',
  source: [
    'deepspeed/runtime/zero/stage_1_and_2.py:310 (0.19.6)',
    'deepspeed/runtime/zero/stage3.py:388 (0.19.6)',
    'deepspeed/runtime/zero/stage_1_and_2.py:1435 (0.19.6) stage 1',
  ],
  verified: 'run',
  examples: {
    bad: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "prescale_gradients": true, "zero_optimization": { "stage": 2 } }',
      },
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "gradient_predivide_factor": 2.0, "zero_optimization": { "stage": 3, "reduce_scatter": true } }',
      },
    ],
    good: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "prescale_gradients": true, "zero_optimization": { "stage": 2, "reduce_scatter": false } }',
      },
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "gradient_predivide_factor": 1.0, "zero_optimization": { "stage": 3 } }',
      },
    ],
  },
  check({ config, run, report }) {
    const stage = stageOf(run);
    const scatter = setting(config, 'zero_optimization.reduce_scatter');
    if (!stage || (scatter && booleanOf(scatter) !== true)) return;
    for (const found of asked(config)) {
      report({
        at: scatter ? [found, scatter] : found,
        severity: stage === 1 ? 'warning' : 'error',
        message:
          stage === 1
            ? `ZeRO stage 1 ignores ${found.path} while reduce_scatter is on, which it is by default.`
            : `${found.path} does not work at ZeRO stage ${stage} while reduce_scatter is on, which it is by default. DeepSpeed stops when it builds the optimizer.`,
        fixes: [removeFix(found), setFix(config, 'zero_optimization.reduce_scatter', false)],
      });
    }
  },
});

function asked(config: Config): Setting[] {
  const prescale = setting(config, 'prescale_gradients');
  const factor = setting(config, 'gradient_predivide_factor');
  const number = numberOf(factor);
  return [
    ...(prescale && booleanOf(prescale) === true ? [prescale] : []),
    ...(factor && number !== undefined && number !== 1 ? [factor] : []),
  ];
}
