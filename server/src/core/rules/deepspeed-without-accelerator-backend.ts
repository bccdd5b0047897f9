import { setting } from '../settings';
import { rule } from './rule';

/** Vendors whose chips DeepSpeed has no accelerator class for, and what trains on them instead. */
const OUTSIDE: Readonly<Record<string, string>> = {
  AWS: 'optimum-neuron or NxD Training',
  Google: 'torch_xla with its FSDP, or JAX,',
  Qualcomm: 'nothing of DeepSpeed’s kind',
};

/** Reports DeepSpeed configs for chips that DeepSpeed does not run on. */
export const deepspeedWithoutAcceleratorBackend = rule({
  id: 'deepspeed-without-accelerator-backend',
  severity: 'warning',
  applies: ['deepspeed'],
  when: 'cluster',
  why: 'DeepSpeed reaches a chip through an accelerator class: CUDA and ROCm, CPU, Intel XPU and Gaudi (hpu), Ascend and a few more. It has none for Trainium, Inferentia and TPUs; there it finds no accelerator and takes the CPU.',
  source: ['deepspeed/accelerator/real_accelerator.py:23 SUPPORTED_ACCELERATOR_LIST (0.19.8)'],
  verified: 'read',
  examples: {
    bad: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2 } }',
          'shardlens.json': '{ "target": "box", "targets": { "box": { "hardware": "trn1.32xlarge" } } }',
        },
      },
    ],
    good: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2 } }',
          'shardlens.json': '{ "target": "box", "targets": { "box": { "hardware": "p4d.24xlarge" } } }',
        },
      },
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2 } }',
          'shardlens.json': '{ "target": "box", "targets": { "box": { "hardware": "dl1.24xlarge" } } }',
        },
      },
    ],
  },
  check({ config, run, report }) {
    if (!run.cluster.known) return;
    const { accelerator } = run.cluster.value;
    const instead = Object.hasOwn(OUTSIDE, accelerator.vendor) ? OUTSIDE[accelerator.vendor] : undefined;
    if (instead === undefined) return;
    const written = setting(config, 'zero_optimization');
    report({
      at: written ?? { start: 0, end: 0 },
      on: 'key',
      message: `DeepSpeed has no backend for ${accelerator.name}, the hardware named for this run: it finds no accelerator there and runs on the CPU. ${capital(instead)} trains on it.`,
    });
  },
});

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
