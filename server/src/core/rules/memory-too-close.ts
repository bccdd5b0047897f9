import { conditionsOf, memoryIsJudged, UNLESS_OFFLOADED } from '../rules-support/certainty';
import { bandOfCapacity, largestParts } from '../rules-support/memory-words';
import { placeForRun } from '../rules-support/places';
import { runDialects } from '../source';
import { rule } from './rule';

/** Reports runs whose predicted band of memory contains the GPU's capacity. */
export const memoryTooClose = rule({
  id: 'memory-too-close',
  severity: 'information',
  applies: runDialects,
  when: 'cluster',
  why: "Whether a run this close to the GPU's memory fits depends on fragmentation, the longest sample and the driver's context, which no prediction settles. Near the limit the allocator also frees and retries, which costs speed.",
  source: ['Shardlens server/src/core/estimate/memory/band.ts (the band and what it was fitted on)'],
  verified: 'read',
  examples: {
    bad: [
      {
        files: {
          'train.yaml':
            'model_name_or_path: meta-llama/Meta-Llama-3-8B\noutput_dir: out\nper_device_train_batch_size: 1\ngradient_accumulation_steps: 8\nlearning_rate: 2.0e-5\nbf16: true\ngradient_checkpointing: true\nsave_strategy: "no"\ndeepspeed: ds.json\n',
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": "auto", "gradient_accumulation_steps": "auto", "bf16": { "enabled": "auto" }, "zero_optimization": { "stage": 3 } }',
          'shardlens.json':
            '{ "sequenceLength": 10240, "target": "box", "targets": { "box": { "hardware": "p4d.24xlarge" } } }',
        },
      },
    ],
    good: [
      {
        files: {
          'train.yaml':
            'model_name_or_path: meta-llama/Meta-Llama-3-8B\noutput_dir: out\nper_device_train_batch_size: 1\ngradient_accumulation_steps: 8\nlearning_rate: 2.0e-5\nbf16: true\ngradient_checkpointing: true\nsave_strategy: "no"\ndeepspeed: ds.json\n',
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": "auto", "gradient_accumulation_steps": "auto", "bf16": { "enabled": "auto" }, "zero_optimization": { "stage": 3 } }',
          'shardlens.json':
            '{ "sequenceLength": 1024, "target": "box", "targets": { "box": { "hardware": "p4d.24xlarge" } } }',
        },
      },
    ],
  },
  check(context) {
    const { config, wholeRun: run, report } = context;
    if (!run.cluster.known || !run.model.known || !run.batch.micro.known || !run.batch.sequenceLength.known) return;
    if (!memoryIsJudged(run) || conditionsOf(run).some((one) => one !== UNLESS_OFFLOADED)) return;
    const sharding = run.sharding.known && run.sharding.value.kind === 'zero' ? run.sharding.value.stage : run.sharding;
    const at = placeForRun(run, config, run.batch.micro, sharding, run.model);
    if (!at) return;
    const { memory } = context.estimate;
    // A wide band comes from assumed inputs, and tells nothing about being close.
    if (!memory || memory.capacity === null || memory.fits !== null) return;
    if (memory.high - memory.low > WIDEST_BAND * memory.value) return;
    const peak = memory.phases[memory.phase];
    if (!peak) return;
    const how = memory.measured === undefined ? 'is predicted' : `was measured (${memory.measured})`;
    report({
      at,
      message: `${memory.open === undefined ? 'Too close to call' : 'Whether it fits cannot be told'}: this run ${how} to need ${bandOfCapacity(memory)} of ${run.cluster.value.accelerator.name} (${largestParts(peak)}). ${sentence(memory.decides ?? '')}`,
    });
  },
});

/** Bands are ±10–20 % where the inputs are known (test/unit/estimate/memory/measured.test.ts); wider ones come from assumed inputs. */
const WIDEST_BAND = 0.5;

function sentence(words: string): string {
  return words === '' ? '' : `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;
}
