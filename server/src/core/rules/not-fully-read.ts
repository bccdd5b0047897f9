import { allDialects } from '../source';
import { rule } from './rule';

/** Says where we stopped reading, so that silence further down is not taken for clean. */
export const notFullyRead = rule({
  id: 'not-fully-read',
  severity: 'warning',
  applies: allDialects,
  when: 'text-problem',
  why: 'Shardlens caps depth, size and aliases so that no file can hang the editor. Beyond the cap nothing was checked.',
  source: ['Shardlens server/src/core/syntax/limits.ts'],
  verified: 'run',
  examples: {
    bad: [{ files: `{ "zero_optimization": { "stage": 2 }, "x": ${'['.repeat(1000)}${']'.repeat(1000)} }` }],
    good: [{ files: '{ "zero_optimization": { "stage": 2 }, "x": [[[1]]] }' }],
  },
  check({ config, report }) {
    if (config.at !== '') return;
    // A bound that is met once is met again and again below.
    const problem = config.file.tree.problems.find(({ kind }) => kind === 'limit');
    if (problem) report({ at: problem, message: problem.message });
  },
});
