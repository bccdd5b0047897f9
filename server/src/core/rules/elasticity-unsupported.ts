import { removeFix, setFix } from '../rules-support/zero';
import { isAtLeast, statedVersion } from '../schema/versions';
import { booleanOf, numberOf, type Setting, setting } from '../settings';
import type { Config } from '../source';
import { rule } from './rule';

/** Reports elasticity sections that DeepSpeed's elastic batch computation refuses. */
export const elasticityUnsupported = rule({
  id: 'elasticity-unsupported',
  severity: 'error',
  applies: ['deepspeed'],
  needs: ['elasticity'],
  why: 'With elasticity on, DeepSpeed computes the batch sizes itself: it needs a maximum and a list of micro-batches, and refuses batch sizes that are written beside them. Releases from 0.19.8 on refuse the section as a whole.',
  source: [
    'deepspeed/elasticity/config.py:54 (0.16.9)',
    'deepspeed/elasticity/elasticity.py:298 (0.16.9)',
    'deepspeed/runtime/config.py:764 (0.16.9)',
  ],
  verified: 'run',
  examples: {
    bad: [
      {
        files: {
          'ds_config.json':
            '{ "bf16": { "enabled": true }, "elasticity": { "enabled": true, "micro_batch_sizes": [2, 4] }, "zero_optimization": { "stage": 2 } }',
          'shardlens.json': '{ "frameworks": { "deepspeed": "0.16.9" } }',
        },
      },
      {
        files: {
          'ds_config.json':
            '{ "bf16": { "enabled": true }, "train_batch_size": 8, "elasticity": { "enabled": true, "max_train_batch_size": 64, "micro_batch_sizes": [2, 4] }, "zero_optimization": { "stage": 2 } }',
          'shardlens.json': '{ "frameworks": { "deepspeed": "0.16.9" } }',
        },
      },
    ],
    good: [
      {
        files: {
          'ds_config.json':
            '{ "bf16": { "enabled": true }, "elasticity": { "enabled": true, "max_train_batch_size": 64, "micro_batch_sizes": [2, 4], "version": 0.1 }, "zero_optimization": { "stage": 2 } }',
          'shardlens.json': '{ "frameworks": { "deepspeed": "0.16.9" } }',
        },
      },
    ],
  },
  check({ config, run, report }) {
    const section = setting(config, 'elasticity');
    const version = statedVersion(run, 'deepspeed');
    // From there on the section itself is refused: removed-deepspeed-key.
    if (section?.node?.kind !== 'mapping' || (version !== undefined && isAtLeast(version, '0.19.8'))) return;
    if (booleanOf(setting(config, 'elasticity.enabled')) !== true) return;
    for (const key of ['max_train_batch_size', 'micro_batch_sizes']) {
      if (setting(config, `elasticity.${key}`)) continue;
      report({
        at: section,
        on: 'key',
        message: `elasticity is on and has no ${key}; DeepSpeed stops when it computes the batch sizes.`,
        fixes: [setFix(config, 'elasticity.enabled', false)],
      });
    }
    for (const { at, fault } of faultsOf(config)) {
      report({
        at,
        message: `${fault}; DeepSpeed stops when it computes the batch sizes.`,
        fixes: [setFix(config, 'elasticity.enabled', false)],
      });
    }
    const ignores = setting(config, 'elasticity.ignore_non_elastic_batch_info');
    const overrides = booleanOf(ignores) === true;
    if (ignores && !overrides && booleanOf(ignores) === undefined) return;
    for (const key of BATCH_KEYS) {
      const found = setting(config, key);
      if (!found) continue;
      report({
        at: [found, section],
        severity: overrides ? 'warning' : 'error',
        message: overrides
          ? `${key} is not used: elasticity computes the batch sizes.`
          : `elasticity computes the batch sizes, and ${key} stands beside it; DeepSpeed stops at start-up.`,
        fixes: [
          { ...removeFix(found), preferred: true },
          ...(overrides ? [] : [setFix(config, 'elasticity.ignore_non_elastic_batch_info', true)]),
        ],
      });
    }
  },
});

const BATCH_KEYS = ['train_batch_size', 'train_micro_batch_size_per_gpu', 'gradient_accumulation_steps'];

/** The checks of ElasticityConfig and compute_elastic_config that need no number of ranks. */
function faultsOf(config: Config): { at: Setting; fault: string }[] {
  const faults: { at: Setting; fault: string }[] = [];
  const own = (key: string) => setting(config, `elasticity.${key}`);
  const value = (key: string) => numberOf(own(key));
  const say = (at: Setting | undefined, fault: string) => {
    if (at) faults.push({ at, fault });
  };
  const sizes = own('micro_batch_sizes');
  const items = sizes?.node?.kind === 'sequence' ? sizes.node.items : undefined;
  if (sizes && !items) say(sizes, 'micro_batch_sizes has to be a list');
  const numbers = (items ?? []).map((item) => (item.kind === 'scalar' ? item.scalar.value : undefined));
  if (numbers.some((size) => typeof size !== 'number' || !Number.isInteger(size) || size <= 0)) {
    say(sizes, 'micro_batch_sizes takes positive integers only');
  }
  const most = value('max_train_batch_size');
  const largest = Math.max(...numbers.filter((size): size is number => typeof size === 'number'));
  if (most !== undefined && largest > most) {
    say(sizes, `The micro-batch ${largest} is larger than max_train_batch_size, ${most}`);
  }
  for (const key of ['min_gpus', 'max_gpus', 'model_parallel_size', 'num_gpus_per_node']) {
    if ((value(key) ?? 1) < 1) say(own(key), `${key} has to be at least 1`);
  }
  if ((value('min_time') ?? 0) < 0) say(own('min_time'), 'min_time has to be at least 0');
  const [least, highest] = [value('min_gpus') ?? 1, value('max_gpus') ?? 10_000];
  if (least > highest) say(own('min_gpus') ?? own('max_gpus'), `min_gpus is ${least} and max_gpus ${highest}`);
  const release = value('version') ?? 0.2;
  const parallel = value('model_parallel_size') ?? 1;
  if (release !== 0.1 && release !== 0.2)
    say(own('version'), `elasticity has the versions 0.1 and 0.2, not ${release}`);
  if (parallel > 1 && release !== 0.2) {
    say(own('model_parallel_size'), `model_parallel_size ${parallel} needs version 0.2 of elasticity`);
  }
  const perNode = value('num_gpus_per_node') ?? 1;
  if (parallel > 1 && release === 0.2 && perNode % parallel !== 0) {
    say(own('model_parallel_size'), `model_parallel_size ${parallel} does not divide num_gpus_per_node, ${perNode}`);
  }
  return faults;
}
