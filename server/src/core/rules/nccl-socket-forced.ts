import { networkBetween, reached, reportVariable, variableOf } from '../rules-support/environment';
import { runDialects } from '../source';
import { rule } from './rule';

const RDMA = new Set(['infiniband', 'roce', 'rdma-host', 'efa-gdr', 'efa'] as const);

/** Reports NCCL_NET=Socket on several nodes with an RDMA network. */
export const ncclSocketForced = rule({
  id: 'nccl-socket-forced',
  severity: 'warning',
  applies: runDialects,
  when: 'launched',
  why: 'NCCL_NET=Socket takes the TCP transport, whatever network there is. Measured on p4d: 96.6 s a step over TCP where EFA with GPUDirect RDMA takes 47.4 s.',
  source: [
    'NVIDIA/nccl docs: NCCL_NET',
    'Shardlens server/data/hardware.json training_measurements (p4d.24xlarge, EFA and ENI)',
  ],
  verified: 'read',
  examples: {
    bad: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2 } }',
          'run.sh': 'NCCL_NET=Socket deepspeed --num_gpus 8 --num_nodes 2 train.py --deepspeed ds.json\n',
          'shardlens.json':
            '{ "target": "box", "targets": { "box": { "hardware": "p4d.24xlarge", "nodes": 2, "gpusPerNode": 8 } } }',
        },
      },
    ],
    good: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2 } }',
          'run.sh': 'NCCL_NET=Socket deepspeed --num_gpus 8 train.py --deepspeed ds.json\n',
          'shardlens.json':
            '{ "target": "box", "targets": { "box": { "hardware": "p4d.24xlarge", "nodes": 1, "gpusPerNode": 8 } } }',
        },
      },
    ],
  },
  check(context) {
    const variable = variableOf(context.run, 'NCCL_NET');
    const network = variable?.value.toLowerCase() === 'socket' && networkBetween(context.run, RDMA);
    if (!variable || !network) return;
    reportVariable(
      context,
      variable,
      `The launch sets NCCL_NET=${variable.value}, so the ${network.nodes} nodes talk over TCP sockets instead of ${reached(network.link)}.`,
    );
  },
});
