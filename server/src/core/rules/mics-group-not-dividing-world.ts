import { dataRanksOf, removeFix, stageOf } from '../rules-support/zero';
import { isAtLeast, statedVersion } from '../schema/versions';
import { numberOf, setting } from '../settings';
import { rule } from './rule';

/** Reports MiCS shard groups that do not come out even. */
export const micsGroupNotDividingWorld = rule({
  id: 'mics-group-not-dividing-world',
  severity: 'error',
  applies: ['deepspeed'],
  needs: ['zero_optimization.mics_shard_size'],
  why: 'MiCS shards the model inside groups of mics_shard_size ranks and replicates it between them; DeepSpeed asserts that the groups divide the ranks.',
  source: ['deepspeed/runtime/zero/mics_utils.py:179 (0.19.6)'],
  verified: 'run',
  examples: {
    bad: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 3, "mics_shard_size": 3 } }',
          'shardlens.json':
            '{ "target": "box", "targets": { "box": { "hardware": "p4d.24xlarge", "nodes": 1, "gpusPerNode": 8 } } }',
        },
      },
    ],
    good: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 3, "mics_shard_size": 4 } }',
          'shardlens.json':
            '{ "frameworks": { "deepspeed": "0.16.9" }, "target": "box", "targets": { "box": { "hardware": "p4d.24xlarge", "nodes": 1, "gpusPerNode": 8 } } }',
        },
      },
    ],
  },
  check({ config, run, report }) {
    const version = statedVersion(run, 'deepspeed');
    // From there on the key itself is refused: removed-deepspeed-key.
    if (version !== undefined && isAtLeast(version, '0.19.7')) return;
    const found = setting(config, 'zero_optimization.mics_shard_size');
    const size = numberOf(found);
    const ranks = dataRanksOf(run);
    if (!found || size === undefined || size <= 0 || ranks === undefined || stageOf(run) !== 3) return;
    if (ranks % size === 0) return;
    report({
      at: found,
      message: `mics_shard_size is ${size}, which does not divide the ${ranks} ranks. DeepSpeed stops when it forms the groups.`,
      fixes: [removeFix(found)],
    });
  },
});
