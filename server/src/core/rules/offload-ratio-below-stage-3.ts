import { removeFix, stageFix, stageOf } from '../rules-support/zero';
import { numberOf, setting } from '../settings';
import { rule } from './rule';

/** Reports partial offload below stage 3. */
export const offloadRatioBelowStage3 = rule({
  id: 'offload-ratio-below-stage-3',
  severity: 'error',
  applies: ['deepspeed'],
  needs: ['zero_optimization.offload_optimizer.ratio'],
  why: 'Only stage 3 can keep a part of the optimizer states on the GPU; DeepSpeed validates that when it reads the section.',
  source: ['deepspeed/runtime/zero/config.py:392 (0.19.6) offload_ratio_check'],
  verified: 'run',
  examples: {
    bad: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2, "offload_optimizer": { "device": "cpu", "ratio": 0.5 } } }',
      },
    ],
    good: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 3, "offload_optimizer": { "device": "cpu", "ratio": 0.5 } } }',
      },
    ],
  },
  check({ config, run, report }) {
    const stage = stageOf(run);
    const found = setting(config, 'zero_optimization.offload_optimizer.ratio');
    const ratio = numberOf(found);
    if (!found || ratio === undefined || ratio >= 1 || ratio < 0 || stage === undefined || stage === 3) return;
    report({
      at: found,
      message: `offload_optimizer.ratio is ${ratio}, and partial offload needs ZeRO stage 3; the stage is ${stage}. DeepSpeed stops when it reads the file.`,
      fixes: [...stageFix(config, 3), removeFix(found)],
    });
  },
});
