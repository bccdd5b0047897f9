import { readArguments } from '../dialects/trainer/read';
import { placeForRun } from '../rules-support/places';
import { stepsBetweenSaves } from '../rules-support/saves';
import { formatGib, formatPercent, formatRate, formatSeconds } from '../text/format';
import { rule } from './rule';

const TRAIN =
  'model_name_or_path: meta-llama/Meta-Llama-3-8B\noutput_dir: /fsx/out\nper_device_train_batch_size: 1\ngradient_accumulation_steps: 4\nlearning_rate: 2.0e-5\nmax_steps: 10000\nmax_length: 4096\npacking: true\nbf16: true\ndeepspeed: ds.json\n';
const DS =
  '{ "train_micro_batch_size_per_gpu": "auto", "gradient_accumulation_steps": "auto", "bf16": { "enabled": "auto" }, "zero_optimization": { "stage": 3 } }';
const SCRIPT =
  '#SBATCH --nodes=2\nsrun torchrun --nnodes $SLURM_NNODES --nproc_per_node 8 train.py --config train.yaml\n';

function cluster(gibibytes: number): string {
  return `Scheduling:\n  Scheduler: slurm\n  SlurmQueues:\n    - Name: gpu\n      CapacityType: CAPACITY_BLOCK\n      ComputeResources:\n        - Name: h100\n          InstanceType: p5.48xlarge\n          Efa:\n            Enabled: true\nSharedStorage:\n  - MountDir: /fsx\n    StorageType: FsxLustre\n    FsxLustreSettings:\n      StorageCapacity: ${gibibytes}\n      DeploymentType: PERSISTENT_2\n      PerUnitStorageThroughput: 125\n`;
}

/** Bursts can make a smaller share vanish. */
const LEAST_SHARE = 0.2;

/** Reports runs that wait long for a file system whose provisioned throughput is known. */
export const checkpointsTakeLong = rule({
  id: 'checkpoints-take-long',
  severity: 'information',
  applies: ['trainer'],
  when: 'storage',
  why: 'The Trainer waits until a checkpoint is written. A file system of the cloud writes as fast as it was provisioned: 1.2 TiB of FSx for Lustre at 125 MB/s per TiB takes a quarter of an hour for the 112 GB of an 8B model.',
  source: [
    'transformers src/transformers/trainer.py _save_checkpoint',
    'AWS ParallelCluster user guide, SharedStorage section v3: PerUnitStorageThroughput × StorageCapacity',
    'AWS FSx for Lustre guide, performance: what is provisioned is the baseline, with bursts above it',
  ],
  verified: 'read',
  examples: {
    bad: [
      {
        files: {
          'train.yaml': `${TRAIN}save_steps: 100\n`,
          'ds.json': DS,
          'run.sbatch': SCRIPT,
          'cluster.yaml': cluster(1200),
        },
      },
    ],
    good: [
      {
        files: {
          'train.yaml': `${TRAIN}save_steps: 5000\n`,
          'ds.json': DS,
          'run.sbatch': SCRIPT,
          'cluster.yaml': cluster(12000),
        },
      },
    ],
  },
  check(context) {
    const { run, config, report } = context;
    const { storage, saves } = run;
    const rate = storage?.known ? storage.value.provisioned : undefined;
    const every = stepsBetweenSaves(readArguments(config, run.launches?.[0]));
    if (!storage?.known || !rate || !saves.known || !saves.value || every === undefined) return;
    const { checkpoint, step } = context.estimate;
    const at = checkpoint && step && placeForRun(run, config, storage);
    if (!at) return;
    const seconds = checkpoint.bytes / rate.bytesPerSecond;
    // Against the slowest step that is expected: a faster one makes it worse.
    const share = seconds / (seconds + every * step.high);
    if (share < LEAST_SHARE) return;
    report({
      at,
      message: `Each checkpoint of ${formatGib(checkpoint.bytes)} takes about ${formatSeconds(seconds)} at the ${formatRate(rate.bytesPerSecond)} that are provisioned (${storage.value.name}, ${rate.because}; bursts are shorter): with one every ${every} steps about ${formatPercent(share)} of the run.`,
    });
  },
});
