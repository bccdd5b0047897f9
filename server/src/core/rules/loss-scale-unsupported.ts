import { setFix } from '../rules-support/zero';
import { isAtLeast, statedVersion } from '../schema/versions';
import { booleanOf, numberOf, type Setting, setting } from '../settings';
import { rule } from './rule';

/** Reports loss-scale settings that newer releases refuse and older ones trip over. */
export const lossScaleUnsupported = rule({
  id: 'loss-scale-unsupported',
  severity: 'error',
  applies: ['deepspeed'],
  needs: ['fp16.loss_scale', 'fp16.loss_scale_window', 'fp16.min_loss_scale'],
  why: 'Dynamic loss scaling divides by its window and never goes below its minimum: both have to be above 0. Newer releases check that when the config is read; older ones go wrong in the middle of the run.',
  source: ['deepspeed/runtime/precision_config.py:193 (0.19.6)', 'deepspeed/runtime/precision_config.py:122 (0.19.6)'],
  verified: 'run',
  examples: {
    bad: [
      {
        files: {
          'ds_config.json':
            '{ "train_micro_batch_size_per_gpu": 1, "fp16": { "enabled": true, "loss_scale_window": 0 }, "zero_optimization": { "stage": 2 } }',
          'shardlens.json': '{ "frameworks": { "deepspeed": "0.19.8" } }',
        },
      },
      {
        files: {
          'ds_config.json':
            '{ "train_micro_batch_size_per_gpu": 1, "fp16": { "enabled": true, "loss_scale": true }, "zero_optimization": { "stage": 2 } }',
          'shardlens.json': '{ "frameworks": { "deepspeed": "0.19.8" } }',
        },
      },
    ],
    good: [
      {
        files: {
          'ds_config.json':
            '{ "train_micro_batch_size_per_gpu": 1, "fp16": { "enabled": true, "loss_scale_window": 1000 }, "zero_optimization": { "stage": 2 } }',
          'shardlens.json': '{ "frameworks": { "deepspeed": "0.19.8" } }',
        },
      },
      {
        files: {
          'ds_config.json':
            '{ "train_micro_batch_size_per_gpu": 1, "fp16": { "enabled": true, "loss_scale": 1 }, "zero_optimization": { "stage": 2 } }',
          'shardlens.json': '{ "frameworks": { "deepspeed": "0.19.8" } }',
        },
      },
    ],
  },
  check({ config, run, report }) {
    const version = statedVersion(run, 'deepspeed');
    if (version !== undefined && !isAtLeast(version, CHECKED_SINCE)) return;
    const scale = setting(config, 'fp16.loss_scale');
    const dynamic = !scale || numberOf(scale) === 0;
    const on = booleanOf(setting(config, 'fp16.enabled')) === true;
    for (const [key, preset] of [
      ['loss_scale', 0],
      ['loss_scale_window', 1000],
      ['min_loss_scale', 1],
    ] as const) {
      const found = setting(config, `fp16.${key}`);
      if (!found) continue;
      const value = numberOf(found);
      if (booleanOf(found) !== undefined) say(found, `${key} takes a number, not ${booleanOf(found)}`, preset);
      else if (key !== 'loss_scale' && on && dynamic && value !== undefined && value <= 0) {
        say(found, `${key} is ${value}, and dynamic loss scaling needs it above 0`, preset);
      }
    }

    function say(at: Setting, fault: string, preset: number): void {
      report({
        at,
        severity: version === undefined ? 'warning' : 'error',
        message: `${fault}; DeepSpeed ${version ?? `${CHECKED_SINCE} and later`} ${version ? 'stops' : 'stop'} at start-up.`,
        fixes: [setFix(config, at.path, preset)],
      });
    }
  },
});

/** The first release that checks the numbers; 26 releases from 0.16.9 to 0.19.8 were compared. */
const CHECKED_SINCE = '0.19.3';
