import type { Known } from '../run/known';
import type { RunOutline } from '../run/training-run';
import { runDialects } from '../source';
import { rule } from './rule';

/** Reports facts that two sources of one run state differently, as the number of processes. */
export const sourcesDisagree = rule({
  id: 'sources-disagree',
  severity: 'warning',
  applies: runDialects,
  why: 'Two sources of one run name different values. One of them is not what will run, and every number here is computed from the one that was taken.',
  source: ['Shardlens server/src/core/run/join.ts'],
  verified: 'read',
  examples: {
    bad: [
      {
        files: {
          'accelerate.yaml':
            'compute_environment: LOCAL_MACHINE\ndistributed_type: MULTI_GPU\nnum_machines: 1\nnum_processes: 4\nmixed_precision: bf16\n',
          'shardlens.json':
            '{ "target": "box", "targets": { "box": { "hardware": "p4d.24xlarge", "gpusPerNode": 8 } } }',
        },
      },
    ],
    good: [
      {
        files: {
          'accelerate.yaml':
            'compute_environment: LOCAL_MACHINE\ndistributed_type: MULTI_GPU\nnum_machines: 1\nnum_processes: 8\nmixed_precision: bf16\n',
          'shardlens.json':
            '{ "target": "box", "targets": { "box": { "hardware": "p4d.24xlarge", "gpusPerNode": 8 } } }',
        },
      },
    ],
  },
  check({ config, run, report }) {
    if (config.at !== '') return;
    for (const { fact, taken, other } of run.disagreements) {
      if (isTrainerMismatch(run, taken, other)) continue;
      const here = [taken, other].map(placeOf).find((place) => place?.path === config.file.path);
      const elsewhere = [taken, other].map(placeOf).filter((place) => place !== undefined && place !== here);
      report({
        at: here ?? { start: 0, end: 0 },
        message: `The ${fact} is ${textOf(taken)} ${flagOf(taken) ?? 'in one place'} and ${textOf(other)} ${flagOf(other) ?? (flagOf(taken) ? 'in the files' : 'in another')}; Shardlens reckons with ${textOf(taken)}.`,
        related: elsewhere.flatMap((place) => (place ? [{ at: place, message: `The other ${fact}.` }] : [])),
      });
    }
  },
});

function placeOf(fact: Known<unknown>): { path: string; start: number; end: number } | undefined {
  return fact.origin?.kind === 'file' ? fact.origin : undefined;
}

/** A flag has no place that could be marked. */
function flagOf({ origin }: Known<unknown>): string | undefined {
  return origin?.kind === 'flag' ? `by ${origin.flag}` : undefined;
}

function textOf(fact: Known<unknown>): string {
  return fact.known ? String(fact.value) : 'unknown';
}

/** Between the Trainer's file and DeepSpeed's a difference is an error with a fix: trainer-mismatch reports it. */
function isTrainerMismatch({ configs }: RunOutline, taken: Known<unknown>, other: Known<unknown>): boolean {
  const paths = [taken, other].map((fact) => placeOf(fact)?.path);
  return [configs.trainer, configs.deepspeed].every((config) => config && paths.includes(config.file.path));
}
