import { offloadDeviceOf, setFix, stageOf } from '../rules-support/zero';
import { isAtLeast, statedVersion } from '../schema/versions';
import { booleanOf, type Setting, setting, stringOf } from '../settings';
import type { Config } from '../source';
import { replaceValue } from '../syntax/editing';
import { type Report, rule } from './rule';

/** The first release with the keys of bf16; earlier ones do not read them. */
const BF16_KEYS_SINCE = '0.18.3';

/** Reports 16-bit master weights where DeepSpeed refuses them. */
export const halfMasterWeightsUnsupported = rule({
  id: 'half-master-weights-unsupported',
  severity: 'error',
  applies: ['deepspeed'],
  needs: ['fp16.fp16_master_weights_and_grads', 'bf16.bf16_master_weights_and_grads', 'bf16.bf16_optimizer_states'],
  why: 'Master weights and gradients in 16 bits work only inside ZeRO, and only with the optimizer on the host (or, for bf16, with bf16_optimizer_states). DeepSpeed asserts each of these conditions at start-up.',
  source: [
    'deepspeed/runtime/config.py:1040 (0.19.6) _do_error_check',
    'deepspeed/runtime/zero/stage_1_and_2.py:291 (0.19.6)',
    'deepspeed/runtime/base_optimizer.py:500 (0.19.6)',
  ],
  verified: 'run',
  examples: {
    bad: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true, "bf16_master_weights_and_grads": true }, "zero_optimization": { "stage": 0 } }',
      },
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "fp16": { "enabled": true, "fp16_master_weights_and_grads": true }, "zero_optimization": { "stage": 2 } }',
      },
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true, "bf16_optimizer_states": true }, "zero_optimization": { "stage": 2 } }',
      },
    ],
    good: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true, "bf16_master_weights_and_grads": true, "bf16_optimizer_states": true }, "zero_optimization": { "stage": 2 } }',
      },
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "fp16": { "enabled": true, "fp16_master_weights_and_grads": true }, "zero_optimization": { "stage": 2, "offload_optimizer": { "device": "cpu" } } }',
      },
    ],
  },
  check({ config, run, report }) {
    const stage = stageOf(run);
    if (stage === undefined) return;
    const version = statedVersion(run, 'deepspeed');
    const fp16 = on(config, 'fp16.fp16_master_weights_and_grads');
    const bf16 = on(config, 'bf16.bf16_master_weights_and_grads');
    const states = on(config, 'bf16.bf16_optimizer_states');
    for (const found of [fp16, bf16, states]) {
      if (found && stage === 0) say(found, `${found.entry.key} needs ZeRO stage 1, 2 or 3, and the stage is 0`, []);
    }
    if (stage === 0) return;
    if (states && !setting(config, 'bf16.bf16_master_weights_and_grads')) {
      say(states, 'bf16_optimizer_states needs bf16_master_weights_and_grads too', [
        setFix(config, 'bf16.bf16_master_weights_and_grads', true),
      ]);
    }
    if (fp16 && bf16) {
      say(bf16, 'bf16_master_weights_and_grads and fp16_master_weights_and_grads exclude each other', []);
      return;
    }
    if (offloads(config)) return;
    // Earlier releases read the key only where fp16 is on.
    if (fp16 && booleanOf(setting(config, 'fp16.enabled')) === true) {
      say(fp16, 'fp16_master_weights_and_grads needs the optimizer on the host, and offload_optimizer is not set', [
        setFix(config, 'zero_optimization.offload_optimizer', { device: 'cpu' }),
      ]);
    }
    if (bf16 && !setting(config, 'bf16.bf16_optimizer_states')) {
      say(bf16, 'bf16_master_weights_and_grads needs bf16_optimizer_states or an offloaded optimizer', [
        setFix(config, 'bf16.bf16_optimizer_states', true),
      ]);
    }

    function say(found: Setting, fault: string, fixes: NonNullable<Report['fixes']>): void {
      const isNew = found.path.startsWith('bf16.');
      if (isNew && version !== undefined && !isAtLeast(version, BF16_KEYS_SINCE)) return;
      const some = isNew && version === undefined;
      const off = found.node
        ? [{ title: `Set ${found.path} to false`, edits: replaceValue(config.file, found.node, false) }]
        : [];
      report({
        at: found,
        severity: some ? 'warning' : 'error',
        message: `${fault}. DeepSpeed ${some ? `${BF16_KEYS_SINCE} and later stop` : 'stops'} at start-up.`,
        fixes: [...fixes, ...off],
      });
    }
  },
});

function on(config: Config, path: string): Setting | undefined {
  const found = setting(config, path);
  return booleanOf(found) === true ? found : undefined;
}

/** Quiet unless it is certain that nothing is offloaded: a written device other than "none" may be one. */
function offloads(config: Config): boolean {
  if (setting(config, 'zero_optimization.cpu_offload')) return true;
  if (!setting(config, 'zero_optimization.offload_optimizer')) return false;
  const device = offloadDeviceOf(config, 'offload_optimizer');
  return device !== 'none' || stringOf(setting(config, 'zero_optimization.offload_optimizer.device')) === 'auto';
}
