import { booleanOf, setting } from '../settings';
import { removeEntry } from '../syntax/editing';
import { rule } from './rule';

const KEYS = ['bf16_master_weights_and_grads', 'bf16_optimizer_states'];

/** Reports 16-bit optimizer states that a host without AVX-512 updates in scalar code. */
export const bf16StatesOnAvx2Host = rule({
  id: 'bf16-states-on-avx2-host',
  severity: 'warning',
  applies: ['deepspeed'],
  when: 'cluster',
  why: "DeepSpeed's CPU-Adam has a vector path for bf16 with AVX-512 only. AMD Rome and Milan hosts (p5, g5, g6, g6e) have AVX2: there bf16 states save memory and take the scalar loop.",
  source: ['deepspeed csrc/adam/cpu_adam_impl.cpp and csrc/includes/simd.h (0.19.6)'],
  verified: 'read',
  examples: {
    bad: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true, "bf16_master_weights_and_grads": true }, "zero_optimization": { "stage": 2, "offload_optimizer": { "device": "cpu" } } }',
          'shardlens.json': '{ "target": "box", "targets": { "box": { "hardware": "p5.48xlarge" } } }',
        },
      },
    ],
    good: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true, "bf16_master_weights_and_grads": true }, "zero_optimization": { "stage": 2, "offload_optimizer": { "device": "cpu" } } }',
          'shardlens.json': '{ "target": "box", "targets": { "box": { "hardware": "p4d.24xlarge" } } }',
        },
      },
    ],
  },
  check({ config, run, report }) {
    if (!run.cluster.known || !run.sharding.known || run.sharding.value.kind !== 'zero') return;
    const { offloadOptimizer } = run.sharding.value;
    const { host, instanceId } = run.cluster.value;
    if (!offloadOptimizer.known || offloadOptimizer.value === 'none' || host.simd !== 'avx2') return;
    const section = setting(config, 'bf16')?.node;
    for (const key of KEYS) {
      const found = setting(config, `bf16.${key}`);
      if (!found || booleanOf(found) !== true) continue;
      report({
        at: found,
        message: `${key} is on with the optimizer on the CPU, and ${host.cpuName ?? instanceId ?? 'this host'} has AVX2 without AVX-512: CPU-Adam updates bf16 values there in its scalar loop, not in vectors.`,
        fixes:
          section?.kind === 'mapping'
            ? [{ title: `Remove ${key}`, edits: removeEntry(config.file, section, found.entry) }]
            : [],
      });
      return;
    }
  },
});
