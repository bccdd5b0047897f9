import { removeFix, setFix } from '../rules-support/zero';
import { booleanOf, type Setting, setting, stringOf } from '../settings';
import type { Config } from '../source';
import { rule } from './rule';

/** Reports data_efficiency sections that are switched on and lack what they need. */
export const dataEfficiencyIncomplete = rule({
  id: 'data-efficiency-incomplete',
  severity: 'error',
  applies: ['deepspeed'],
  needs: ['data_efficiency'],
  why: 'Curriculum learning, dynamic batching and random-LTD have no defaults for what they are about; DeepSpeed asserts that it is there once they are on.',
  source: [
    'deepspeed/runtime/data_pipeline/config.py:88 (0.19.8) curriculum_metrics',
    'deepspeed/runtime/data_pipeline/config.py:108 (0.19.8) max_tokens',
    'deepspeed/runtime/data_pipeline/data_routing/scheduler.py:42 (0.19.8) random_ltd',
  ],
  verified: 'run',
  examples: {
    bad: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 1 }, "data_efficiency": { "enabled": true, "data_sampling": { "enabled": true, "dynamic_batching": { "enabled": true } } } }',
      },
    ],
    good: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 1 }, "data_efficiency": { "enabled": true, "data_sampling": { "enabled": true, "dynamic_batching": { "enabled": false } } } }',
      },
    ],
  },
  check({ config, report }) {
    if (!isOn(config, 'data_efficiency')) return;
    for (const { section, inside, keys } of NEEDS) {
      const found = setting(config, section);
      if (!found || !isOn(config, section) || !inside.every((outer) => isOn(config, outer))) continue;
      for (const key of keys) {
        if (setting(config, `${section}.${key}`)) continue;
        report({
          at: found,
          on: 'key',
          message: `${lastOf(section)} is on and has no ${key}; DeepSpeed stops when it sets it up.`,
          fixes: [setFix(config, `${section}.enabled`, false)],
        });
      }
    }
    const ltd = 'data_efficiency.data_routing.random_ltd';
    if (!isOn(config, ltd)) return;
    const schedule = setting(config, `${ltd}.layer_token_lr_schedule.enabled`);
    if (schedule && booleanOf(schedule) === true) {
      say(schedule, 'layer_token_lr_schedule is not implemented', [setFix(config, schedule.path, false)]);
    }
    const type = setting(config, `${ltd}.random_ltd_schedule.schedule_type`);
    const name = stringOf(type);
    if (type && name !== undefined && name !== 'fixed_linear') {
      say(type, `random-LTD has the schedule "fixed_linear" only, not "${name}"`, [
        setFix(config, type.path, 'fixed_linear'),
        removeFix(type),
      ]);
    }

    function say(at: Setting, fault: string, fixes: { title: string; edits: ReturnType<typeof setFix>['edits'] }[]) {
      report({ at, message: `${fault}; DeepSpeed stops when it sets it up.`, fixes });
    }
  },
});

const SAMPLING = 'data_efficiency.data_sampling';

/** Keys looked up without a default, and the sections that have to be on for it. */
const NEEDS: readonly {
  readonly section: string;
  readonly inside: readonly string[];
  readonly keys: readonly string[];
}[] = [
  { section: `${SAMPLING}.curriculum_learning`, inside: [SAMPLING], keys: ['curriculum_metrics'] },
  { section: `${SAMPLING}.dynamic_batching`, inside: [SAMPLING], keys: ['max_tokens'] },
  {
    section: 'data_efficiency.data_routing.random_ltd',
    inside: ['data_efficiency.data_routing'],
    keys: ['total_layer_num', 'random_ltd_layer_num', 'random_ltd_schedule'],
  },
];

function isOn(config: Config, section: string): boolean {
  return booleanOf(setting(config, `${section}.enabled`)) === true;
}

function lastOf(path: string): string {
  return path.slice(path.lastIndexOf('.') + 1);
}
