import { supportsFp8 } from '../hardware/capability';
import { setting, stringOf } from '../settings';
import { replaceValue } from '../syntax/editing';
import { rule } from './rule';

/** Reports fp8 mixed precision that Accelerate turns into fp16. */
export const fp8UnsupportedByGpu = rule({
  id: 'fp8-unsupported-by-gpu',
  severity: 'warning',
  applies: ['accelerate'],
  needs: ['mixed_precision'],
  when: 'cluster',
  why: 'Below compute capability 8.9 Accelerate only warns and trains in fp16 with a gradient scaler: neither the speed of fp8 nor the range of bf16.',
  source: ['accelerate src/accelerate/state.py:937 (1.15.0)'],
  verified: 'read',
  examples: {
    bad: [
      {
        files: {
          'accelerate.yaml':
            'compute_environment: LOCAL_MACHINE\ndistributed_type: MULTI_GPU\nnum_machines: 1\nnum_processes: 8\nmixed_precision: fp8\n',
          'shardlens.json': '{ "target": "box", "targets": { "box": { "hardware": "p4d.24xlarge" } } }',
        },
      },
    ],
    good: [
      {
        files: {
          'accelerate.yaml':
            'compute_environment: LOCAL_MACHINE\ndistributed_type: MULTI_GPU\nnum_machines: 1\nnum_processes: 8\nmixed_precision: fp8\n',
          'shardlens.json': '{ "target": "box", "targets": { "box": { "hardware": "p5.48xlarge" } } }',
        },
      },
    ],
  },
  check({ config, run, report }) {
    const mixed = setting(config, 'mixed_precision');
    if (!mixed?.node || stringOf(mixed)?.toLowerCase() !== 'fp8' || !run.cluster.known) return;
    const { accelerator } = run.cluster.value;
    if (accelerator.vendor !== 'NVIDIA' || supportsFp8(accelerator).supported !== false) return;
    report({
      at: mixed,
      message: `mixed_precision is fp8, which needs compute capability 8.9, and ${accelerator.name} has ${accelerator.computeCapability}: Accelerate warns and trains in fp16 instead.`,
      fixes:
        Number(accelerator.computeCapability) >= 8
          ? [{ title: 'Set mixed_precision to bf16', edits: replaceValue(config.file, mixed.node, 'bf16') }]
          : [{ title: 'Set mixed_precision to fp16', edits: replaceValue(config.file, mixed.node, 'fp16') }],
    });
  },
});
