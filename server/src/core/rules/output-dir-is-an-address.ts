import { placeForRun } from '../rules-support/places';
import { rule } from './rule';

const TRAIN =
  'per_device_train_batch_size: 1\nlearning_rate: 2.0e-5\nlogging_steps: 10\nnum_train_epochs: 1\nbf16: true\n';

/** Reports an output_dir in S3, which the Trainer takes for a folder. */
export const outputDirIsAnAddress = rule({
  id: 'output-dir-is-an-address',
  severity: 'warning',
  applies: ['trainer'],
  when: 'storage',
  why: 'The Trainer makes output_dir with os.makedirs and writes with plain files. An address of S3 becomes a folder called `s3:` beside the script, which goes with the machine.',
  source: ['transformers src/transformers/trainer.py:606 (5.23.0) os.makedirs(self.args.output_dir)'],
  verified: 'read',
  examples: {
    bad: [{ files: `${TRAIN}output_dir: s3://bucket/run-1\n` }],
    good: [{ files: `${TRAIN}output_dir: /fsx/run-1\n` }],
  },
  check({ run, config, report }) {
    const { storage } = run;
    const at = storage?.known && storage.value.kind === 's3' && placeForRun(run, config, storage);
    if (!at) return;
    report({
      at,
      message: `The Trainer takes ${storage.value.folder.slice(0, 80)} for a folder and makes one called \`s3:\` beside the script: nothing reaches S3. A mounted path, or a copy after saving, does.`,
    });
  },
});
