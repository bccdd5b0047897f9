import { removeFix } from '../rules-support/zero';
import { booleanOf, setting } from '../settings';
import { rule } from './rule';

/** Reports DeepSpeed's activation checkpointing section where the model does not call it. */
export const activationCheckpointingUnused = rule({
  id: 'activation-checkpointing-unused',
  severity: 'warning',
  applies: ['deepspeed'],
  needs: ['activation_checkpointing'],
  why: "The section configures deepspeed.checkpointing, which a model has to call by itself; models of transformers do not. What recomputes activations there is the Trainer's gradient_checkpointing.",
  source: ['deepspeed/runtime/activation_checkpointing/checkpointing.py:1131 (0.19.6)'],
  verified: 'read',
  examples: {
    bad: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": "auto", "gradient_accumulation_steps": "auto", "bf16": { "enabled": "auto" }, "activation_checkpointing": { "partition_activations": true }, "zero_optimization": { "stage": 2 } }',
          'train.yaml':
            'output_dir: out\ndeepspeed: ds.json\nlearning_rate: 2.0e-5\nnum_train_epochs: 1\nlogging_steps: 10\nbf16: true\nper_device_train_batch_size: 2\n',
        },
      },
    ],
    good: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": "auto", "gradient_accumulation_steps": "auto", "bf16": { "enabled": "auto" }, "activation_checkpointing": { "partition_activations": false }, "zero_optimization": { "stage": 2 } }',
          'train.yaml':
            'output_dir: out\ndeepspeed: ds.json\nlearning_rate: 2.0e-5\nnum_train_epochs: 1\nlogging_steps: 10\nbf16: true\nper_device_train_batch_size: 2\n',
        },
      },
    ],
  },
  check(context) {
    const { config, run, report } = context;
    const found = setting(config, 'activation_checkpointing');
    if (found?.node?.kind !== 'mapping' || !run.consumer.known || run.consumer.value !== 'trainer') return;
    const on = found.node.entries
      .map(({ key }) => setting(config, `activation_checkpointing.${key}`))
      .filter((one) => booleanOf(one) === true);
    if (on.length === 0) return;
    const { checkpointing } = context.wholeRun;
    const recomputes = checkpointing.known && checkpointing.value !== 'none';
    report({
      at: found,
      on: 'key',
      severity: recomputes ? 'hint' : 'warning',
      tag: 'unnecessary',
      message: `activation_checkpointing has no effect on models of transformers, which do not call deepspeed.checkpointing; ${recomputes ? 'the Trainer recomputes by gradient_checkpointing' : "set gradient_checkpointing in the Trainer's arguments to save that memory"}.`,
      fixes: [removeFix(found)],
    });
  },
});
