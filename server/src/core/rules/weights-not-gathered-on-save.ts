import { setFix, stageOf, zeroOf } from '../rules-support/zero';
import { setting } from '../settings';
import { rule } from './rule';

/** Reports stage 3 runs whose checkpoints hold no loadable weights. */
export const weightsNotGatheredOnSave = rule({
  id: 'weights-not-gathered-on-save',
  severity: 'warning',
  applies: ['deepspeed', 'accelerate'],
  needs: ['zero_optimization', 'deepspeed_config'],
  why: 'At stage 3 every rank holds a part of the weights. Unless they are gathered, the Trainer saves shards only, which from_pretrained cannot load before zero_to_fp32.py has put them together.',
  source: ['transformers src/transformers/trainer.py:4012 (5.18.0)', 'deepspeed/runtime/engine.py:5599 (0.19.6)'],
  verified: 'read',
  examples: {
    bad: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": "auto", "gradient_accumulation_steps": "auto", "bf16": { "enabled": "auto" }, "zero_optimization": { "stage": 3 } }',
          'train.yaml':
            'output_dir: out\ndeepspeed: ds.json\nlearning_rate: 2.0e-5\nnum_train_epochs: 1\nlogging_steps: 10\nbf16: true\nper_device_train_batch_size: 2\nsave_strategy: epoch\n',
        },
      },
    ],
    good: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": "auto", "gradient_accumulation_steps": "auto", "bf16": { "enabled": "auto" }, "zero_optimization": { "stage": 3, "stage3_gather_16bit_weights_on_model_save": true } }',
          'train.yaml':
            'output_dir: out\ndeepspeed: ds.json\nlearning_rate: 2.0e-5\nnum_train_epochs: 1\nlogging_steps: 10\nbf16: true\nper_device_train_batch_size: 2\nsave_strategy: epoch\n',
        },
      },
    ],
  },
  check({ config, run, report }) {
    if (!run.consumer.known || run.consumer.value !== 'trainer' || !run.saves.known || !run.saves.value) return;
    // Adapters are gathered whatever the flag says (trainer.py:4008).
    if (run.lora || stageOf(run) !== 3) return;
    const gathers = zeroOf(run)?.gatherWeightsOnSave;
    if (!gathers?.known || gathers.value) return;
    const isAccelerate = config.dialect === 'accelerate';
    if (isAccelerate && run.configs.deepspeed) return;
    const key = isAccelerate
      ? 'deepspeed_config.zero3_save_16bit_model'
      : 'zero_optimization.stage3_gather_16bit_weights_on_model_save';
    const at =
      setting(config, key) ?? setting(config, isAccelerate ? 'deepspeed_config.zero_stage' : 'zero_optimization.stage');
    if (!at) return;
    const name = key.split('.').pop();
    report({
      at,
      message: `Checkpoints of this stage 3 run hold shards only, because ${name} is not true: from_pretrained cannot load them before zero_to_fp32.py has run.`,
      fixes: [setFix(config, key, true)],
    });
  },
});
