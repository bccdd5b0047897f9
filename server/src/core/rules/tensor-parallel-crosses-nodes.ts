import { sizeSetting, sureLink, tensorFix } from '../rules-support/dimension-edits';
import { formatRate } from '../text/format';
import { rule } from './rule';

/** Reports tensor-parallel groups that are larger than a node. */
export const tensorParallelCrossesNodes = rule({
  id: 'tensor-parallel-crosses-nodes',
  severity: 'warning',
  applies: ['deepspeed', 'accelerate'],
  when: 'cluster',
  why: 'Tensor parallelism all-reduces the activations four times a layer, and nothing hides it. Networks between nodes are one to two orders slower than the links inside one, and add 14 µs and more a hop.',
  source: [
    'stas00/ml-engineering training/model-parallelism/README.md: TP size at most the GPUs of a node',
    'NVIDIA/nccl src/graph/tuning.cc (2.30) latencies by link',
  ],
  verified: 'read',
  examples: {
    bad: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "tensor_parallel": { "autotp_size": 16 }, "zero_optimization": { "stage": 1 } }',
          'shardlens.json':
            '{ "target": "box", "targets": { "box": { "hardware": "p4d.24xlarge", "nodes": 2, "gpusPerNode": 8 } } }',
        },
      },
    ],
    good: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "tensor_parallel": { "autotp_size": 8 }, "zero_optimization": { "stage": 1 } }',
          'shardlens.json':
            '{ "target": "box", "targets": { "box": { "hardware": "p4d.24xlarge", "nodes": 2, "gpusPerNode": 8 } } }',
        },
      },
    ],
  },
  check({ config, wholeRun: run, report }) {
    const { tensor } = run.parallelism;
    if (!run.cluster.known || !tensor.known) return;
    const written = sizeSetting(config, 'tensor', tensor);
    if (!written) return;
    const link = sureLink(run, 'tensor', tensor.value);
    if (!link?.crossesNodes) return;
    const { gpusPerNode, intra, nodes, accelerator } = run.cluster.value;
    const racked =
      intra.kind === 'nvlink-rack' && nodes * gpusPerNode <= accelerator.link.maxDomain
        ? ' Where IMEX joins the nodes of the rack, `"between": { "transport": "nvlink" }` in the cluster description says so.'
        : '';
    const inside =
      intra.kind === 'none' || intra.basis === 'assumed'
        ? ''
        : ` instead of ${formatRate(intra.bytesPerSecond)} inside a node`;
    report({
      at: written,
      message: `${written.path} is ${tensor.value} and a node has ${gpusPerNode} GPUs, so every layer waits for all-reduces between nodes, at ${formatRate(link.bytesPerSecond)}${inside}.${racked}`,
      fixes: tensorFix(
        run,
        written,
        [8, 4, 2, 1].filter((ranks) => ranks <= gpusPerNode),
      ),
    });
  },
});
