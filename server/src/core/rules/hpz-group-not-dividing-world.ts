import { dataRanksOf, removeFix, stageOf } from '../rules-support/zero';
import { numberOf, setting } from '../settings';
import { replaceValue } from '../syntax/editing';
import { rule } from './rule';

/** Reports ZeRO++ groups that do not come out even, or that leave the node they are meant for. */
export const hpzGroupNotDividingWorld = rule({
  id: 'hpz-group-not-dividing-world',
  severity: 'error',
  applies: ['deepspeed'],
  needs: ['zero_optimization.zero_hpz_partition_size'],
  why: 'hpZ keeps a second copy of the weights in groups of consecutive ranks, so that the gathers of the backward pass stay inside a node. DeepSpeed asserts that the groups divide the ranks; groups that straddle nodes are accepted and gain nothing.',
  source: ['deepspeed/utils/groups.py:859 (0.19.6)', 'deepspeed/utils/groups.py:878 (0.19.6)'],
  verified: 'run',
  examples: {
    bad: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 3, "zero_hpz_partition_size": 6 } }',
          'shardlens.json':
            '{ "target": "box", "targets": { "box": { "hardware": "p4d.24xlarge", "nodes": 1, "gpusPerNode": 8 } } }',
        },
      },
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 3, "zero_hpz_partition_size": 16 } }',
          'shardlens.json':
            '{ "target": "box", "targets": { "box": { "hardware": "p4d.24xlarge", "nodes": 2, "gpusPerNode": 8 } } }',
        },
      },
    ],
    good: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 3, "zero_hpz_partition_size": 8 } }',
          'shardlens.json':
            '{ "target": "box", "targets": { "box": { "hardware": "p4d.24xlarge", "nodes": 2, "gpusPerNode": 8 } } }',
        },
      },
    ],
  },
  check({ config, run, report }) {
    const found = setting(config, 'zero_optimization.zero_hpz_partition_size');
    const size = numberOf(found);
    const ranks = dataRanksOf(run);
    if (!found?.node || size === undefined || size <= 1 || ranks === undefined || stageOf(run) !== 3) return;
    const perNode = run.gpusPerNode.known ? run.gpusPerNode.value : undefined;
    const uneven = ranks % Math.min(size, ranks) !== 0;
    const nodes = run.nodes.known ? run.nodes.value : undefined;
    const straddles = perNode !== undefined && nodes !== undefined && nodes > 1 && perNode % size !== 0;
    if (!uneven && !straddles) return;
    report({
      at: found,
      severity: uneven ? 'error' : 'warning',
      message: uneven
        ? `zero_hpz_partition_size is ${size}, which does not divide the ${ranks} ranks. DeepSpeed stops when it forms the groups.`
        : `zero_hpz_partition_size is ${size} with ${perNode} GPUs per node: the second copy of the weights spans nodes, so the gathers it should keep inside a node cross the network.`,
      fixes: [
        ...(perNode !== undefined && perNode > 1 && ranks % perNode === 0 && perNode !== size
          ? [
              {
                title: `Set it to ${perNode}, the GPUs of a node`,
                edits: replaceValue(config.file, found.node, perNode),
              },
            ]
          : []),
        removeFix(found),
      ],
    });
  },
});
