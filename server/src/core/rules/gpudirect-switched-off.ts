import { atLaunch, removeVariable, stepWithout, usualLinks, variableOf } from '../rules-support/environment';
import { runDialects } from '../source';
import { formatRate } from '../text/format';
import { rule } from './rule';

/** Networks whose cards read and write the GPUs' memory. */
const DIRECT = new Set(['infiniband', 'roce', 'efa-gdr']);

/** Reports NCCL_NET_GDR_LEVEL=LOC on several nodes whose network reaches the GPUs. */
export const gpudirectSwitchedOff = rule({
  id: 'gpudirect-switched-off',
  severity: 'warning',
  applies: runDialects,
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
    const { config, run, report } = context;
    const variable = variableOf(run, 'NCCL_NET_GDR_LEVEL');
    if (!variable || !/^(LOC|0)$/i.test(variable.value) || !run.cluster.known) return;
    const { nodes } = run.cluster.value;
    const { inter } = usualLinks(run.cluster.value);
    if (nodes < 2 || inter.basis === 'assumed' || !DIRECT.has(inter.kind)) return;
    const place = atLaunch(run, config, variable);
    if (!place) return;
    report({
      ...place,
      message: `The launch sets NCCL_NET_GDR_LEVEL=${variable.value}, so traffic between the ${nodes} nodes passes through host memory instead of ${inter.label} (${formatRate(inter.bytesPerSecond)} per GPU reached).${stepWithout(context)}`,
      fixes: removeVariable(variable, context),
    });
  },
});
