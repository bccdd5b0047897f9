import { isEnabled, removeFix, stageOf } from '../rules-support/zero';
import { setting } from '../settings';
import { rule } from './rule';

/** Reports apex AMP together with ZeRO. */
export const ampWithZero = rule({
  id: 'amp-with-zero',
  severity: 'error',
  applies: ['deepspeed'],
  needs: ['amp'],
  why: 'DeepSpeed asserts that apex AMP and ZeRO are not both on when it builds the optimizer. The fp16 and bf16 sections are what ZeRO works with.',
  source: ['deepspeed/runtime/engine.py:1984 (0.19.6) _do_optimizer_sanity_check'],
  verified: 'run',
  examples: {
    bad: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "amp": { "enabled": true, "opt_level": "O1" }, "zero_optimization": { "stage": 1 } }',
      },
    ],
    good: [
      {
        files: {
          'ds_config.json':
            '{ "train_micro_batch_size_per_gpu": 1, "amp": { "enabled": false, "opt_level": "O1" }, "zero_optimization": { "stage": 1 } }',
          'shardlens.json': '{ "frameworks": { "deepspeed": "0.16.9" } }',
        },
      },
    ],
  },
  check({ config, run, report }) {
    const stage = stageOf(run);
    const found = setting(config, 'amp');
    if (!found || !stage || !isEnabled(config, 'amp')) return;
    report({
      at: setting(config, 'amp.enabled') ?? found,
      message: `amp does not work with ZeRO, and the stage is ${stage}; DeepSpeed stops when it builds the optimizer. Use the bf16 or fp16 section instead.`,
      fixes: [removeFix(found)],
    });
  },
});
