import { removeFix } from '../rules-support/zero';
import { isAtLeast, statedVersion } from '../schema/versions';
import { setting } from '../settings';
import { rule } from './rule';

/** Keys DeepSpeed refuses whatever their value, with the first release that does (0.19.6, 0.19.7 and 0.19.8 compared). */
const GONE: Readonly<Record<string, string>> = {
  nebula: '0.19.7',
  compression_training: '0.19.7',
  quantize_training: '0.19.7',
  sparse_attention: '0.19.7',
  'zero_optimization.mics_shard_size': '0.19.7',
  'zero_optimization.mics_hierarchical_params_gather': '0.19.7',
  amp: '0.19.8',
  sparse_gradients: '0.19.8',
  eigenvalue: '0.19.8',
  elasticity: '0.19.8',
  graph_harvesting: '0.19.8',
  curriculum_learning: '0.19.8',
  progressive_layer_drop: '0.19.8',
  'zero_optimization.zeropp_loco_param': '0.19.8',
};

const INSTEAD: Readonly<Record<string, string>> = {
  amp: ' The bf16, fp16 and torch_autocast sections take its place.',
  elasticity: ' Write the batch sizes out instead.',
  curriculum_learning: ' data_efficiency.data_sampling.curriculum_learning takes its place.',
};

/** Reports sections that newer releases of DeepSpeed refuse. */
export const removedDeepspeedKey = rule({
  id: 'removed-deepspeed-key',
  severity: 'error',
  applies: ['deepspeed'],
  needs: Object.keys(GONE),
  why: 'DeepSpeed 0.19.7 and 0.19.8 dropped a dozen features and raise a DeepSpeedConfigError when the config still has the key, even where it switches the feature off.',
  source: [
    'deepspeed/runtime/config.py:122 (0.19.7) _reject_removed_config_keys',
    'deepspeed/runtime/config.py:133 (0.19.8) _reject_removed_config_keys',
  ],
  verified: 'run',
  examples: {
    bad: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "amp": { "enabled": false }, "zero_optimization": { "stage": 2 } }',
          'shardlens.json': '{ "frameworks": { "deepspeed": "0.19.8" } }',
        },
      },
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "sparse_gradients": false, "zero_optimization": { "stage": 2 } }',
      },
    ],
    good: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "amp": { "enabled": false }, "zero_optimization": { "stage": 2 } }',
          'shardlens.json': '{ "frameworks": { "deepspeed": "0.16.9" } }',
        },
      },
    ],
  },
  check({ config, run, report }) {
    const version = statedVersion(run, 'deepspeed');
    for (const [path, gone] of Object.entries(GONE)) {
      const found = setting(config, path);
      if (!found || (version !== undefined && !isAtLeast(version, gone))) continue;
      report({
        at: found,
        on: 'key',
        tag: 'deprecated',
        severity: version === undefined ? 'warning' : 'error',
        message: `DeepSpeed ${version ?? `${gone} and later`} ${version === undefined ? 'stop' : 'stops'} at start-up on ${path}, whatever its value: the feature is gone.${INSTEAD[path] ?? ''}`,
        fixes: [{ ...removeFix(found), preferred: version !== undefined }],
      });
    }
  },
});
