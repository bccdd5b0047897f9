import { recipe } from '../rules-support/trainer-recipe';
import { setting } from '../settings';
import { replaceValue } from '../syntax/editing';
import { rule } from './rule';

const ON = (gpus: number) => ({
  'train.yaml': recipe('fsdp: full_shard auto_wrap\n'),
  'shardlens.json': `{ "target": "box", "targets": { "box": { "hardware": "p4d.24xlarge", "nodes": 1, "gpusPerNode": ${gpus} } } }`,
});

/** Reports FSDP in a run of one process. */
export const fsdpOnOneProcess = rule({
  id: 'fsdp-on-one-process',
  severity: 'warning',
  applies: ['trainer'],
  needs: ['fsdp'],
  why: 'There is nobody to share the weights with. The Trainer raises a ValueError when the script was started without a launcher; under a launcher nothing is sharded.',
  source: [
    'transformers src/transformers/trainer.py:466 (5.18.0)',
    'torch/distributed/fsdp/_init_utils.py:430 (2.13.0) NO_SHARD',
  ],
  verified: 'run',
  examples: { bad: [{ files: ON(1) }], good: [{ files: ON(2) }] },
  check({ config, run, report }) {
    const fsdp = setting(config, 'fsdp');
    if (!fsdp?.node || run.configs.accelerate || !run.sharding.known || run.sharding.value.kind !== 'fsdp') return;
    if (!run.worldSize.known || run.worldSize.value !== 1 || run.worldSize.origin.kind === 'assumed') return;
    report({
      at: fsdp,
      message:
        'fsdp is on and the run is one process: started without a launcher the Trainer stops, and under one nothing is sharded.',
      fixes: [{ title: 'Set fsdp to false', edits: replaceValue(config.file, fsdp.node, false) }],
    });
  },
});
