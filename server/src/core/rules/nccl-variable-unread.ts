import { hasNccl } from '../hardware/forced';
import { atLaunch, launchedWith, removeVariable } from '../rules-support/environment';
import { runDialects } from '../source';
import { rule } from './rule';

/** What moves data between accelerators that have no NCCL. */
const INSTEAD: Readonly<Record<string, string>> = {
  Intel: 'HCCL',
  AWS: 'the Neuron collectives library',
  Google: 'XLA',
};

/** Tells that variables of NCCL mean nothing on accelerators that have another library. */
export const ncclVariableUnread = rule({
  id: 'nccl-variable-unread',
  severity: 'hint',
  applies: runDialects,
  when: 'launched',
  why: 'NCCL is NVIDIA’s library, and AMD’s RCCL reads its variables. Gaudi, Trainium and TPUs exchange data through libraries of their own, which do not.',
  source: [
    'HabanaAI docs: HCCL environment variables (HCCL_*)',
    'awsdocs Neuron runtime configuration (NEURON_RT_*, FI_*)',
  ],
  verified: 'read',
  examples: {
    bad: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2 } }',
          'run.sh': 'NCCL_ALGO=Ring deepspeed --num_gpus 8 train.py --deepspeed ds.json\n',
          'shardlens.json': '{ "target": "box", "targets": { "box": { "hardware": "dl1.24xlarge" } } }',
        },
      },
    ],
    good: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2 } }',
          'run.sh': 'HCCL_OVER_TCP=0 deepspeed --num_gpus 8 train.py --deepspeed ds.json\n',
          'shardlens.json': '{ "target": "box", "targets": { "box": { "hardware": "dl1.24xlarge" } } }',
        },
      },
    ],
  },
  check(context) {
    const { run, config } = context;
    if (!run.cluster.known || hasNccl(run.cluster.value.accelerator)) return;
    const { name: chip, vendor } = run.cluster.value.accelerator;
    const library = INSTEAD[vendor];
    if (library === undefined) return;
    for (const name of Object.keys(run.environment)) {
      const variable = name.startsWith('NCCL_') ? launchedWith(run, name) : undefined;
      const place = variable && atLaunch(run, config, variable);
      if (!place) continue;
      context.report({
        ...place,
        message: `The launch sets ${name}, and nothing reads it on ${chip}: its collectives are those of ${library}.`,
        fixes: removeVariable(variable, context),
      });
    }
  },
});
