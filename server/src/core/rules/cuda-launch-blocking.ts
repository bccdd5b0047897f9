import { launchedWith, reportVariable } from '../rules-support/environment';
import { runDialects } from '../source';
import { rule } from './rule';

/** Reports CUDA_LAUNCH_BLOCKING that a debugging session left in the launch. */
export const cudaLaunchBlocking = rule({
  id: 'cuda-launch-blocking',
  severity: 'warning',
  applies: runDialects,
  when: 'launched',
  why: 'With CUDA_LAUNCH_BLOCKING=1 the CPU waits for every kernel: nothing overlaps, neither launches with kernels nor communication with computation. It is for finding the kernel that fails.',
  source: [
    'CUDA C++ Programming Guide, Concurrent Execution: "for debugging purposes only and should not be used as a way to make production software run reliably"',
  ],
  verified: 'read',
  examples: {
    bad: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2 } }',
          'run.sh': 'export CUDA_LAUNCH_BLOCKING=1\ndeepspeed --num_gpus 8 train.py --deepspeed ds.json\n',
        },
      },
    ],
    good: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2 } }',
          'run.sh': 'export CUDA_LAUNCH_BLOCKING=0\ndeepspeed --num_gpus 8 train.py --deepspeed ds.json\n',
        },
      },
    ],
  },
  check(context) {
    const variable = launchedWith(context.run, 'CUDA_LAUNCH_BLOCKING');
    if (variable?.value !== '1') return;
    reportVariable(
      context,
      variable,
      'The launch sets CUDA_LAUNCH_BLOCKING=1, so the CPU waits for every kernel and communication hides behind nothing; it is for finding the kernel that fails.',
    );
  },
});
