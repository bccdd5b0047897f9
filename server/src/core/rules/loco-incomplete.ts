import { removeFix, setFix, stageOf } from '../rules-support/zero';
import { isAtLeast, statedVersion } from '../schema/versions';
import { booleanOf, setting } from '../settings';
import { rule } from './rule';

/** Reports LoCo parameters that are incomplete, or that nothing reads. */
export const locoIncomplete = rule({
  id: 'loco-incomplete',
  severity: 'warning',
  applies: ['deepspeed'],
  needs: ['zero_optimization.zeropp_loco_param'],
  why: 'LoCo is a part of ZeRO++ gradient quantisation: without zero_quantized_gradients it is not used. Its documented defaults are not applied, so a missing err_beta or reset_T is a KeyError at the first reduction.',
  source: ['deepspeed/runtime/engine.py:1834 (0.19.6)', 'deepspeed/runtime/comm/coalesced_collectives.py:110 (0.19.6)'],
  verified: 'read',
  examples: {
    bad: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 3, "zero_quantized_gradients": true, "zeropp_loco_param": { "err_beta": 0.8 } } }',
      },
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 3, "zeropp_loco_param": { "err_beta": 0.8, "reset_T": 1024 } } }',
      },
    ],
    good: [
      {
        files: {
          'ds_config.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 3, "zero_quantized_gradients": true, "zeropp_loco_param": { "err_beta": 0.8, "reset_T": 1024 } } }',
          'shardlens.json': '{ "frameworks": { "deepspeed": "0.16.9" } }',
        },
      },
    ],
  },
  check({ config, run, report }) {
    const version = statedVersion(run, 'deepspeed');
    // From there on the key itself is refused: removed-deepspeed-key.
    if (version !== undefined && isAtLeast(version, '0.19.8')) return;
    const found = setting(config, 'zero_optimization.zeropp_loco_param');
    if (found?.node?.kind !== 'mapping' || found.node.entries.length === 0 || stageOf(run) !== 3) return;
    const quantized = setting(config, 'zero_optimization.zero_quantized_gradients');
    if (!quantized || booleanOf(quantized) === false) {
      report({
        at: found,
        tag: 'unnecessary',
        message: 'zeropp_loco_param has no effect without zero_quantized_gradients.',
        fixes: [setFix(config, 'zero_optimization.zero_quantized_gradients', true), removeFix(found)],
      });
      return;
    }
    const missing = ['err_beta', 'reset_T'].filter((key) => !setting(config, `${found.path}.${key}`));
    if (missing.length === 0) return;
    report({
      at: found,
      message: `zeropp_loco_param lacks ${missing.join(' and ')}; no default is applied, and DeepSpeed stops at the first gradient reduction.`,
    });
  },
});
