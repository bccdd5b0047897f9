import { dataRanksOf, setFix, stageOf } from '../rules-support/zero';
import { booleanOf, numberOf, setting } from '../settings';
import { rule } from './rule';

/** Reports a predivide factor that stage 3 divides by twice. */
export const predivideShrinksGradients = rule({
  id: 'predivide-shrinks-gradients',
  severity: 'warning',
  applies: ['deepspeed'],
  needs: ['gradient_predivide_factor'],
  why: 'Stage 3 without reduce-scatter divides gradients by gradient_predivide_factor, averages them over the ranks, and multiplies back only where the factor is not the number of ranks. Where it is, gradients end up too small by that number.',
  source: ['deepspeed/runtime/zero/stage3.py:1760 (0.19.6)'],
  verified: 'read',
  examples: {
    bad: [
      {
        files: {
          'ds_config.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "gradient_predivide_factor": 8.0, "zero_optimization": { "stage": 3, "reduce_scatter": false } }',
          'shardlens.json': '{ "target": "t", "targets": { "t": { "nodes": 1, "gpusPerNode": 8 } } }',
        },
      },
    ],
    good: [
      {
        files: {
          'ds_config.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "gradient_predivide_factor": 4.0, "zero_optimization": { "stage": 3, "reduce_scatter": false } }',
          'shardlens.json': '{ "target": "t", "targets": { "t": { "nodes": 1, "gpusPerNode": 8 } } }',
        },
      },
    ],
  },
  check({ config, run, report }) {
    const found = setting(config, 'gradient_predivide_factor');
    const factor = numberOf(found);
    const scatter = setting(config, 'zero_optimization.reduce_scatter');
    if (!found || factor === undefined || factor === 1 || stageOf(run) !== 3) return;
    if (booleanOf(scatter) !== false || dataRanksOf(run) !== factor) return;
    report({
      at: found,
      message: `gradient_predivide_factor is the number of ranks, ${factor}, and stage 3 then divides gradients by it twice: they come out ${factor} times too small.`,
      fixes: [{ ...setFix(config, found.path, 1), preferred: true }],
    });
  },
});
