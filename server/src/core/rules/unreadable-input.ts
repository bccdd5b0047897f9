import { MISSING_FILE } from '../run/links';
import { allDialects } from '../source';
import { rule } from './rule';

/** Turns what the join could not do into findings: a broken link, a cycle, an unknown model, machine or target. */
export const unreadableInput = rule({
  id: 'unreadable-input',
  severity: 'warning',
  applies: allDialects,
  why: 'A file, model, machine or target that this run names could not be used as written, so part of the run is unknown to Shardlens.',
  source: ['Shardlens server/src/core/run/join.ts'],
  verified: 'run',
  examples: {
    bad: [
      {
        files: {
          'ds.json': '{ "train_batch_size": 8, "zero_optimization": { "stage": 2 } }',
          'shardlens.json': '{ "target": "nowhere", "targets": { "here": { "hardware": "p4d.24xlarge" } } }',
        },
      },
    ],
    good: [
      {
        files: {
          'ds.json': '{ "train_batch_size": 8, "zero_optimization": { "stage": 2 } }',
          'shardlens.json': '{ "target": "here", "targets": { "here": { "hardware": "p4d.24xlarge" } } }',
        },
      },
    ],
  },
  check({ config, notes, report }) {
    if (config.at !== '') return;
    for (const { kind, message, origin } of notes) {
      // A hint of the rule on named files: the path may be right where the job runs.
      if (kind === MISSING_FILE) continue;
      if (origin?.kind === 'file' && origin.path === config.file.path) report({ at: origin, message });
      else {
        const related = origin?.kind === 'file' ? [{ at: origin, message: 'Named here.' }] : [];
        report({ at: { start: 0, end: 0 }, message, related });
      }
    }
  },
});
