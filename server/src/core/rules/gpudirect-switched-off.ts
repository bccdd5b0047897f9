import { networkBetween, reached, reportVariable, variableOf } from '../rules-support/environment';
import { runDialects } from '../source';
import { rule } from './rule';

/** Networks whose cards read and write the GPUs' memory. */
const DIRECT = new Set(['infiniband', 'roce', 'efa-gdr'] as const);

/** Reports NCCL_NET_GDR_LEVEL=LOC on several nodes whose network reaches the GPUs. */
export const gpudirectSwitchedOff = rule({
  id: 'gpudirect-switched-off',
  severity: 'warning',
  applies: runDialects,
  when: 'launched',
  why: 'NCCL_NET_GDR_LEVEL=LOC (or 0) allows GPUDirect RDMA at no distance at all: every byte between nodes is copied to host memory and back. It is a setting for finding faults.',
  source: [
    'NVIDIA/nccl docs: NCCL_NET_GDR_LEVEL (LOC: never use GPUDirect RDMA)',
    'awslabs/awsome-distributed-ai#1106',
  ],
  verified: 'read',
  examples: {
    bad: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2 } }',
          'run.sh': 'NCCL_NET_GDR_LEVEL=LOC deepspeed --num_gpus 8 --num_nodes 2 train.py --deepspeed ds.json\n',
          'shardlens.json':
            '{ "target": "box", "targets": { "box": { "hardware": "dgx-h100", "nodes": 2, "gpusPerNode": 8 } } }',
        },
      },
    ],
    good: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2 } }',
          'run.sh': 'NCCL_NET_GDR_LEVEL=PHB deepspeed --num_gpus 8 --num_nodes 2 train.py --deepspeed ds.json\n',
          'shardlens.json':
            '{ "target": "box", "targets": { "box": { "hardware": "dgx-h100", "nodes": 2, "gpusPerNode": 8 } } }',
        },
      },
    ],
  },
  check(context) {
    const variable = variableOf(context.run, 'NCCL_NET_GDR_LEVEL');
    const network = variable && /^(LOC|0)$/i.test(variable.value) && networkBetween(context.run, DIRECT);
    if (!network) return;
    reportVariable(
      context,
      variable,
      `The launch sets NCCL_NET_GDR_LEVEL=${variable.value}, so traffic between the ${network.nodes} nodes passes through host memory instead of ${reached(network.link)}.`,
    );
  },
});
