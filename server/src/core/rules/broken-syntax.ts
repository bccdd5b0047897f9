import { allDialects } from '../source';
import { rule } from './rule';

/** Reports what no reader takes: the run stops when it reads the file. */
export const brokenSyntax = rule({
  id: 'broken-syntax',
  severity: 'error',
  applies: allDialects,
  when: 'text-problem',
  why: 'The framework cannot read the file at all, so the job stops at start-up. What stands after the break was checked as far as it could be read.',
  source: [
    'cpython Lib/json/decoder.py:354 (3.11) json.load',
    'deepspeed/runtime/config.py:699 (0.19.6) hjson.load',
    'PyYAML lib/yaml/parser.py (6.0)',
  ],
  verified: 'run',
  examples: {
    bad: [{ files: '{ "train_batch_size": 8, "zero_optimization": { "stage": 2 ' }],
    good: [{ files: '{ "train_batch_size": 8, "zero_optimization": { "stage": 2 } }' }],
  },
  check({ config, report }) {
    // A section shares its file's text: the file's own config reports it once.
    if (config.at !== '') return;
    for (const problem of config.file.tree.problems) {
      if (problem.kind === 'broken') report({ at: problem, message: problem.message });
    }
  },
});
