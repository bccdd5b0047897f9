import { allDialects } from '../source';
import { rule } from './rule';

/** Hints at comments that ask for silence in vain. Found by core/silence, which knows what the other rules found. */
export const unusedIgnore = rule({
  id: 'unused-ignore',
  severity: 'hint',
  applies: allDialects,
  why: 'A comment that ignores nothing hides the next finding of its rule from whoever reads the file, and one with a mistyped rule never did what its writer meant.',
  source: ['Shardlens server/src/core/silence/unused.ts:22'],
  verified: 'run',
  examples: {
    bad: [
      {
        name: 'accelerate.yaml',
        files:
          '# shardlens-ignore: duplicate-key kept for the old launcher\ndistributed_type: MULTI_GPU\nmixed_precision: bf16\nnum_machines: 1\nnum_processes: 8\n',
      },
      {
        name: 'accelerate.yaml',
        files:
          'distributed_type: MULTI_GPU\nmixed_precision: bf16\nnum_processes: 8\nnum_processes: 8 # shardlens-ignore: duplicate-keys\nnum_machines: 1\n',
      },
    ],
    good: [
      {
        name: 'accelerate.yaml',
        files:
          '# shardlens-ignore: duplicate-key kept for the old launcher\nnum_processes: 8\nnum_processes: 8\ndistributed_type: MULTI_GPU\nmixed_precision: bf16\nnum_machines: 1\n',
      },
    ],
  },
  check() {
    // Whether a comment is used is known only when every rule has run.
  },
});
