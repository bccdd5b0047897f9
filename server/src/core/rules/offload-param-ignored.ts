import { offloadDeviceOf, removeFix, stageFix, stageOf } from '../rules-support/zero';
import { setting, stringOf } from '../settings';
import { rule } from './rule';

/** Reports parameter offload below the stage that shards parameters. */
export const offloadParamIgnored = rule({
  id: 'offload-param-ignored',
  severity: 'warning',
  applies: ['deepspeed', 'accelerate'],
  needs: ['zero_optimization.offload_param', 'deepspeed_config.offload_param_device'],
  why: 'Only ZeRO stage 3 shards the parameters and can move them to the host. Below it the section is accepted and does nothing, so the memory it was meant to free stays taken.',
  source: [
    'deepspeed/runtime/engine.py:2397 (0.19.6)',
    'accelerate src/accelerate/utils/deepspeed.py:176 (1.15.0) set_stage_and_offload',
  ],
  verified: 'run',
  examples: {
    bad: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2, "offload_param": { "device": "cpu" } } }',
      },
      {
        name: 'accelerate.yaml',
        files:
          'compute_environment: LOCAL_MACHINE\ndistributed_type: DEEPSPEED\nnum_processes: 2\nmixed_precision: bf16\ndeepspeed_config:\n  zero_stage: 2\n  offload_param_device: cpu\n',
      },
    ],
    good: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 3, "offload_param": { "device": "cpu" } } }',
      },
      {
        name: 'accelerate.yaml',
        files:
          'compute_environment: LOCAL_MACHINE\ndistributed_type: DEEPSPEED\nnum_processes: 2\nmixed_precision: bf16\ndeepspeed_config:\n  zero_stage: 2\n  offload_param_device: none\n',
      },
    ],
  },
  check({ config, run, report }) {
    const stage = stageOf(run);
    if (stage === undefined || stage === 3) return;
    const inAccelerate = config.dialect === 'accelerate';
    if (inAccelerate && setting(config, 'deepspeed_config.deepspeed_config_file')) return;
    const found = setting(
      config,
      inAccelerate ? 'deepspeed_config.offload_param_device' : 'zero_optimization.offload_param',
    );
    const device = inAccelerate ? stringOf(found) : offloadDeviceOf(config, 'offload_param');
    if (!found || (device !== 'cpu' && device !== 'nvme')) return;
    report({
      at: found,
      message: `ZeRO stage ${stage} ignores ${found.entry.key}; it needs stage 3. The parameters stay on the GPU.`,
      tag: 'unnecessary',
      fixes: [...stageFix(config, 3), removeFix(found)],
    });
  },
});
