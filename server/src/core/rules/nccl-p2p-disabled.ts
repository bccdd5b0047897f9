import { atLaunch, isOn, removeVariable, stepWithout, usualLinks, variableOf } from '../rules-support/environment';
import { runDialects } from '../source';
import { formatRate } from '../text/format';
import { rule } from './rule';

/** Paths between the GPUs of a node that NCCL uses by peer-to-peer copies only. */
const DIRECT = new Set(['nvlink-switch', 'nvlink-rack', 'nvlink-mesh', 'nvlink-bridge', 'xgmi', 'pcie-p2p']);

/** Reports NCCL_P2P_DISABLE on machines whose GPUs reach each other directly. */
export const ncclP2pDisabled = rule({
  id: 'nccl-p2p-disabled',
  severity: 'warning',
  applies: runDialects,
  why: 'NCCL_P2P_DISABLE=1 works around cards without peer-to-peer copies. On NVLink it sends all traffic between GPUs of a node through host memory instead.',
  source: [
    'NVIDIA/nccl docs: NCCL_P2P_DISABLE',
    'modelscope/ms-swift#1825: slow until P2P and InfiniBand were enabled again',
  ],
  verified: 'read',
  examples: {
    bad: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2 } }',
          'run.sh': 'NCCL_P2P_DISABLE=1 deepspeed --num_gpus 8 train.py --deepspeed ds.json\n',
          'shardlens.json': '{ "target": "box", "targets": { "box": { "hardware": "p4d.24xlarge" } } }',
        },
      },
    ],
    good: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2 } }',
          'run.sh': 'NCCL_P2P_DISABLE=1 deepspeed --num_gpus 8 train.py --deepspeed ds.json\n',
          'shardlens.json': '{ "target": "box", "targets": { "box": { "hardware": "g6e.48xlarge" } } }',
        },
      },
    ],
  },
  check(context) {
    const { config, run, report } = context;
    const variable = variableOf(run, 'NCCL_P2P_DISABLE');
    if (!isOn(variable) || !run.cluster.known) return;
    const { intra } = usualLinks(run.cluster.value);
    if (intra.basis === 'assumed' || !DIRECT.has(intra.kind)) return;
    const place = atLaunch(run, config, variable);
    if (!place) return;
    report({
      ...place,
      message: `The launch line sets NCCL_P2P_DISABLE=${variable.value}, so traffic between the GPUs of a node goes through host memory instead of ${intra.label} (${formatRate(intra.bytesPerSecond)} per GPU reached).${stepWithout(context)}`,
      fixes: removeVariable(variable, context),
    });
  },
});
