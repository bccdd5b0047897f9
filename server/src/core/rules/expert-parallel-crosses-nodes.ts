import { insideNodeFix, sizeSetting, sureLink } from '../rules-support/dimension-edits';
import { formatRate } from '../text/format';
import { rule } from './rule';

/** Reports expert-parallel groups whose all-to-alls cross a network that is too slow for them. */
export const expertParallelCrossesNodes = rule({
  id: 'expert-parallel-crosses-nodes',
  severity: 'warning',
  applies: ['deepspeed', 'accelerate'],
  when: 'cluster',
  why: 'Expert parallelism exchanges the tokens of every layer four times by all-to-all, which waits for the slowest link. Between nodes it wants RDMA at 50 GB/s per GPU or more.',
  source: [
    'deepspeed/moe/sharded_moe.py (0.19.6) two all-to-alls a layer, and two in backward',
    'Shardlens server/src/core/estimate/time/links.ts (50 GB/s per GPU, at most 4 nodes)',
  ],
  verified: 'read',
  examples: {
    bad: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "expert_parallel": { "autoep_size": 16 }, "zero_optimization": { "stage": 1 } }',
          'shardlens.json':
            '{ "target": "box", "targets": { "box": { "hardware": "g6e.48xlarge", "nodes": 2, "gpusPerNode": 8 } } }',
        },
      },
    ],
    good: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "expert_parallel": { "autoep_size": 8 }, "zero_optimization": { "stage": 1 } }',
          'shardlens.json':
            '{ "target": "box", "targets": { "box": { "hardware": "g6e.48xlarge", "nodes": 2, "gpusPerNode": 8 } } }',
        },
      },
    ],
  },
  check({ config, wholeRun: run, report }) {
    const { expert } = run.parallelism;
    if (!run.cluster.known || !expert.known) return;
    const written = sizeSetting(config, 'expert', expert);
    if (!written) return;
    const link = sureLink(run, 'expert', expert.value);
    if (!link?.crossesNodes || link.verdict !== 'bad') return;
    report({
      at: written,
      message: `${written.path} is ${expert.value} over nodes of ${run.cluster.value.gpusPerNode} GPUs: the all-to-alls of every expert layer cross ${link.link} at ${formatRate(link.bytesPerSecond)}, and want 50 GB/s.`,
      fixes: insideNodeFix(run, written, 'expert'),
    });
  },
});
