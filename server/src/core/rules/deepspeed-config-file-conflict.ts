import { removalOf } from '../rules-support/zero';
import { setting } from '../settings';
import { rule } from './rule';

const KEYS = [
  'deepspeed_config.gradient_accumulation_steps',
  'deepspeed_config.gradient_clipping',
  'deepspeed_config.zero_stage',
  'deepspeed_config.offload_optimizer_device',
  'deepspeed_config.offload_param_device',
  'deepspeed_config.offload_param_nvme_path',
  'deepspeed_config.offload_optimizer_nvme_path',
  'deepspeed_config.zero3_save_16bit_model',
];

const HEAD = 'compute_environment: LOCAL_MACHINE\ndistributed_type: DEEPSPEED\nnum_processes: 2\n';
const DS = '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2 } }';

/** Reports Accelerate keys beside a DeepSpeed file that already says the same. */
export const deepspeedConfigFileConflict = rule({
  id: 'deepspeed-config-file-conflict',
  severity: 'error',
  applies: ['accelerate'],
  why: 'With deepspeed_config_file the DeepSpeed file says everything, and Accelerate raises a ValueError in the training process when its own file has any of these keys too. mixed_precision counts unless the command line gives it.',
  source: [
    'accelerate src/accelerate/utils/dataclasses.py:1506 (1.15.0) _deepspeed_config_checks',
    'accelerate src/accelerate/commands/launch.py:1394 (1.15.0)',
  ],
  verified: 'run',
  examples: {
    bad: [
      {
        files: {
          'accelerate.yaml': `${HEAD}deepspeed_config:\n  deepspeed_config_file: ds.json\n  zero_stage: 2\n`,
          'ds.json': DS,
        },
      },
      {
        files: {
          'accelerate.yaml': `${HEAD}mixed_precision: bf16\ndeepspeed_config:\n  deepspeed_config_file: ds.json\n`,
          'ds.json': DS,
        },
      },
    ],
    good: [
      {
        files: {
          'accelerate.yaml': `${HEAD}deepspeed_config:\n  deepspeed_config_file: ds.json\n`,
          'ds.json': DS,
        },
      },
    ],
  },
  check(context) {
    const { config, report } = context;
    if (!setting(config, 'deepspeed_config.deepspeed_config_file')) return;
    if (setting(config, 'distributed_type')?.node?.kind !== 'scalar' || !isDeepspeed()) return;
    for (const path of KEYS) {
      const found = setting(config, path);
      if (!found) continue;
      report({
        at: found,
        on: 'key',
        message: `${found.entry.key} stands beside deepspeed_config_file, which has to say it alone; Accelerate stops when the training process starts.`,
        fixes: [
          {
            title: `Remove ${found.entry.key}, which the DeepSpeed file decides`,
            preferred: true,
            edits: removalOf(found),
          },
        ],
      });
    }
    const precision = setting(config, 'mixed_precision');
    if (!precision) return;
    report({
      at: precision,
      on: 'key',
      severity: 'warning',
      message: `mixed_precision stands beside deepspeed_config_file: unless the command line gives --mixed_precision, Accelerate stops when the training process starts. Say it in the DeepSpeed file's ${precisionSection()}.`,
      fixes: [{ title: 'Remove mixed_precision', edits: removalOf(precision) }],
    });

    function isDeepspeed(): boolean {
      const type = setting(config, 'distributed_type')?.node;
      return type?.kind === 'scalar' && type.scalar.value === 'DEEPSPEED';
    }

    function precisionSection(): string {
      const { compute } = context.wholeRun.precision;
      return compute.known && compute.value === 'fp16' ? 'fp16 section' : 'bf16 section';
    }
  },
});
