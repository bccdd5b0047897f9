import { setting } from '../settings';
import { insertEntry } from '../syntax/editing';
import { rule } from './rule';

const DS =
  '{ "train_micro_batch_size_per_gpu": "auto", "gradient_accumulation_steps": "auto", "fp16": { "enabled": "auto" }, "bf16": { "enabled": "auto" }, "zero_optimization": { "stage": 2 } }';

/** Reports "auto" precision that becomes false because the Trainer's arguments name none. */
export const autoPrecisionOff = rule({
  id: 'auto-precision-off',
  severity: 'warning',
  applies: ['deepspeed', 'trainer'],
  when: 'joined',
  why: 'The Trainer fills fp16.enabled and bf16.enabled with its own fp16 and bf16 arguments, which are false unless they are set. With both false DeepSpeed trains in float32: twice the memory for weights and activations, and without the speed of the 16-bit units.',
  source: ['transformers src/transformers/integrations/deepspeed.py:180 (5.18.0) trainer_config_process'],
  verified: 'run',
  examples: {
    bad: [
      {
        files: {
          'ds.json': DS,
          'train.yaml':
            'output_dir: out\ndeepspeed: ds.json\nlearning_rate: 2.0e-5\nnum_train_epochs: 1\nlogging_steps: 10\nper_device_train_batch_size: 1\n',
        },
      },
    ],
    good: [
      {
        files: {
          'ds.json': DS,
          'train.yaml':
            'output_dir: out\ndeepspeed: ds.json\nlearning_rate: 2.0e-5\nnum_train_epochs: 1\nlogging_steps: 10\nper_device_train_batch_size: 1\nbf16: true\n',
        },
      },
    ],
  },
  check(context) {
    const { run, report } = context;
    const { deepspeed, trainer, accelerate } = run.configs;
    // An Accelerate file may give the precision from outside.
    if (!deepspeed || !trainer || accelerate || !run.consumer.known || run.consumer.value !== 'trainer') return;
    const { autos: filled, precision } = context.wholeRun;
    const autos = filled.filter(({ setting: { path } }) => path === 'bf16.enabled' || path === 'fp16.enabled');
    const first = autos.find(({ setting: { path } }) => path === 'bf16.enabled') ?? autos[0];
    if (!first || !autos.every(({ value }) => value.known && value.value === false)) return;
    const { compute } = precision;
    if (!compute.known || compute.value !== 'fp32' || setting(trainer, 'bf16') || setting(trainer, 'fp16')) return;
    const mixed = autos.length === 2 ? 'bf16 and fp16 are' : `${first.setting.path.split('.')[0]} is`;
    const place = setting(trainer, 'deepspeed');
    report({
      at: place ? [first.setting, place] : first.setting,
      message: `${mixed} "auto", and the Trainer file sets neither bf16 nor fp16: the run trains in float32, with twice the memory for weights and activations.`,
      fixes: [
        { title: 'Set bf16 to true in the Trainer file', edits: insertEntry(trainer.file, trainer.root, 'bf16', true) },
      ],
    });
  },
});
