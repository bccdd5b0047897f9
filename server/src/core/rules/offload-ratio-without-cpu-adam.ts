import { optimizerOf } from '../rules-support/optimizers';
import { setFix, severityOfBuilt, stageOf, zeroOf } from '../rules-support/zero';
import { booleanOf, numberOf, setting } from '../settings';
import { rule } from './rule';

/** Reports partial offload with an optimizer that cannot step in two places. */
export const offloadRatioWithoutCpuAdam = rule({
  id: 'offload-ratio-without-cpu-adam',
  severity: 'error',
  applies: ['deepspeed'],
  needs: ['zero_optimization.offload_optimizer.ratio'],
  why: 'With a ratio below 1 one part of the states steps on the GPU and the other on the host. Only DeepSpeedCPUAdam can, which DeepSpeed builds for Adam and AdamW.',
  source: ['deepspeed/runtime/zero/stage3.py:311 (0.19.6)'],
  verified: 'run',
  examples: {
    bad: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "optimizer": { "type": "Lion", "params": { "lr": 1e-4 } }, "zero_optimization": { "stage": 3, "offload_optimizer": { "device": "cpu", "ratio": 0.5 } } }',
      },
    ],
    good: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "optimizer": { "type": "AdamW", "params": { "lr": 1e-4 } }, "zero_optimization": { "stage": 3, "offload_optimizer": { "device": "cpu", "ratio": 0.5 } } }',
      },
    ],
  },
  check({ config, run, report }) {
    const found = setting(config, 'zero_optimization.offload_optimizer.ratio');
    const ratio = numberOf(found);
    const optimizer = optimizerOf(config);
    const offload = zeroOf(run)?.offloadOptimizer;
    if (!found || ratio === undefined || ratio >= 1 || ratio < 0 || !optimizer) return;
    if (stageOf(run) !== 3 || !offload?.known || offload.value === 'none') return;
    const torchAdam = setting(config, 'optimizer.params.torch_adam');
    const isAdam = optimizer.name === 'adam' || optimizer.name === 'adamw';
    if (isAdam && booleanOf(torchAdam) !== true) return;
    report({
      at: [found, isAdam && torchAdam ? torchAdam : optimizer.found],
      severity: severityOfBuilt(run),
      message: `offload_optimizer.ratio is ${ratio}, which needs DeepSpeed's CPU Adam, ${isAdam ? 'and torch_adam takes another' : 'and another optimizer is set'}; DeepSpeed stops when it builds the engine.`,
      fixes: [setFix(config, found.path, 1)],
    });
  },
});
