import { launchedWith } from '../rules-support/environment';
import { placeForRun } from '../rules-support/places';
import { SPOT } from '../run/manifest-values';
import { rule } from './rule';

const TRAIN =
  'per_device_train_batch_size: 1\nlearning_rate: 2.0e-5\nlogging_steps: 10\nnum_train_epochs: 1\nbf16: true\n';

/** Reports checkpoints on disks that go with the machine. */
export const checkpointsOnPassingDisk = rule({
  id: 'checkpoints-on-passing-disk',
  severity: 'information',
  applies: ['trainer'],
  when: 'storage',
  why: 'Instance store and shared memory are empty again when the machine stops, fails or is taken away: the checkpoints that would let the run go on are lost with it.',
  source: [
    'docs.aws.amazon.com/AWSEC2/latest/UserGuide/InstanceStorage.html (lifetime of instance store)',
    'AWS ParallelCluster user guide, Scheduling section v3: EphemeralVolume (/scratch)',
  ],
  verified: 'read',
  examples: {
    bad: [{ files: `${TRAIN}output_dir: /opt/dlami/nvme/run-1\n` }],
    good: [
      { files: `${TRAIN}output_dir: /fsx/run-1\n` },
      { files: `${TRAIN}output_dir: /opt/dlami/nvme/run-1\nsave_strategy: "no"\n` },
    ],
  },
  check({ run, config, report }) {
    const { storage, saves } = run;
    if (!storage?.known || !saves.known || !saves.value) return;
    const { kind, name, folder } = storage.value;
    const at = (kind === 'instance-store' || kind === 'memory') && placeForRun(run, config, storage);
    if (!at) return;
    const isSpot = launchedWith(run, SPOT) !== undefined;
    report({
      at,
      severity: isSpot ? 'warning' : 'information',
      message: `${folder.slice(0, 80)} is ${name}, which goes with the machine${isSpot ? ', and a Spot machine can go at any time' : ''}: copy each checkpoint away, or save to a disk that stays.`,
    });
  },
});
