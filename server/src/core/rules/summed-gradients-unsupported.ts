import { isEnabled, removeFix, stageOf } from '../rules-support/zero';
import { isAtLeast, statedVersion } from '../schema/versions';
import { booleanOf, setting, stringOf } from '../settings';
import { rule } from './rule';

/** Reports summed gradients where DeepSpeed only averages. */
export const summedGradientsUnsupported = rule({
  id: 'summed-gradients-unsupported',
  severity: 'warning',
  applies: ['deepspeed'],
  needs: ['gradient_allreduce_op'],
  why: 'Stage 3, ZenFlow and DeepCompile only average gradients. DeepSpeed 0.19.6 raises a ValueError; releases that do not know the key average without a word.',
  source: ['deepspeed/runtime/config.py:1031 (0.19.6) _do_error_check'],
  verified: 'run',
  examples: {
    bad: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "gradient_allreduce_op": "sum", "zero_optimization": { "stage": 3 } }',
      },
    ],
    good: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "gradient_allreduce_op": "sum", "zero_optimization": { "stage": 2 } }',
      },
    ],
  },
  check({ config, run, report }) {
    const found = setting(config, 'gradient_allreduce_op');
    if (!found || stringOf(found)?.toLowerCase() !== 'sum') return;
    const zenflow = setting(config, 'zero_optimization.zenflow')?.node?.kind === 'mapping';
    const deepcompile = booleanOf(setting(config, 'compile.deepcompile')) === true || isEnabled(config, 'deepcompile');
    const what = stageOf(run) === 3 ? 'ZeRO stage 3' : zenflow ? 'ZenFlow' : deepcompile ? 'DeepCompile' : undefined;
    if (what === undefined) return;
    const version = statedVersion(run, 'deepspeed');
    report({
      at: found,
      severity: version !== undefined && isAtLeast(version, '0.19.6') ? 'error' : 'warning',
      message: `${what} cannot sum gradients; DeepSpeed 0.19.6 stops on gradient_allreduce_op "sum", and releases that do not know the key average.`,
      fixes: [removeFix(found)],
    });
  },
});
