import { differences } from '../calibrate/fingerprint';
import { placeForRun } from '../rules-support/places';
import { runDialects } from '../source';
import { rule } from './rule';

/** Reports that what was measured of a run is of an earlier state of its files, so that nothing of it is used. */
export const measurementOutdated = rule({
  id: 'measurement-outdated',
  severity: 'hint',
  applies: runDialects,
  why: 'shardlens.json keeps what this run measured before a setting changed. Memory and time of the run as it now stands are predicted again, with the wider band of a prediction.',
  source: ['Shardlens server/src/core/calibrate/fingerprint.ts'],
  verified: 'run',
  examples: {
    bad: [
      {
        files: {
          'ds.json': '{ "train_micro_batch_size_per_gpu": 2, "zero_optimization": { "stage": 2 } }',
          'shardlens.json':
            '{ "measured": { "ds.json": { "file": "ds.json", "allocated": { "value": 24277417984, "from": "run.log:8" }, "run": { "microBatch": 1 } } } }',
        },
      },
    ],
    good: [
      {
        files: {
          'ds.json': '{ "train_micro_batch_size_per_gpu": 2, "zero_optimization": { "stage": 2 } }',
          'shardlens.json':
            '{ "measured": { "other.json": { "file": "other.json", "allocated": { "value": 24277417984, "from": "run.log:8" }, "run": { "microBatch": 1 } } } }',
        },
      },
    ],
  },
  check(context) {
    const { config, run, report } = context;
    const changes = run.measured?.map((it) => ({ it, changed: differences(it.run, context.wholeRun) })) ?? [];
    if (changes.some(({ changed }) => changed.length === 0)) return;
    const last = changes.findLast(({ it }) => it.isOwn);
    if (!last) return;
    const sharding = run.sharding.known && run.sharding.value.kind === 'zero' ? run.sharding.value.stage : run.sharding;
    const at = placeForRun(run, config, run.batch.micro, sharding, run.model);
    if (!at) return;
    const [first = '', ...rest] = last.changed;
    const more = rest.length > 0 ? `, and ${rest.length} more` : '';
    const log = Object.values(last.it.figures)[0]?.from.replace(/:\d+$/, '');
    const related = last.it.origin.kind === 'file' ? [{ at: last.it.origin, message: 'Measured then.' }] : [];
    report({
      at,
      message: `What ${log ?? 'the log'} measured is not used for this run: ${first}${more}. \`shardlens calibrate\` takes it anew from a run as it now is.`,
      related,
    });
  },
});
