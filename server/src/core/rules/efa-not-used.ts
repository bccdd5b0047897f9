import {
  atLaunch,
  isWrittenAs,
  networkBetween,
  reached,
  reportVariable,
  stepWithout,
  type UsualLink,
  variableOf,
} from '../rules-support/environment';
import { EFA_ENABLED } from '../run/manifest-values';
import { runDialects } from '../source';
import { type RuleContext, rule } from './rule';

const EFA = new Set(['efa', 'efa-gdr'] as const);

/** What each variable must be set to for EFA, or its GPUDirect RDMA, to stay unused. */
const CAUSES = [
  { name: 'FI_PROVIDER', value: /^(tcp|sockets|tcp;ofi_rxm)$/i, effect: 'libfabric takes TCP' },
  { name: 'NCCL_NET_PLUGIN', value: /^none$/i, effect: 'NCCL does not load the EFA plug-in and takes TCP sockets' },
  {
    name: 'FI_EFA_USE_DEVICE_RDMA',
    value: /^(0|false|no|off)$/i,
    effect: 'traffic between nodes passes through host memory',
  },
] as const;

function queue(efa: string): string {
  return `Scheduling:\n  Scheduler: slurm\n  SlurmQueues:\n    - Name: gpu\n      ComputeResources:\n        - Name: a100\n          InstanceType: p4d.24xlarge${efa}\n`;
}

/** Reports launch variables that keep an EFA machine from using EFA or its GPUDirect RDMA. */
export const efaNotUsed = rule({
  id: 'efa-not-used',
  severity: 'warning',
  applies: runDialects,
  when: 'cluster',
  why: 'EFA is reached through libfabric and a plug-in of NCCL. FI_PROVIDER=tcp, NCCL_NET_PLUGIN=none and FI_EFA_USE_DEVICE_RDMA=0 each take it, or its direct way into the GPUs, away: measured on p4d, 96.6 s a step over TCP where EFA with GPUDirect RDMA takes 47.4 s.',
  source: [
    'aws/aws-ofi-nccl README (provider efa; NCCL_NET_PLUGIN)',
    'AWS ParallelCluster user guide, Scheduling section v3: Efa/Enabled is false by default',
    'ofiwg/libfabric man/fi_efa.7.md FI_EFA_USE_DEVICE_RDMA',
    'Shardlens server/data/hardware.json training_measurements (p4d.24xlarge, EFA and ENI)',
  ],
  verified: 'read',
  examples: {
    bad: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2 } }',
          'run.sh': 'export FI_PROVIDER=tcp\ndeepspeed --num_gpus 8 --num_nodes 2 train.py --deepspeed ds.json\n',
          'shardlens.json':
            '{ "target": "box", "targets": { "box": { "hardware": "p4d.24xlarge", "nodes": 2, "gpusPerNode": 8 } } }',
        },
      },
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2 } }',
          'run.sh': 'FI_EFA_USE_DEVICE_RDMA=0 deepspeed --num_gpus 8 --num_nodes 2 train.py --deepspeed ds.json\n',
          'shardlens.json':
            '{ "target": "box", "targets": { "box": { "hardware": "p4d.24xlarge", "nodes": 2, "gpusPerNode": 8 } } }',
        },
      },
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2 } }',
          'run.sbatch':
            '#SBATCH --nodes=2\nsrun torchrun --nnodes $SLURM_NNODES --nproc_per_node 8 train.py --deepspeed ds.json\n',
          'cluster.yaml': queue(''),
        },
      },
    ],
    good: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2 } }',
          'run.sh':
            'export FI_PROVIDER=efa FI_EFA_USE_DEVICE_RDMA=1\ndeepspeed --num_gpus 8 --num_nodes 2 train.py --deepspeed ds.json\n',
          'shardlens.json':
            '{ "target": "box", "targets": { "box": { "hardware": "p4d.24xlarge", "nodes": 2, "gpusPerNode": 8 } } }',
        },
      },
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2 } }',
          'run.sbatch':
            '#SBATCH --nodes=2\nsrun torchrun --nnodes $SLURM_NNODES --nproc_per_node 8 train.py --deepspeed ds.json\n',
          'cluster.yaml': queue('\n          Efa:\n            Enabled: true'),
        },
      },
    ],
  },
  check(context) {
    const network = networkBetween(context.run, EFA);
    if (!network) return;
    if (reportQueue(context, network)) return;
    for (const { name, value, effect } of CAUSES) {
      const variable = variableOf(context.run, name);
      if (!variable || !value.test(variable.value)) continue;
      // Without GPUDirect RDMA there is nothing to switch off.
      if (name === 'FI_EFA_USE_DEVICE_RDMA' && network.link.kind !== 'efa-gdr') continue;
      const message = `The launch sets ${name}=${variable.value}, so ${effect} instead of ${reached(network.link)}.`;
      reportVariable(context, variable, message);
      return;
    }
  },
});

/** A queue of ParallelCluster whose nodes get ordinary network cards. */
function reportQueue(context: RuleContext, { link }: UsualLink): boolean {
  const enabled = variableOf(context.run, EFA_ENABLED);
  const place = enabled?.value === 'false' && atLaunch(context.run, context.config, enabled);
  if (!place || !enabled?.place) return false;
  const isWritten = isWrittenAs(enabled, context);
  context.report({
    ...place,
    related: [{ at: enabled.place, message: isWritten ? 'EFA is off here.' : 'The machines of the queue.' }],
    message: `The ParallelCluster queue does not set ${EFA_ENABLED}, so nodes reach each other over TCP instead of ${reached(link)}.${stepWithout(context, enabled)}`,
    fixes: isWritten ? [{ title: 'Enable EFA', edits: [{ ...enabled.place, newText: 'true' }] }] : [],
  });
  return true;
}
