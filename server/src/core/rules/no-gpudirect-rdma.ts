import { estimateRun } from '../estimate/index';
import type { Fix } from '../findings';
import { shardingIsStated } from '../rules-support/certainty';
import { leadsRun } from '../rules-support/places';
import { stepChange, stepWithBand } from '../rules-support/step-words';
import { known } from '../run/known';
import type { TrainingRun } from '../run/training-run';
import { setting } from '../settings';
import { runDialects } from '../source';
import { replaceValue } from '../syntax/editing';
import { formatRate, formatSeconds } from '../text/format';
import { rule } from './rule';

/** Networks with RDMA that cannot reach the GPU's memory. */
const THROUGH_HOST = new Set(['efa', 'rdma-host']);

/** A smaller gain is finer than the model of the step. */
const WORTHWHILE = 0.9;

/** Tells that traffic between nodes goes through host memory. */
export const noGpudirectRdma = rule({
  id: 'no-gpudirect-rdma',
  severity: 'information',
  applies: runDialects,
  when: 'cluster',
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
            '{ "train_micro_batch_size_per_gpu": 1, "gradient_accumulation_steps": 8, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2 } }',
          'shardlens.json':
            '{ "model": "Qwen/Qwen2.5-1.5B", "sequenceLength": 1024, "target": "box", "targets": { "box": { "hardware": "g6e.48xlarge", "nodes": 2, "gpusPerNode": 8 } } }',
        },
      },
    ],
    good: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "gradient_accumulation_steps": 8, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2 } }',
          'shardlens.json':
            '{ "model": "Qwen/Qwen2.5-1.5B", "sequenceLength": 1024, "target": "box", "targets": { "box": { "hardware": "p4d.24xlarge", "nodes": 2, "gpusPerNode": 8 } } }',
        },
      },
    ],
  },
  check(context) {
    const { config, wholeRun: run, report } = context;
    if (!run.cluster.known || !run.model.known || !shardingIsStated(run) || !leadsRun(run, config)) return;
    const { nodes, inter, instanceId } = run.cluster.value;
    if (nodes < 2 || inter.basis === 'assumed' || !THROUGH_HOST.has(inter.kind)) return;
    const { links, step } = context.estimate;
    // Shards that cross such a network have a finding of their own.
    const link = links.find(({ dimension }) => dimension === 'data');
    if (!step || !link?.crossesNodes || link.verdict !== 'bad' || link.seconds === undefined) return;
    report({
      at: { start: 0, end: 0 },
      message: `Reducing gradients between ${nodes} nodes takes about ${formatSeconds(link.seconds)} of a step of ${stepWithBand(step)}: ${instanceId ?? 'this node'} has no GPUDirect RDMA, so traffic passes through host memory, at ${formatRate(inter.bytesPerSecond)} per GPU of ${formatRate(inter.wireBytesPerSecond)}.`,
      fixes: fixesOf(run, step.seconds),
    });
  },
});

/** Stage 2 reduces in every micro-step, stage 1 once per optimizer step. */
function fixesOf(run: TrainingRun, seconds: number): Omit<Fix, 'preferred'>[] {
  const { deepspeed } = run.configs;
  if (!deepspeed || !run.sharding.known || run.sharding.value.kind !== 'zero') return [];
  const { stage } = run.sharding.value;
  const written = setting(deepspeed, 'zero_optimization.stage');
  if (!written?.node || !stage.known || stage.value !== 2) return [];
  const tried = { kind: 'assumed', because: 'tried, to compare the step time' } as const;
  const zero = { ...run.sharding.value, stage: known(1 as const, tried) };
  const { memory, step } = estimateRun({ ...run, sharding: known(zero, tried) });
  if (memory?.fits !== true || !step || step.seconds > seconds * WORTHWHILE) return [];
  return [
    {
      title: `Set stage to 1 (${stepChange(step.seconds, seconds)})`,
      edits: replaceValue(deepspeed.file, written.node, 1),
    },
  ];
}
