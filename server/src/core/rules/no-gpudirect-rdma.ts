import { leadsRun } from '../rules-support/places';
import { runDialects } from '../source';
import { formatRate } from '../text/format';
import { rule } from './rule';

/** Networks with RDMA that cannot reach the GPU's memory. */
const THROUGH_HOST = new Set(['efa', 'rdma-host']);

/** Tells that traffic between nodes goes through host memory. */
export const noGpudirectRdma = rule({
  id: 'no-gpudirect-rdma',
  severity: 'information',
  applies: runDialects,
  why: 'Without GPUDirect RDMA every byte between nodes is copied to host memory and back. On EC2 only P4d and later, and the larger G7e, have it; g5, g6 and g6e have EFA without it.',
  source: [
    'aws/aws-ofi-nccl#547 (maintainer: GPUDirect RDMA on P instances from p4d)',
    'aws/aws-ofi-nccl src/platform-aws.cpp',
  ],
  verified: 'read',
  examples: {
    bad: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 1 } }',
          'shardlens.json':
            '{ "target": "box", "targets": { "box": { "hardware": "g6e.48xlarge", "nodes": 2, "gpusPerNode": 8 } } }',
        },
      },
    ],
    good: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 1 } }',
          'shardlens.json':
            '{ "target": "box", "targets": { "box": { "hardware": "p4d.24xlarge", "nodes": 2, "gpusPerNode": 8 } } }',
        },
      },
    ],
  },
  check({ config, run, report }) {
    if (!run.cluster.known || !leadsRun(run, config)) return;
    const { nodes, inter, instanceId } = run.cluster.value;
    if (nodes < 2 || inter.basis === 'assumed' || !THROUGH_HOST.has(inter.kind)) return;
    // A full shard over such a network has a finding of its own, with its cost.
    const { sharding } = run;
    if (
      sharding.known &&
      sharding.value.kind === 'zero' &&
      sharding.value.stage.known &&
      sharding.value.stage.value === 3
    )
      return;
    if (sharding.known && sharding.value.kind === 'fsdp') return;
    report({
      at: { start: 0, end: 0 },
      message: `${instanceId ?? 'This node'} has no GPUDirect RDMA, so traffic between the ${nodes} nodes passes through host memory: about ${formatRate(inter.bytesPerSecond)} per GPU of ${formatRate(inter.wireBytesPerSecond)}. Gradients sent once per optimizer step (DDP, ZeRO-1) suit it best.`,
    });
  },
});
