import { optimizerOf } from '../rules-support/optimizers';
import { offloadDeviceOf, stageOf } from '../rules-support/zero';
import { numberOf, setting } from '../settings';
import { replaceValue } from '../syntax/editing';
import { rule } from './rule';

/** Reports too few swap buffers for the tensors one optimizer step holds. */
export const nvmeBuffersTooFew = rule({
  id: 'nvme-buffers-too-few',
  severity: 'warning',
  applies: ['deepspeed'],
  needs: ['zero_optimization.offload_optimizer.buffer_count'],
  why: 'Each parameter that is swapped in takes one buffer per tensor: weight, gradient and two moments for Adam, one moment for Lion. With fewer buffers the swapper gets none and an assertion without text stops the first step.',
  source: ['deepspeed/runtime/swap_tensor/partitioned_optimizer_swapper.py:79 (0.19.6)'],
  verified: 'read',
  examples: {
    bad: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 3, "offload_optimizer": { "device": "nvme", "nvme_path": "/nvme", "buffer_count": 2 } } }',
      },
    ],
    good: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 3, "offload_optimizer": { "device": "nvme", "nvme_path": "/nvme", "buffer_count": 4 } } }',
      },
    ],
  },
  check({ config, run, report }) {
    if (stageOf(run) !== 3 || offloadDeviceOf(config, 'offload_optimizer') !== 'nvme') return;
    const found = setting(config, 'zero_optimization.offload_optimizer.buffer_count');
    const buffers = numberOf(found);
    const name = optimizerOf(config)?.name.toLowerCase() ?? 'adam';
    const needed = /^adamw?$/.test(name) ? 4 : name === 'lion' ? 3 : undefined;
    if (!found?.node || buffers === undefined || needed === undefined || buffers >= needed) return;
    report({
      at: found,
      message: `buffer_count is ${buffers}, but a step of ${name} holds ${needed} tensors of each parameter. DeepSpeed's swapper runs out of buffers at the first step.`,
      fixes: [{ title: `Set buffer_count to ${needed}`, edits: replaceValue(config.file, found.node, needed) }],
    });
  },
});
