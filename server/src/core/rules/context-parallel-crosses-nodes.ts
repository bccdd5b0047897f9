import { insideNodeFix, sizeSetting, sureLink } from '../rules-support/dimension-edits';
import { formatRate, formatSeconds } from '../text/format';
import { rule } from './rule';

/** Reports sequence- and context-parallel groups whose exchanges cross a network that the step waits for. */
export const contextParallelCrossesNodes = rule({
  id: 'context-parallel-crosses-nodes',
  severity: 'warning',
  applies: ['deepspeed', 'accelerate'],
  when: 'cluster',
  why: 'Ulysses exchanges queries, keys and values of every layer by all-to-all, and ring attention passes keys and values on from rank to rank. Inside a node that hides or costs little; over a slow network every layer waits for it.',
  source: [
    'deepspeed/sequence/layer.py (0.19.8) single_all_to_all before and after attention',
    'Shardlens server/src/core/estimate/time/links.ts (limits per GPU, and the share of the step that waits)',
  ],
  verified: 'read',
  examples: {
    bad: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "gradient_accumulation_steps": 16, "bf16": { "enabled": true }, "zero_optimization": { "stage": 1 }, "sequence_parallel_size": 16 }',
          'shardlens.json':
            '{ "model": "meta-llama/Meta-Llama-3-8B", "sequenceLength": 16384, "target": "box", "targets": { "box": { "hardware": "g6e.48xlarge", "nodes": 2, "gpusPerNode": 8 } } }',
        },
      },
    ],
    good: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "gradient_accumulation_steps": 16, "bf16": { "enabled": true }, "zero_optimization": { "stage": 1 }, "sequence_parallel_size": 16 }',
          'shardlens.json':
            '{ "model": "meta-llama/Meta-Llama-3-8B", "sequenceLength": 16384, "target": "box", "targets": { "box": { "hardware": "p5.48xlarge", "nodes": 2, "gpusPerNode": 8 } } }',
        },
      },
    ],
  },
  check(context) {
    const { config, wholeRun: run, report } = context;
    const { context: ranks } = run.parallelism;
    if (!run.cluster.known || !ranks.known) return;
    const written = sizeSetting(config, 'context', ranks);
    if (!written || !sureLink(run, 'context', ranks.value)?.crossesNodes) return;
    // What the step waits for decides, where a step can be told.
    const link = context.estimate.links.find(({ dimension }) => dimension === 'context');
    if (link?.verdict !== 'bad') return;
    const takes = link.seconds === undefined ? '' : `, ${formatSeconds(link.seconds)} of traffic a step`;
    report({
      at: written,
      message: `${written.path} is ${ranks.value} over nodes of ${run.cluster.value.gpusPerNode} GPUs: the exchanges around every attention cross ${link.link} at ${formatRate(link.bytesPerSecond)}${takes}.`,
      fixes: insideNodeFix(run, written, 'context'),
    });
  },
});
