import { reportVariable, variableOf } from '../rules-support/environment';
import { runDialects } from '../source';
import { rule } from './rule';

/** What NCCL chooses for each collective and size; a value for all of them is right for some only. */
const CHOSEN = [
  { name: 'NCCL_ALGO', what: 'the algorithm' },
  { name: 'NCCL_PROTO', what: 'the protocol' },
  { name: 'NCCL_MIN_NCHANNELS', what: 'the number of channels' },
  { name: 'NCCL_MAX_NCHANNELS', what: 'the number of channels' },
  { name: 'NCCL_BUFFSIZE', what: 'the size of its buffers' },
] as const;

/** Tells that NCCL's own choice of algorithm, channels or buffers is overridden. */
export const ncclTuningForced = rule({
  id: 'nccl-tuning-forced',
  severity: 'hint',
  applies: runDialects,
  when: 'launched',
  why: 'NCCL and its EFA plug-in choose algorithm, channels and buffers for each collective, size and topology. A value copied from another machine or release holds for all of them, takes GPU memory or multiprocessors, and is seldom measured again.',
  source: [
    'NVIDIA/nccl docs: NCCL_ALGO, NCCL_PROTO, NCCL_MIN_NCHANNELS, NCCL_BUFFSIZE (left to NCCL unless measured)',
    'awslabs/awsome-distributed-ai efa-cheatsheet',
  ],
  verified: 'read',
  examples: {
    bad: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2 } }',
          'run.sh': 'export NCCL_ALGO=Ring\ndeepspeed --num_gpus 8 train.py --deepspeed ds.json\n',
        },
      },
    ],
    good: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2 } }',
          'run.sh': 'export NCCL_DEBUG=INFO\ndeepspeed --num_gpus 8 train.py --deepspeed ds.json\n',
        },
      },
    ],
  },
  check(context) {
    for (const { name, what } of CHOSEN) {
      const variable = variableOf(context.run, name);
      if (!variable || variable.value === '') continue;
      reportVariable(
        context,
        variable,
        `The launch sets ${name}=${variable.value}, so NCCL no longer chooses ${what} by itself; keep it only where it was measured on this machine and release.`,
      );
    }
  },
});
