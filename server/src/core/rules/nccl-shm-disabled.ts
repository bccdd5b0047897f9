import { isOn, pathInside, reportVariable, variableOf } from '../rules-support/environment';
import { runDialects } from '../source';
import { formatRate } from '../text/format';
import { rule } from './rule';

const SHARED = new Set(['shm'] as const);

/** Reports NCCL_SHM_DISABLE where shared memory is the only fast path between the GPUs of a node. */
export const ncclShmDisabled = rule({
  id: 'nccl-shm-disabled',
  severity: 'warning',
  applies: runDialects,
  when: 'launched',
  why: 'Cards without peer-to-peer copies reach each other through shared host memory. With NCCL_SHM_DISABLE=1 NCCL takes the network between GPUs of one machine.',
  source: ['NVIDIA/nccl docs: NCCL_SHM_DISABLE', 'modelscope/ms-swift#3285 (variables left in a launch script)'],
  verified: 'read',
  examples: {
    bad: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2 } }',
          'run.sh': 'NCCL_SHM_DISABLE=1 deepspeed --num_gpus 8 train.py --deepspeed ds.json\n',
          'shardlens.json': '{ "target": "box", "targets": { "box": { "hardware": "g6e.48xlarge" } } }',
        },
      },
    ],
    good: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2 } }',
          'run.sh': 'NCCL_SHM_DISABLE=1 deepspeed --num_gpus 8 train.py --deepspeed ds.json\n',
          'shardlens.json': '{ "target": "box", "targets": { "box": { "hardware": "p4d.24xlarge" } } }',
        },
      },
    ],
  },
  check(context) {
    const { run } = context;
    const variable = variableOf(run, 'NCCL_SHM_DISABLE');
    // Where peer-to-peer is switched off as well, shared memory is all that is left, and that has a finding of its own.
    const path = isOn(variable) && pathInside(run, SHARED);
    if (!path || !run.cluster.known) return;
    reportVariable(
      context,
      variable,
      `The launch sets NCCL_SHM_DISABLE=${variable.value}, and shared memory (${formatRate(path.link.bytesPerSecond)} per GPU reached) is the only path between the ${run.cluster.value.accelerator.name} of a node; NCCL takes the network instead.`,
    );
  },
});
