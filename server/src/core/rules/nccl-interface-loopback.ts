import { atLaunch, removeVariable, variableOf } from '../rules-support/environment';
import { runDialects } from '../source';
import { rule } from './rule';

/** Interfaces that lead to no other machine. NCCL takes names by their beginning, `=lo` exactly (NVIDIA/nccl docs). */
const LEADS_NOWHERE = /^=?(lo|docker0?)$/i;

/** Reports NCCL_SOCKET_IFNAME set to the loopback or Docker's bridge on several nodes. */
export const ncclInterfaceLoopback = rule({
  id: 'nccl-interface-loopback',
  severity: 'warning',
  applies: runDialects,
  when: 'launched',
  why: 'NCCL_SOCKET_IFNAME names the interfaces that NCCL may use, also to find the other nodes. The loopback and Docker’s bridge lead to none, so the run waits at start-up until it gives up.',
  source: ['NVIDIA/nccl docs: NCCL_SOCKET_IFNAME'],
  verified: 'read',
  examples: {
    bad: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2 } }',
          'run.sh': 'export NCCL_SOCKET_IFNAME=lo\ndeepspeed --num_gpus 8 --num_nodes 2 train.py --deepspeed ds.json\n',
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
          'run.sh':
            'export NCCL_SOCKET_IFNAME=^lo,docker0\ndeepspeed --num_gpus 8 --num_nodes 2 train.py --deepspeed ds.json\n',
          'shardlens.json':
            '{ "target": "box", "targets": { "box": { "hardware": "p4d.24xlarge", "nodes": 2, "gpusPerNode": 8 } } }',
        },
      },
    ],
  },
  check(context) {
    const { config, run, report } = context;
    const variable = variableOf(run, 'NCCL_SOCKET_IFNAME');
    if (!variable || !LEADS_NOWHERE.test(variable.value) || !run.cluster.known) return;
    const { nodes, nodesPerMachine } = run.cluster.value;
    if (nodes < 2 || nodesPerMachine === nodes) return;
    const place = atLaunch(run, config, variable);
    if (!place) return;
    report({
      ...place,
      message: `The launch sets NCCL_SOCKET_IFNAME=${variable.value}, an interface that leads to no other machine, so the ${nodes} nodes do not find each other at start-up.`,
      fixes: removeVariable(variable, context),
    });
  },
});
