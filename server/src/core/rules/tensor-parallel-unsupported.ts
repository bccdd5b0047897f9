import { divisorFix } from '../rules-support/divisors';
import { removeFix, stageFix, stageOf } from '../rules-support/zero';
import type { RunOutline } from '../run/training-run';
import { isAtLeast, statedVersion } from '../schema/versions';
import { isAuto, numberOf, setting, stringOf } from '../settings';
import { rule } from './rule';

/** Reports AutoTP sizes that do not come out even or contradict each other, and stages that it does not run at. */
export const tensorParallelUnsupported = rule({
  id: 'tensor-parallel-unsupported',
  severity: 'error',
  applies: ['deepspeed'],
  needs: ['tensor_parallel'],
  why: 'AutoTP splits each layer over autotp_size neighbouring ranks. Groups that do not divide the ranks cannot be formed, and tp.tp_size states the same size a second time. Weights that stage 3 shards already were not split before DeepSpeed 0.18.5, and transformers 5 does not load a checkpoint into them.',
  source: [
    'deepspeed/utils/groups.py:68 (0.19.6)',
    'deepspeed/runtime/engine.py:1021 (0.19.8)',
    'deepspeed/runtime/engine.py:509 (0.18.4) stage 3',
    'transformers src/transformers/integrations/deepspeed.py:356 (5.23.0) stage 3',
  ],
  verified: 'run',
  examples: {
    bad: [
      {
        files: {
          'ds_config.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "tensor_parallel": { "autotp_size": 3 }, "zero_optimization": { "stage": 1 } }',
          'shardlens.json': '{ "target": "t", "targets": { "t": { "nodes": 1, "gpusPerNode": 8 } } }',
        },
      },
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "tensor_parallel": { "autotp_size": 2, "tp": { "tp_size": 4 } }, "zero_optimization": { "stage": 1 } }',
      },
      {
        files: {
          'ds_config.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "tensor_parallel": { "autotp_size": 2 }, "zero_optimization": { "stage": 3 } }',
          'shardlens.json':
            '{ "frameworks": { "deepspeed": "0.16.9" }, "target": "t", "targets": { "t": { "nodes": 1, "gpusPerNode": 8 } } }',
        },
      },
    ],
    good: [
      {
        files: {
          'ds_config.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "tensor_parallel": { "autotp_size": 2 }, "zero_optimization": { "stage": 1 } }',
          'shardlens.json': '{ "target": "t", "targets": { "t": { "nodes": 1, "gpusPerNode": 8 } } }',
        },
      },
      {
        files: {
          'ds_config.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "tensor_parallel": { "autotp_size": 2 }, "zero_optimization": { "stage": 3 } }',
          'shardlens.json':
            '{ "consumer": "deepspeed", "frameworks": { "deepspeed": "0.19.8" }, "target": "t", "targets": { "t": { "nodes": 1, "gpusPerNode": 8 } } }',
        },
      },
    ],
  },
  check({ config, run, report }) {
    const dtype = setting(config, 'tensor_parallel.dtype');
    if (dtype?.node && !isAuto(dtype)) {
      report({
        at: dtype,
        // Releases before 0.16.4 do not check the section.
        message: 'tensor_parallel.dtype takes a torch dtype, which JSON cannot write; DeepSpeed stops at start-up.',
        fixes: [{ ...removeFix(dtype), preferred: true }],
      });
    }
    const preset = setting(config, 'tensor_parallel.preset_model');
    const name = stringOf(preset);
    if (preset && name !== undefined && name !== 'auto' && !PRESETS.includes(name.toLowerCase())) {
      report({
        at: preset,
        severity: 'warning',
        message: `AutoTP has no preset "${name}" and passes over it; it has ${PRESETS.join(', ')}.`,
        fixes: [removeFix(preset)],
      });
    }
    const found = setting(config, 'tensor_parallel.autotp_size');
    const size = numberOf(found);
    if (!found || size === undefined || size < 1) return;
    const refused = size > 1 && stageOf(run) === 3 ? atStage3(run) : undefined;
    if (refused) report({ at: found, ...refused, fixes: [...stageFix(config, 2), removeFix(found)] });
    if (run.worldSize.known && run.worldSize.value % size !== 0) {
      report({
        at: found,
        message: `autotp_size is ${size}, which does not divide ${run.worldSize.value} ranks. DeepSpeed stops when it forms the groups.`,
        fixes: divisorFix(found, size, run.worldSize.value),
      });
    }
    const second = setting(config, 'tensor_parallel.tp.tp_size');
    const stated = numberOf(second);
    if (!second || stated === undefined || stated === 1 || stated === size) return;
    report({
      at: [second, found],
      // Earlier releases take autotp_size and do not look at the other.
      severity: 'warning',
      message: `tp.tp_size is ${stated} and autotp_size ${size}; DeepSpeed 0.18.6 and later stop when they build the engine, earlier ones use autotp_size.`,
      fixes: [{ ...removeFix(second), preferred: true }],
    });
  },
});

/** Who does not split weights that stage 3 shards already: DeepSpeed up to 0.18.4 at least, and transformers 5 where it loads a checkpoint. */
function atStage3(run: RunOutline): { message: string; severity: 'error' | 'warning' } | undefined {
  const deepspeed = statedVersion(run, 'deepspeed');
  if (deepspeed !== undefined && !isAtLeast(deepspeed, '0.18.5')) {
    const message = `AutoTP does not run at ZeRO stage 3 in DeepSpeed ${deepspeed}; it stops when it builds the engine.`;
    return { message, severity: 'error' };
  }
  const transformers = statedVersion(run, 'transformers');
  const isTrainer = run.consumer.known && run.consumer.value === 'trainer';
  if (!isTrainer || transformers === undefined || !isAtLeast(transformers, '5.0')) return undefined;
  const message = `transformers ${transformers} loads no checkpoint under AutoTP at ZeRO stage 3; from_pretrained stops.`;
  // A script that makes its weights anew starts.
  return { message, severity: 'warning' };
}

/** deepspeed/module_inject/autotp_config.py:569 (0.19.6) get_preset: a name that is not there gives none. */
const PRESETS = ['llama', 'bloom', 'chatglm', 'mixtral', 'deepseek_v2', 'qwen2', 'phi3'];
