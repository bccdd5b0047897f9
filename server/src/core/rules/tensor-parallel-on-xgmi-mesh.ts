import { sizeSetting, tensorFix } from '../rules-support/dimension-edits';
import { rule } from './rule';

/** Links of one MI300X to the others of its board: a group of n GPUs uses n - 1 of them. */
const LINKS = 7;

/** Reports tensor-parallel groups that leave most xGMI links of an AMD board unused. */
export const tensorParallelOnXgmiMesh = rule({
  id: 'tensor-parallel-on-xgmi-mesh',
  severity: 'warning',
  applies: ['deepspeed', 'accelerate'],
  when: 'cluster',
  why: 'Each MI300X has one xGMI link to each of the seven others and no switch: two GPUs share one link, eight use all. Measured all-reduces reach 47.7 GB/s over two GPUs and 312.9 GB/s over eight.',
  source: ['stas00/ml-engineering network/README.md (MI300X all_reduce, 2 and 8 GPUs)'],
  verified: 'read',
  examples: {
    bad: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "tensor_parallel": { "autotp_size": 2 }, "zero_optimization": { "stage": 1 } }',
          'shardlens.json': '{ "target": "box", "targets": { "box": { "hardware": "8xMI300X" } } }',
        },
      },
    ],
    good: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "tensor_parallel": { "autotp_size": 8 }, "zero_optimization": { "stage": 1 } }',
          'shardlens.json': '{ "target": "box", "targets": { "box": { "hardware": "8xMI300X" } } }',
        },
      },
    ],
  },
  check({ config, wholeRun: run, report }) {
    const { tensor } = run.parallelism;
    if (!run.cluster.known || !tensor.known) return;
    const { gpusInNode, accelerator } = run.cluster.value;
    if (accelerator.link.path !== 'xgmi' || gpusInNode !== LINKS + 1 || tensor.value >= gpusInNode) return;
    const written = sizeSetting(config, 'tensor', tensor);
    if (!written) return;
    report({
      at: written,
      message: `${written.path} is ${tensor.value}, and a group of ${tensor.value} ${accelerator.name} uses ${tensor.value - 1} of ${LINKS} xGMI links: measured, 2 GPUs reach 48 GB/s and 8 reach 313 GB/s. Use all 8 or none.`,
      fixes: [...tensorFix(run, written, [LINKS + 1]), ...tensorFix(run, written, [1])],
    });
  },
});
