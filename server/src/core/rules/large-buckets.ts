import { memoryIsJudged } from '../rules-support/certainty';
import { numberOf, setting } from '../settings';
import { replaceValue } from '../syntax/editing';
import { formatGib, formatPercent } from '../text/format';
import { rule } from './rule';

/** Share of the GPU above which buckets are a cause of running out of memory, not a detail. */
const LARGE_SHARE = 0.1;
/** What the Trainer's guide proposes for small GPUs: 3.6 GB of buffers instead of 9 GB. */
const SMALLER_ELEMENTS = 200_000_000;

/** Reports gradient buckets that take a tenth of the GPU and more. */
export const largeBuckets = rule({
  id: 'large-buckets',
  severity: 'information',
  applies: ['deepspeed'],
  needs: ['zero_optimization.reduce_bucket_size'],
  why: 'DeepSpeed allocates the gradient bucket whole, twice with overlap_comm below stage 3, and flattens it once more when it is reduced. On a small GPU that is memory which the model does not get, offload or not.',
  source: [
    'deepspeed/runtime/zero/stage_1_and_2.py (0.19.6) ipg buffers of reduce_bucket_size',
    'transformers docs/source/en/deepspeed.md (5.18.0): 5e8 takes 9 GB, 2e8 takes 3.6 GB with overlap_comm',
    'modelscope/ms-swift#1098: buckets of 1e9 run out of memory where no ZeRO does not',
  ],
  verified: 'read',
  examples: {
    bad: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2, "overlap_comm": true, "contiguous_gradients": true, "reduce_bucket_size": 1e9 } }',
          'shardlens.json': '{ "target": "box", "targets": { "box": { "hardware": "g5.48xlarge" } } }',
        },
      },
    ],
    good: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2, "overlap_comm": true, "contiguous_gradients": true, "reduce_bucket_size": 2e8 } }',
          'shardlens.json': '{ "target": "box", "targets": { "box": { "hardware": "g5.48xlarge" } } }',
        },
      },
    ],
  },
  check(context) {
    if (!memoryIsJudged(context.run)) return;
    const { config, run, report } = context;
    const written = setting(config, 'zero_optimization.reduce_bucket_size');
    const elements = numberOf(written);
    if (!written?.node || elements === undefined || elements <= SMALLER_ELEMENTS || !run.cluster.known) return;
    if (!run.sharding.known || run.sharding.value.kind !== 'zero') return;
    const zero = run.sharding.value;
    const { compute } = context.wholeRun.precision;
    if (!zero.stage.known || zero.stage.value === 0 || !compute.known) return;
    if (!zero.contiguousGradients.known || !zero.contiguousGradients.value) return;
    const copies = zero.stage.value < 3 && zero.overlapComm.known && zero.overlapComm.value ? 2 : 1;
    const width = compute.value === 'fp32' ? 4 : 2;
    const bytes = copies * width * elements;
    const { accelerator } = run.cluster.value;
    if (bytes < LARGE_SHARE * accelerator.memoryBytes) return;
    // Memory that nobody else needs may as well be a bucket.
    if (run.model.known && context.estimate.memory?.fits === true) return;
    const smaller = (SMALLER_ELEMENTS / elements) * bytes;
    report({
      at: written,
      message: `${written.path} takes ${formatGib(bytes)} (${copies === 2 ? 'two buckets with overlap_comm' : 'one bucket'} of ${width} B × ${elements / 1e6} M), ${formatPercent(bytes / accelerator.memoryBytes)} of the memory of ${accelerator.name}, whatever the model needs.`,
      fixes: [
        {
          title: `Set reduce_bucket_size to 2e8 (${formatGib(smaller)})`,
          edits: replaceValue(config.file, written.node, SMALLER_ELEMENTS),
        },
      ],
    });
  },
});
