import { computeCapability } from '../hardware/capability';
import type { Accelerator } from '../hardware/hardware';
import { leadsRun } from '../rules-support/places';
import { runDialects } from '../source';
import { rule } from './rule';

/** CUDA 12 and the torch built with it start at Maxwell. */
const LEAST_CAPABILITY = 5;

/** Tells that the named hardware is made for inference or graphics, or that current frameworks have dropped it. */
export const acceleratorNotForTraining = rule({
  id: 'accelerator-not-for-training',
  severity: 'warning',
  applies: runDialects,
  why: 'Some accelerators that clouds offer have no training stack (inference and graphics cards), and the oldest are in no current build of torch. A config for them would run nowhere.',
  source: ['Shardlens server/data/hardware.json (role and compute capability of each record, with sources)'],
  verified: 'read',
  examples: {
    bad: [
      {
        files: {
          'ds.json': '{ "train_micro_batch_size_per_gpu": 1, "zero_optimization": { "stage": 1 } }',
          'shardlens.json': '{ "target": "box", "targets": { "box": { "hardware": "g4ad.16xlarge" } } }',
        },
      },
      {
        files: {
          'ds.json': '{ "train_micro_batch_size_per_gpu": 1, "zero_optimization": { "stage": 1 } }',
          'shardlens.json': '{ "target": "box", "targets": { "box": { "hardware": "p2.16xlarge" } } }',
        },
      },
    ],
    good: [
      {
        files: {
          'ds.json': '{ "train_micro_batch_size_per_gpu": 1, "zero_optimization": { "stage": 1 } }',
          'shardlens.json': '{ "target": "box", "targets": { "box": { "hardware": "g5.48xlarge" } } }',
        },
      },
    ],
  },
  check({ config, run, report }) {
    if (!run.cluster.known || !leadsRun(run, config)) return;
    const { accelerator } = run.cluster.value;
    const reason = reasonOf(accelerator);
    if (reason) report({ at: { start: 0, end: 0 }, message: reason });
  },
});

function reasonOf(accelerator: Accelerator): string | undefined {
  const { role, name, architecture, vendor } = accelerator;
  if (!role.startsWith('training')) {
    return `${name} (${vendor} ${architecture}) is made for ${role.replace(/ \(.*$/, '')}: Trainer, Accelerate and DeepSpeed train on it only as far as its vendor's own stack does.`;
  }
  const capability = computeCapability(accelerator);
  if (capability === undefined || capability >= LEAST_CAPABILITY) return undefined;
  return `${name} (${architecture}, compute capability ${capability}) is in no current build of torch: CUDA 12 starts at ${LEAST_CAPABILITY.toFixed(1)}.`;
}
