import { linkIfUsed } from '../estimate/time/index';
import { sizeSetting, sureLink, tensorFix } from '../rules-support/dimension-edits';
import { formatRate } from '../text/format';
import { rule } from './rule';

/** Reports tensor parallelism over links that a layer cannot wait for. */
export const tensorParallelOnSlowLink = rule({
  id: 'tensor-parallel-on-slow-link',
  severity: 'warning',
  applies: ['deepspeed', 'accelerate'],
  when: 'cluster',
  why: 'Tensor parallelism all-reduces the activations four times a layer, and nothing hides it. Above about 150 GB/s per GPU it costs a tenth of the step; over PCIe through host memory it costs several steps.',
  source: [
    'stas00/ml-engineering network/README.md (bandwidths measured by link)',
    'Shardlens server/src/core/estimate/time/links.ts (150 and 40 GB/s, 5 and 10 µs)',
  ],
  verified: 'read',
  examples: {
    bad: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "tensor_parallel": { "autotp_size": 4 }, "zero_optimization": { "stage": 1 } }',
          'shardlens.json':
            '{ "target": "box", "targets": { "box": { "hardware": "g6e.48xlarge", "gpusPerNode": 8 } } }',
        },
      },
    ],
    good: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "tensor_parallel": { "autotp_size": 4 }, "zero_optimization": { "stage": 1 } }',
          'shardlens.json':
            '{ "target": "box", "targets": { "box": { "hardware": "p4d.24xlarge", "gpusPerNode": 8 } } }',
        },
      },
    ],
  },
  check({ config, wholeRun: run, report }) {
    const { tensor } = run.parallelism;
    if (!run.cluster.known || !tensor.known || run.cluster.value.intra.kind === 'xgmi') return;
    const written = sizeSetting(config, 'tensor', tensor);
    if (!written) return;
    const link = sureLink(run, 'tensor', tensor.value);
    if (!link || link.crossesNodes || link.verdict === 'good') return;
    const better = [4, 2, 1].filter(
      (ranks) => ranks < tensor.value && (ranks === 1 || linkIfUsed(run, 'tensor', ranks)?.verdict === 'good'),
    );
    report({
      at: written,
      severity: link.verdict === 'bad' ? 'warning' : 'information',
      message: `${written.path} is ${tensor.value} over ${link.link}, which reaches ${formatRate(link.bytesPerSecond)} per GPU. Every layer waits for all-reduces, which want at least 150 GB/s.`,
      fixes: tensorFix(run, written, better),
    });
  },
});
