import type { Severity } from '../findings';
import { computeCapability } from '../hardware/capability';
import type { Accelerator } from '../hardware/hardware';
import { leadsRun } from '../rules-support/places';
import type { Known } from '../run/known';
import { isAtLeast } from '../schema/versions';
import { runDialects } from '../source';
import { rule } from './rule';

/** CUDA 12 and the torch built with it start at Maxwell. */
const LEAST_CAPABILITY = 5;
const VOLTA = 7;
const TURING = 7.5;

/** Tells that the named hardware is made for inference or graphics, or that current frameworks have dropped it. */
export const acceleratorNotForTraining = rule({
  id: 'accelerator-not-for-training',
  severity: 'warning',
  applies: runDialects,
  when: 'cluster',
  why: 'Some accelerators that clouds offer have no training stack (inference and graphics cards), and the oldest are in no current build of torch. A config for them would run nowhere.',
  source: [
    'Shardlens server/data/hardware.json (role and compute capability of each record, with sources)',
    'pytorch/pytorch#157517 (2.8: no Maxwell and Pascal for CUDA 12.8), #172352 (2.11: no Volta)',
  ],
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
      {
        // Long before Volta was left out.
        files: {
          'ds.json': '{ "train_micro_batch_size_per_gpu": 1, "zero_optimization": { "stage": 1 } }',
          'requirements.txt': 'torch==1.13.1\n',
          'shardlens.json': '{ "target": "box", "targets": { "box": { "hardware": "p3.16xlarge" } } }',
        },
      },
    ],
  },
  check({ config, run, report }) {
    if (!run.cluster.known || !leadsRun(run, config)) return;
    const { accelerator } = run.cluster.value;
    const made = madeForOther(accelerator);
    const dropped = made ? undefined : droppedByTorch(accelerator, run.frameworks.torch);
    if (made) report({ at: { start: 0, end: 0 }, message: made });
    else if (dropped) report({ at: { start: 0, end: 0 }, ...dropped });
  },
});

function madeForOther({ role, name, architecture, vendor }: Accelerator): string | undefined {
  if (role.startsWith('training')) return undefined;
  return `${name} (${vendor} ${architecture}) is made for ${role.replace(/ \(.*$/, '')}: Trainer, Accelerate and DeepSpeed train on it only as far as its vendor's own stack does.`;
}

/** What builds of torch have left out: Kepler long ago, Maxwell and Pascal but in those for CUDA 12.6, then Volta too. */
function droppedByTorch(
  accelerator: Accelerator,
  torch: Known<string> | undefined,
): { message: string; severity?: Severity } | undefined {
  const capability = computeCapability(accelerator);
  if (capability === undefined || capability >= TURING) return undefined;
  const chip = `${accelerator.name} (${accelerator.architecture}, compute capability ${accelerator.computeCapability})`;
  if (capability < LEAST_CAPABILITY)
    return { message: `${chip} is in no current build of torch: CUDA 12 starts at ${LEAST_CAPABILITY.toFixed(1)}.` };
  const since = capability < VOLTA ? '2.8' : '2.11';
  const version = torch?.known ? torch.value : undefined;
  // Volta stayed until 2.11, so without a release nothing is said of it.
  const isOut = version === undefined ? capability < VOLTA : isAtLeast(version, since);
  if (!isOut) return undefined;
  return {
    message: `${chip} is left out of torch's builds for CUDA 12.8 and later since torch ${since}; those for CUDA 12.6 still have it.`,
    severity: 'information',
  };
}
