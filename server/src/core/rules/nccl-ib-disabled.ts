import { atLaunch, isOn, removeVariable, stepWithout, usualLinks, variableOf } from '../rules-support/environment';
import { runDialects } from '../source';
import { formatRate } from '../text/format';
import { rule } from './rule';

/** Networks that NCCL reaches through its verbs transport. EFA has a plug-in of its own, which this variable leaves alone. */
const VERBS = new Set(['infiniband', 'roce', 'rdma-host']);

/** Reports NCCL_IB_DISABLE on several nodes with InfiniBand or RoCE. */
export const ncclIbDisabled = rule({
  id: 'nccl-ib-disabled',
  severity: 'warning',
  applies: runDialects,
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
    const { config, run, report } = context;
    const variable = variableOf(run, 'NCCL_IB_DISABLE');
    if (!isOn(variable) || !run.cluster.known) return;
    const { nodes } = run.cluster.value;
    const { inter } = usualLinks(run.cluster.value);
    if (nodes < 2 || inter.basis === 'assumed' || !VERBS.has(inter.kind)) return;
    const place = atLaunch(run, config, variable);
    if (!place) return;
    report({
      ...place,
      message: `The launch line sets NCCL_IB_DISABLE=${variable.value}, so the ${nodes} nodes talk over TCP sockets instead of ${inter.label} (${formatRate(inter.bytesPerSecond)} per GPU reached).${stepWithout(context)}`,
      fixes: removeVariable(variable, context),
    });
  },
});
