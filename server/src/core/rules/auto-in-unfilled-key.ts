import type { JsonSchema } from '../catalogs';
import type { Severity } from '../findings';
import type { Consumer } from '../run/training-run';
import { factsOf, valuesOf } from '../schema/keys';
import { type DescribedSetting, describedSettings } from '../schema/settings';
import { isAuto } from '../settings';
import { removeEntry } from '../syntax/editing';
import { rule } from './rule';

/** Reports "auto" at keys that the reader of the file does not fill. */
export const autoInUnfilledKey = rule({
  id: 'auto-in-unfilled-key',
  severity: 'error',
  applies: ['deepspeed'],
  why: 'Only the Trainer and Accelerate know "auto", each for its own list of keys. Accelerate stops on an "auto" it has no value for; DeepSpeed alone drops it from its strict sections, so ZeRO stage "auto" becomes 0, and breaks on it elsewhere.',
  source: [
    'deepspeed/runtime/config_utils.py:56 (0.19.6)',
    'deepspeed/runtime/config.py:942 (0.19.6) batch sizes',
    'accelerate src/accelerate/utils/dataclasses.py:1366 (1.15.0) fill_match',
    'transformers src/transformers/integrations/deepspeed.py:104 (5.18.0)',
  ],
  verified: 'run',
  examples: {
    bad: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": "auto", "zero_optimization": { "stage": 2, "allgather_bucket_size": "auto" } }',
          'train.yaml':
            'output_dir: out\ndeepspeed: ds.json\nlearning_rate: 2.0e-5\nper_device_train_batch_size: 1\ngradient_accumulation_steps: 2\nbf16: true\n',
        },
      },
      {
        files: {
          'ds.json': '{ "train_micro_batch_size_per_gpu": "auto", "zero_optimization": { "stage": 2 } }',
          'shardlens.json': '{ "consumer": "deepspeed" }',
        },
      },
    ],
    good: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": "auto", "zero_optimization": { "stage": 2, "reduce_bucket_size": "auto" } }',
          'train.yaml':
            'output_dir: out\ndeepspeed: ds.json\nlearning_rate: 2.0e-5\nper_device_train_batch_size: 1\ngradient_accumulation_steps: 2\nbf16: true\n',
        },
      },
    ],
  },
  check({ config, run, catalogs, report }) {
    const consumer = run.consumer.known ? run.consumer.value : undefined;
    for (const described of describedSettings(config, catalogs.schema('deepspeed').schema)) {
      const { setting, schema, key, owner } = described;
      if (!schema || !isAuto(setting) || isFilled(schema, consumer)) continue;
      const { severity, fate } = outcome(described, schema, consumer);
      report({
        at: setting,
        severity,
        message: `${setting.path} is "auto", and ${fate}.`,
        fixes: [
          { title: `Remove ${key}, which leaves the default`, edits: removeEntry(config.file, owner, setting.entry) },
        ],
      });
    }
  },
});

/** Whether the reader has a value for the key; without a known reader, whether any has. A native "auto" needs none. */
function isFilled(schema: JsonSchema, consumer: Consumer | undefined): boolean {
  const filledBy = factsOf(schema).autoFilledBy;
  if (filledBy === undefined) return valuesOf(schema).includes('auto');
  // The Trainer hands the file on to Accelerate, which fills what is left.
  if (consumer === undefined || consumer === 'trainer') return true;
  return consumer === 'accelerate' && filledBy.includes('accelerate');
}

function outcome(
  { parent, setting }: DescribedSetting,
  schema: JsonSchema,
  consumer: Consumer | undefined,
): { severity: Severity; fate: string } {
  if (consumer === 'trainer' || consumer === 'accelerate') {
    const who = consumer === 'trainer' ? 'neither the Trainer nor Accelerate has' : 'Accelerate has no';
    return {
      severity: 'error',
      fate: `${who} ${consumer === 'trainer' ? 'a ' : ''}value for it; Accelerate stops with "not found in kwargs"`,
    };
  }
  const strict = factsOf(parent).unknownKeys === 'reject';
  if (strict) {
    const value = schema.default === undefined ? 'its default' : `its default, ${JSON.stringify(schema.default)}`;
    return {
      severity: 'warning',
      fate: `DeepSpeed drops it and takes ${value}; through the Trainer or Accelerate the job stops`,
    };
  }
  if (consumer === 'deepspeed' && STOPS.some((prefix) => setting.path.startsWith(prefix))) {
    return { severity: 'error', fate: 'DeepSpeed needs a number or a name there; the job stops' };
  }
  return {
    severity: 'warning',
    fate: 'nobody fills it: DeepSpeed reads the text, and the Trainer and Accelerate stop on it',
  };
}

/** Where plain DeepSpeed was seen to stop on the text (deepspeed/runtime/config.py:942, :257, :223; engine.py:2085). */
const STOPS = [
  'train_batch_size',
  'train_micro_batch_size_per_gpu',
  'gradient_accumulation_steps',
  'gradient_clipping',
  'optimizer.params.',
  'scheduler.params.',
  'communication_data_type',
  'data_types.',
];
