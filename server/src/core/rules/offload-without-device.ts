import { removeFix, setFix } from '../rules-support/zero';
import { setting, stringOf } from '../settings';
import { rule } from './rule';

/** Reports offload sections that offload nothing. */
export const offloadWithoutDevice = rule({
  id: 'offload-without-device',
  severity: 'hint',
  applies: ['deepspeed'],
  needs: ['zero_optimization.offload_optimizer', 'zero_optimization.offload_param'],
  why: 'The default device is "none": a section without a device, or with "none", offloads nothing, however it is tuned.',
  source: ['deepspeed/runtime/zero/offload_config.py:24 (0.19.6)'],
  verified: 'run',
  examples: {
    bad: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2, "offload_optimizer": { "pin_memory": true } } }',
      },
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 3, "offload_param": { "device": "none", "buffer_count": 6 } } }',
      },
    ],
    good: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2, "offload_optimizer": { "device": "cpu", "pin_memory": true } } }',
      },
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2, "offload_optimizer": { "device": "none", "pin_memory": true } } }',
      },
    ],
  },
  check({ config, report }) {
    for (const section of ['offload_optimizer', 'offload_param'] as const) {
      const path = `zero_optimization.${section}`;
      const found = setting(config, path);
      if (found?.node?.kind !== 'mapping') continue;
      const device = setting(config, `${path}.device`);
      // Device "none" with pin_memory alone is a clear way of saying no, ready to be switched on.
      const others = found.node.entries.filter(({ key }) => key !== 'device' && (key !== 'pin_memory' || !device));
      if (others.length === 0 || (device && stringOf(device) !== 'none')) continue;
      report({
        at: found,
        tag: 'unnecessary',
        ...(device ? {} : { severity: 'warning' as const }),
        message: device
          ? `${section} has device "none", so nothing is offloaded and ${others.map(({ key }) => key).join(', ')} ${others.length === 1 ? 'has' : 'have'} no effect.`
          : `${section} names no device, and the default is "none": nothing is offloaded.`,
        fixes: device ? [removeFix(found)] : [setFix(config, `${path}.device`, 'cpu'), removeFix(found)],
      });
    }
  },
});
