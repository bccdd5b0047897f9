import { elsewhere, placeForRun } from '../rules-support/places';
import { fixesInsideNode } from '../rules-support/shard-edits';
import type { TrainingRun } from '../run/training-run';
import { runDialects } from '../source';
import { formatRate, formatSeconds } from '../text/format';
import { rule } from './rule';

/** Reports ZeRO-3 and FSDP full sharding whose gathers cross a network that the step waits for. */
export const fullShardOverSlowNetwork = rule({
  id: 'full-shard-over-slow-network',
  severity: 'warning',
  applies: runDialects,
  when: 'cluster',
  why: 'Full sharding gathers all weights twice and reduces all gradients once in every micro-step, so gradient accumulation multiplies its traffic. Over a network below about 6 GB/s per GPU the GPUs wait most of the step.',
  source: [
    'stas00/ml-engineering training/model-parallelism/README.md: ZeRO-3 sends 3 × parameters × bytes a micro-step',
    'hiyouga/LlamaFactory#5014: ZeRO-3 over 10 GbE, 4 s becomes 90 s a step',
    'Shardlens server/src/core/estimate/time/links.ts (limits per GPU, and the share of the step that waits)',
  ],
  verified: 'read',
  examples: {
    bad: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "gradient_accumulation_steps": 8, "bf16": { "enabled": true }, "optimizer": { "type": "AdamW", "params": { "lr": 1e-5 } }, "zero_optimization": { "stage": 3 } }',
          'shardlens.json':
            '{ "model": "meta-llama/Meta-Llama-3-8B", "sequenceLength": 2048, "target": "box", "targets": { "box": { "hardware": "g6e.48xlarge", "nodes": 4, "gpusPerNode": 8 } } }',
        },
      },
    ],
    good: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "gradient_accumulation_steps": 8, "bf16": { "enabled": true }, "optimizer": { "type": "AdamW", "params": { "lr": 1e-5 } }, "zero_optimization": { "stage": 3 } }',
          'shardlens.json':
            '{ "model": "meta-llama/Meta-Llama-3-8B", "sequenceLength": 2048, "target": "box", "targets": { "box": { "hardware": "p5.48xlarge", "nodes": 4, "gpusPerNode": 8 } } }',
        },
      },
    ],
  },
  check(context) {
    const { config, wholeRun: run, report } = context;
    if (!run.cluster.known || run.cluster.value.nodes < 2 || !run.model.known || !fullyShards(run)) return;
    const { inter } = run.cluster.value;
    if (inter.basis === 'assumed') return;
    const chosen = run.sharding.known && run.sharding.value.kind === 'zero' ? run.sharding.value.stage : run.sharding;
    const at = placeForRun(run, config, chosen);
    if (!at) return;
    const { links, step } = context.estimate;
    const link = links.find(({ dimension }) => dimension === 'shard');
    if (!step || !link?.crossesNodes || link.verdict !== 'bad' || link.seconds === undefined) return;
    report({
      at,
      message: `Gathering and reducing shards over ${link.ranks} ranks sends ${formatSeconds(link.seconds)} of traffic a step between nodes (${inter.label}; ${formatRate(inter.bytesPerSecond)} per GPU reached), of a step of ${formatSeconds(step.low)} to ${formatSeconds(step.high)}.`,
      related: elsewhere(config, [chosen, 'The sharding is chosen here.']),
      fixes: fixesInsideNode(run, context.workspace, context.estimate),
    });
  },
});

function fullyShards({ sharding }: TrainingRun): boolean {
  if (!sharding.known) return false;
  const { value } = sharding;
  if (value.kind === 'zero') return value.stage.known && value.stage.value === 3;
  return value.kind === 'fsdp' && value.strategy.known && value.strategy.value === 'FULL_SHARD';
}
