import { dirname, isAbsolute, join } from '../paths';
import { leadsRun } from '../rules-support/places';
import { recipe } from '../rules-support/trainer-recipe';
import { MISSING_FILE } from '../run/links';
import type { RunOutline } from '../run/training-run';
import { type Setting, setting } from '../settings';
import { type Config, runDialects } from '../source';
import { rule } from './rule';

const LAUNCHED = (named: string) => ({
  files: {
    'train.yaml': recipe('deepspeed: ds.json\n'),
    'ds.json': '{ "zero_optimization": { "stage": 2 }, "train_micro_batch_size_per_gpu": "auto" }',
    'run.sh': `deepspeed train.py --config train.yaml --deepspeed ${named}\n`,
  },
});

/** Reports a named file that is not in the workspace. A hint: the path may be right on the training machine. */
export const linkedFileMissing = rule({
  id: 'linked-file-missing',
  severity: 'hint',
  applies: [...runDialects, 'shardlens'],
  why: 'The run reads that file too: a key names it, or a flag of the launch line, which comes before the key. Paths are relative to the folder the job starts in, which an editor cannot see, so this is only a hint; what the file says is not checked.',
  source: ['accelerate src/accelerate/utils/deepspeed.py:150 (1.15.0)', 'deepspeed/runtime/config.py:706 (0.19.6)'],
  verified: 'run',
  examples: {
    bad: [
      {
        files: {
          'train.yaml':
            'output_dir: out\ndeepspeed: configs/ds.json\nper_device_train_batch_size: 1\nlearning_rate: 2.0e-5\nbf16: true\ngradient_accumulation_steps: 1\n',
        },
      },
      LAUNCHED('other.json'),
    ],
    good: [
      {
        files: {
          'train.yaml':
            'output_dir: out\ndeepspeed: configs/ds.json\nper_device_train_batch_size: 1\nlearning_rate: 2.0e-5\nbf16: true\ngradient_accumulation_steps: 1\n',
          'configs/ds.json': '{ "zero_optimization": { "stage": 2 }, "train_micro_batch_size_per_gpu": "auto" }',
        },
      },
      LAUNCHED('ds.json'),
    ],
  },
  check({ config, run, references, notes, workspace, report }) {
    for (const { kind, message, origin } of notes) {
      if (kind !== MISSING_FILE || origin?.kind !== 'file' || !leadsRun(run, config)) continue;
      const own = replacedBy(origin.key, config, run);
      report({
        at: own ?? { start: 0, end: 0 },
        message,
        related: [{ at: origin, message: 'Named here.' }],
      });
    }
    for (const reference of references) {
      if (reference.resolved !== undefined || reference.setting.config.at !== config.at) continue;
      // A model is named by its hub id far more often than by a folder.
      if (reference.dialect === 'model') continue;
      // It is there, and why it is not read is said already.
      if (notes.some(({ origin }) => origin?.kind === 'file' && origin.start === reference.setting.node?.start))
        continue;
      const base = isAbsolute(reference.written) ? '' : dirname(config.file.path);
      const read = workspace.read(join(base, reference.written));
      const why =
        !read.ok && read.why === 'outside'
          ? 'lies outside the workspace folders and is not read'
          : 'was found neither beside this file nor in a folder above it';
      report({ at: reference.setting, message: `${reference.written} ${why}, so what it says is not checked.` });
    }
  },
});

/** The key of this config that a flag of the launch line stands over: `--deepspeed` over `deepspeed`. */
function replacedBy(flag: string, config: Config, run: RunOutline): Setting | undefined {
  const isTrainer = config.dialect === 'trainer' && run.configs.trainer === config;
  return isTrainer ? setting(config, flag.replace(/^--/, '')) : undefined;
}
