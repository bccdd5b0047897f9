import { isEnabled, removeFix, setFix } from '../rules-support/zero';
import { booleanOf, setting } from '../settings';
import { rule } from './rule';

/** Reports torch_autocast settings that do not work, or work without a dtype. */
export const autocastUnsupported = rule({
  id: 'autocast-unsupported',
  severity: 'error',
  applies: ['deepspeed'],
  needs: ['torch_autocast'],
  why: 'DeepSpeed asserts that torch_autocast and zero_quantized_weights are not both on. Without a dtype torch takes a default of its own, and no loss scaler is made for fp16.',
  source: ['deepspeed/runtime/torch_autocast.py:32 (0.19.6)', 'deepspeed/runtime/config.py:175 (0.19.6) dtype'],
  verified: 'run',
  examples: {
    bad: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "torch_autocast": { "enabled": true, "dtype": "bfloat16" }, "zero_optimization": { "stage": 3, "zero_quantized_weights": true } }',
      },
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "torch_autocast": { "enabled": true }, "zero_optimization": { "stage": 2 } }',
      },
    ],
    good: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "torch_autocast": { "enabled": true, "dtype": "bfloat16" }, "zero_optimization": { "stage": 3 } }',
      },
    ],
  },
  check({ config, report }) {
    const found = setting(config, 'torch_autocast');
    if (!found || !isEnabled(config, 'torch_autocast')) return;
    const quantized = setting(config, 'zero_optimization.zero_quantized_weights');
    if (quantized && booleanOf(quantized) === true) {
      report({
        at: [quantized, found],
        message: 'torch_autocast does not work with zero_quantized_weights; DeepSpeed stops at start-up.',
        fixes: [removeFix(quantized), removeFix(found)],
      });
    }
    const modules = setting(config, 'torch_autocast.lower_precision_safe_modules');
    const names = modules?.node?.kind === 'sequence' ? modules.node.items : [];
    if (modules && names.some((name) => name.kind !== 'scalar' || name.scalar.type !== 'string')) {
      report({
        at: modules,
        message: 'lower_precision_safe_modules takes dotted names of classes only; DeepSpeed stops at start-up.',
        fixes: [removeFix(modules)],
      });
    }
    if (setting(config, 'torch_autocast.dtype')) return;
    report({
      at: found,
      on: 'key',
      severity: 'warning',
      message: "torch_autocast names no dtype: torch's own default decides, and fp16 would run without a loss scaler.",
      fixes: [setFix(config, 'torch_autocast.dtype', 'bfloat16')],
    });
  },
});
