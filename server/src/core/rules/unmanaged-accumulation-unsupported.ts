import { removeFix, setFix, stageOf } from '../rules-support/zero';
import { booleanOf, setting } from '../settings';
import { rule } from './rule';

/** Reports accumulation handed to the script where DeepSpeed has to count the micro-batches itself. */
export const unmanagedAccumulationUnsupported = rule({
  id: 'unmanaged-accumulation-unsupported',
  severity: 'error',
  applies: ['deepspeed'],
  needs: ['managed_gradient_accumulation'],
  why: 'With managed_gradient_accumulation off, the engine does not know which backward pass is the last one. Overlapped communication below stage 2 and DeepCompile depend on that, and the engine refuses them.',
  source: ['deepspeed/runtime/engine.py:1707 (0.19.6)', 'deepspeed/runtime/engine.py:1711 (0.19.6)'],
  verified: 'run',
  examples: {
    bad: [
      {
        files: {
          'ds_config.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "managed_gradient_accumulation": false, "zero_optimization": { "stage": 1, "overlap_comm": true } }',
          'shardlens.json': '{ "frameworks": { "deepspeed": "0.19.8" } }',
        },
      },
    ],
    good: [
      {
        files: {
          'ds_config.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "managed_gradient_accumulation": false, "zero_optimization": { "stage": 1, "overlap_comm": false } }',
          'shardlens.json': '{ "frameworks": { "deepspeed": "0.19.8" } }',
        },
      },
    ],
  },
  check({ config, run, report }) {
    const found = setting(config, 'managed_gradient_accumulation');
    if (!found || booleanOf(found) !== false) return;
    const stage = stageOf(run);
    const overlap = setting(config, 'zero_optimization.overlap_comm');
    if (overlap && booleanOf(overlap) === true && (stage === 0 || stage === 1)) {
      report({
        at: [found, overlap],
        message: `managed_gradient_accumulation is off, and overlap_comm at stage ${stage} needs it; DeepSpeed stops when it builds the engine.`,
        fixes: [setFix(config, overlap.path, false), removeFix(found)],
      });
    }
    const compile = setting(config, 'compile.deepcompile');
    if (compile && booleanOf(compile) === true) {
      report({
        at: [found, compile],
        message:
          'managed_gradient_accumulation is off, and DeepCompile needs it; DeepSpeed stops when it builds the engine.',
        fixes: [removeFix(found)],
      });
    }
  },
});
