import { readArguments } from '../dialects/trainer/read';
import { launchedWith } from '../rules-support/environment';
import { placeForRun } from '../rules-support/places';
import { stepsBetweenSaves } from '../rules-support/saves';
import { valueIfKnown } from '../run/known';
import { SPOT } from '../run/manifest-values';
import type { RunOutline } from '../run/training-run';
import { booleanFrom, countFrom } from '../run/written';
import { setting } from '../settings';
import { formatSeconds } from '../text/format';
import { rule } from './rule';

const TRAIN =
  'output_dir: out\nper_device_train_batch_size: 1\nlearning_rate: 2.0e-5\nlogging_steps: 10\nnum_train_epochs: 1\nbf16: true\n';
const LINE = 'train.py --config train.yaml\n';

/** Losing more than this is worth a remark. */
const LONG_SECONDS = 3600;

/** Reports runs that expect to be interrupted and keep nothing to go on from. */
export const restartLosesProgress = rule({
  id: 'restart-loses-progress',
  severity: 'warning',
  applies: ['trainer'],
  why: 'A run on Spot machines, or one that torchrun may restart, goes on from its last whole checkpoint. Without one, or with one that leaves out the optimizer, each interruption starts it again from the first step.',
  source: [
    'transformers src/transformers/training_args.py save_only_model: no resuming from such a checkpoint (5.18.0)',
    'torch/distributed/run.py --max-restarts',
  ],
  verified: 'read',
  examples: {
    bad: [
      {
        files: {
          'train.yaml': `${TRAIN}save_strategy: "no"\n`,
          'run.sh': `torchrun --nproc_per_node 8 --max_restarts 3 ${LINE}`,
        },
      },
    ],
    good: [
      { files: { 'train.yaml': `${TRAIN}save_strategy: "no"\n`, 'run.sh': `torchrun --nproc_per_node 8 ${LINE}` } },
      {
        files: {
          'train.yaml': `${TRAIN}save_steps: 200\n`,
          'run.sh': `torchrun --nproc_per_node 8 --max_restarts 3 ${LINE}`,
        },
      },
    ],
  },
  check(context) {
    const { run, config, report } = context;
    const why = interruption(run);
    if (why === undefined || !run.saves.known) return;
    const args = readArguments(config, run.launches?.[0]);
    const only = args.get('save_only_model');
    const at =
      setting(config, 'save_only_model') ?? setting(config, 'save_strategy') ?? placeForRun(run, config, run.saves);
    if (!at) return;
    if (!run.saves.value)
      return report({ at, message: `${why}, and nothing is saved: each time it starts again from the first step.` });
    if (only && valueIfKnown(booleanFrom(only)) === true)
      return report({
        at,
        message: `${why}, and save_only_model leaves the optimizer out of the checkpoints: the run cannot go on from them.`,
      });
    const every = stepsBetweenSaves(args);
    const seconds = every === undefined ? 0 : every * (context.estimate.step?.low ?? 0);
    if (seconds < LONG_SECONDS) return;
    report({
      at: setting(config, 'save_steps') ?? at,
      severity: 'information',
      message: `${why}: with a checkpoint every ${every} steps up to ${formatSeconds(seconds)} of work are lost, or more.`,
    });
  },
});

/** Why the run may have to start again, as the beginning of a sentence. */
function interruption(run: RunOutline): string | undefined {
  if (launchedWith(run, SPOT)) return 'Spot machines can be taken away at any time';
  if (run.launch?.launcher !== 'torchrun') return undefined;
  const restarts = run.launch.flags.get('max_restarts');
  const count = restarts && valueIfKnown(countFrom(restarts));
  return count === undefined ? undefined : `torchrun restarts the processes up to ${count} times`;
}
