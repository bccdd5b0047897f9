import { setFix } from '../rules-support/zero';
import { isAuto, numberOf, setting } from '../settings';
import { rule } from './rule';

/** Reports gradient accumulation that the DeepSpeed file leaves no place for. */
export const accumulationNotPassedOn = rule({
  id: 'accumulation-not-passed-on',
  severity: 'warning',
  applies: ['deepspeed', 'trainer'],
  when: 'joined',
  why: 'Accelerate writes gradient_accumulation_steps = 1 into a DeepSpeed config that lacks the key. The Trainer\'s number is then not used, and with train_batch_size "auto", which counts it, the sizes do not add up and DeepSpeed asserts.',
  source: [
    'accelerate src/accelerate/utils/dataclasses.py:1273 (1.15.0)',
    'transformers src/transformers/integrations/deepspeed.py:117 (5.18.0) fill_match',
    'deepspeed/runtime/config.py:938 (0.19.6) _batch_assertion',
  ],
  verified: 'run',
  examples: {
    bad: [
      {
        files: {
          'ds.json':
            '{ "train_batch_size": "auto", "train_micro_batch_size_per_gpu": "auto", "bf16": { "enabled": "auto" }, "zero_optimization": { "stage": 2 } }',
          'train.yaml':
            'output_dir: out\ndeepspeed: ds.json\nlearning_rate: 2.0e-5\nnum_train_epochs: 1\nlogging_steps: 10\nbf16: true\nper_device_train_batch_size: 2\ngradient_accumulation_steps: 4\n',
        },
      },
    ],
    good: [
      {
        files: {
          'ds.json':
            '{ "train_batch_size": "auto", "train_micro_batch_size_per_gpu": "auto", "gradient_accumulation_steps": "auto", "bf16": { "enabled": "auto" }, "zero_optimization": { "stage": 2 } }',
          'train.yaml':
            'output_dir: out\ndeepspeed: ds.json\nlearning_rate: 2.0e-5\nnum_train_epochs: 1\nlogging_steps: 10\nbf16: true\nper_device_train_batch_size: 2\ngradient_accumulation_steps: 4\n',
        },
      },
    ],
  },
  check({ run, report }) {
    const { deepspeed, trainer } = run.configs;
    if (!deepspeed || !trainer || (run.consumer.known && run.consumer.value !== 'trainer')) return;
    const asked = setting(trainer, 'gradient_accumulation_steps');
    const steps = numberOf(asked);
    if (!asked || steps === undefined || steps <= 1 || setting(deepspeed, 'gradient_accumulation_steps')) return;
    const total = setting(deepspeed, 'train_batch_size');
    const micro = setting(deepspeed, 'train_micro_batch_size_per_gpu');
    if ((total && !isAuto(total)) || (!total && !micro)) return;
    const stops = total !== undefined && micro !== undefined;
    const place = micro ?? total;
    report({
      at: place ? [asked, place] : asked,
      severity: stops ? 'error' : 'warning',
      message: stops
        ? `gradient_accumulation_steps is ${steps} in the Trainer file and missing in the DeepSpeed file, where Accelerate then writes 1. train_batch_size "auto" counts ${steps}, so the sizes do not add up and DeepSpeed stops at start-up.`
        : `gradient_accumulation_steps is ${steps} in the Trainer file and missing in the DeepSpeed file, where Accelerate then writes 1: DeepSpeed does not accumulate ${steps} steps.`,
      fixes: [{ ...setFix(deepspeed, 'gradient_accumulation_steps', 'auto'), preferred: true }],
    });
  },
});
