import { isOn, pathInside, reached, reportVariable, type Variable, variableOf } from '../rules-support/environment';
import type { RunOutline } from '../run/training-run';
import { runDialects } from '../source';
import { rule } from './rule';

/** Paths between the GPUs of a node that NCCL uses by peer-to-peer copies only. */
const DIRECT = new Set(['nvlink-switch', 'nvlink-rack', 'nvlink-mesh', 'nvlink-bridge', 'xgmi', 'pcie-p2p'] as const);

/** Reports NCCL_P2P_DISABLE, and levels that come to the same, on machines whose GPUs reach each other directly. */
export const ncclP2pDisabled = rule({
  id: 'nccl-p2p-disabled',
  severity: 'warning',
  applies: runDialects,
  when: 'launched',
  why: 'NCCL_P2P_DISABLE=1 works around cards without peer-to-peer copies. On NVLink it sends all traffic between GPUs of a node through host memory instead.',
  source: [
    'NVIDIA/nccl docs: NCCL_P2P_DISABLE, NCCL_P2P_LEVEL (LOC: never; NVL: over NVLink only)',
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
    const path = pathInside(context.run, DIRECT);
    const variable = path && withoutPeers(context.run, path.link.kind === 'pcie-p2p');
    if (!path || !variable) return;
    reportVariable(
      context,
      variable,
      `The launch sets ${variable.name}=${variable.value}, so traffic between the GPUs of a node goes through host memory instead of ${reached(path.link)}.`,
    );
  },
});

/** The variable that takes peer-to-peer copies away; NVL leaves those over NVLink only. */
function withoutPeers(run: RunOutline, isPcie: boolean): Variable | undefined {
  const disabled = variableOf(run, 'NCCL_P2P_DISABLE');
  if (isOn(disabled)) return disabled;
  const level = variableOf(run, 'NCCL_P2P_LEVEL');
  return level && (isPcie ? /^(LOC|0|NVL)$/i : /^(LOC|0)$/i).test(level.value) ? level : undefined;
}
