import { isOn, networkBetween, reached, reportVariable, variableOf } from '../rules-support/environment';
import { runDialects } from '../source';
import { rule } from './rule';

/** Networks that NCCL reaches through its verbs transport. EFA has a plug-in of its own, which this variable leaves alone. */
const VERBS = new Set(['infiniband', 'roce', 'rdma-host'] as const);

/** Reports NCCL_IB_DISABLE on several nodes with InfiniBand or RoCE. */
export const ncclIbDisabled = rule({
  id: 'nccl-ib-disabled',
  severity: 'warning',
  applies: runDialects,
  when: 'launched',
  why: 'NCCL_IB_DISABLE=1 switches off InfiniBand and RoCE alike, and NCCL falls back to TCP sockets. It is often left in a script after debugging.',
  source: [
    'NVIDIA/nccl docs: NCCL_IB_DISABLE',
    'scottclowe/pytorch-experiment-template#11: disables RoCE too, 2.51 s becomes 5.72 s a step',
  ],
  verified: 'read',
  examples: {
    bad: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2 } }',
          'run.sh': 'NCCL_IB_DISABLE=1 deepspeed --num_gpus 8 --num_nodes 2 train.py --deepspeed ds.json\n',
          'shardlens.json':
            '{ "target": "box", "targets": { "box": { "hardware": "box" } }, "hardware": { "box": { "node": { "accelerator": "A100-80GB", "count": 8 }, "between": { "transport": "infiniband", "gbpsPerNic": 200, "nicsPerNode": 8 } } } }',
        },
      },
    ],
    good: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2 } }',
          'run.sh': 'deepspeed --num_gpus 8 --num_nodes 2 train.py --deepspeed ds.json\n',
          'shardlens.json':
            '{ "target": "box", "targets": { "box": { "hardware": "box" } }, "hardware": { "box": { "node": { "accelerator": "A100-80GB", "count": 8 }, "between": { "transport": "infiniband", "gbpsPerNic": 200, "nicsPerNode": 8 } } } }',
        },
      },
    ],
  },
  check(context) {
    const variable = variableOf(context.run, 'NCCL_IB_DISABLE');
    const network = isOn(variable) && networkBetween(context.run, VERBS);
    if (!network) return;
    reportVariable(
      context,
      variable,
      `The launch sets NCCL_IB_DISABLE=${variable.value}, so the ${network.nodes} nodes talk over TCP sockets instead of ${reached(network.link)}.`,
    );
  },
});
