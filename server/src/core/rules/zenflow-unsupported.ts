import { offloadDeviceOf, removeFix, setFix, stageOf } from '../rules-support/zero';
import { booleanOf, numberOf, type Setting, setting, stringOf } from '../settings';
import { type Report, rule } from './rule';

/** What ZenFlow's AdamW takes (deepspeed/ops/adam/zenflow_torch_adam.py:57, 0.19.8). */
const TAKEN = new Set([
  'lr',
  'betas',
  'eps',
  'weight_decay',
  'amsgrad',
  'maximize',
  'foreach',
  'capturable',
  'differentiable',
  'fused',
]);

/** Reports ZenFlow settings that its set-up refuses. */
export const zenflowUnsupported = rule({
  id: 'zenflow-unsupported',
  severity: 'error',
  applies: ['deepspeed'],
  needs: ['zero_optimization.zenflow'],
  why: 'ZenFlow updates the less important gradients on the host, so it needs an offloaded optimizer, and its intervals have to fit together. It checks both when the engine is built.',
  source: [
    'deepspeed/runtime/zenflow/zenflow_stage_1_and_2.py:110 (0.19.6)',
    'deepspeed/runtime/zenflow/engine.py:39 (0.19.6)',
    'deepspeed/runtime/zenflow/engine.py:45 (0.19.6)',
    'deepspeed/runtime/zenflow/zenflow_stage_1_and_2.py:70 (0.19.6)',
  ],
  verified: 'run',
  examples: {
    bad: [
      {
        files: {
          'ds_config.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "optimizer": { "type": "AdamW", "params": { "lr": 1e-4 } }, "zero_optimization": { "stage": 2, "zenflow": { "topk_ratio": 0.1 } } }',
          'shardlens.json': '{ "frameworks": { "deepspeed": "0.19.8" } }',
        },
      },
      {
        files: {
          'ds_config.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "optimizer": { "type": "AdamW", "params": { "lr": 1e-4 } }, "zero_optimization": { "stage": 2, "offload_optimizer": { "device": "cpu" }, "zenflow": { "select_interval": 4 } } }',
          'shardlens.json': '{ "frameworks": { "deepspeed": "0.19.8" } }',
        },
      },
      {
        files: {
          'ds_config.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "optimizer": { "type": "AdamW", "params": { "lr": 1e-4 } }, "zero_optimization": { "stage": 2, "offload_optimizer": { "device": "cpu" }, "zenflow": { "select_strategy": "step", "select_interval": 2, "update_interval": 4 } } }',
          'shardlens.json': '{ "frameworks": { "deepspeed": "0.19.8" } }',
        },
      },
    ],
    good: [
      {
        files: {
          'ds_config.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "optimizer": { "type": "AdamW", "params": { "lr": 1e-4 } }, "zero_optimization": { "stage": 2, "offload_optimizer": { "device": "cpu" }, "zenflow": { "topk_ratio": 0.1 } } }',
          'shardlens.json': '{ "frameworks": { "deepspeed": "0.19.8" } }',
        },
      },
      {
        files: {
          'ds_config.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "optimizer": { "type": "AdamW", "params": { "lr": 1e-4 } }, "zero_optimization": { "stage": 2, "offload_optimizer": { "device": "cpu" }, "zenflow": { "select_strategy": "step", "select_interval": 4, "update_interval": 4 } } }',
          'shardlens.json': '{ "frameworks": { "deepspeed": "0.19.8" } }',
        },
      },
    ],
  },
  check({ config, run, report }) {
    const zenflow = setting(config, 'zero_optimization.zenflow');
    const stage = stageOf(run);
    if (zenflow?.node?.kind !== 'mapping' || (stage !== 1 && stage !== 2)) return;
    const offload = offloadDeviceOf(config, 'offload_optimizer');
    if (offload === 'none' || !setting(config, 'zero_optimization.offload_optimizer')) {
      say(zenflow, 'zenflow needs offload_optimizer with device "cpu"', [
        setFix(config, 'zero_optimization.offload_optimizer.device', 'cpu'),
      ]);
    }
    const type = setting(config, 'optimizer.type');
    const params = setting(config, 'optimizer.params');
    if (type && !params) {
      say(type, 'zenflow hands optimizer.params to its own AdamW, and there are none', [
        setFix(config, 'optimizer.params', {}),
      ]);
    }
    for (const { key } of params?.node?.kind === 'mapping' ? params.node.entries : []) {
      const found = setting(config, `optimizer.params.${key}`);
      if (!found || TAKEN.has(key) || key === 'max_grad_norm') continue;
      say(found, `zenflow hands optimizer.params to an AdamW of its own, which takes no ${key}`, [removeFix(found)]);
    }
    const own = (key: string) => setting(config, `${zenflow.path}.${key}`);
    const interval = own('select_interval');
    const strategy = own('select_strategy') ? stringOf(own('select_strategy')) : 'auto';
    const selectEvery = numberOf(interval);
    const updateEvery = numberOf(own('update_interval'));
    if (strategy === 'auto' && interval && selectEvery !== undefined) {
      say(interval, `select_interval is ${selectEvery}, but the strategy "auto", the default, wants it to be "auto"`, [
        setFix(config, interval.path, 'auto'),
      ]);
    } else if (strategy === 'step' || strategy === 'epoch') {
      if (!interval || stringOf(interval) === 'auto') {
        say(
          interval ?? own('select_strategy') ?? zenflow,
          `select_strategy "${strategy}" needs a number as select_interval`,
          [],
        );
      } else if (strategy === 'step' && selectEvery && updateEvery && selectEvery < updateEvery) {
        say(interval, `select_interval ${selectEvery} is shorter than update_interval ${updateEvery}`, [
          setFix(config, interval.path, updateEvery),
        ]);
      }
    }
    const selective = own('offload');
    const overlap = setting(config, 'zero_optimization.overlap_comm');
    if (selective && booleanOf(selective) === true && (!overlap || booleanOf(overlap) === false)) {
      say(selective, 'zenflow.offload needs overlap_comm, which is off at this stage unless it is set', [
        setFix(config, 'zero_optimization.overlap_comm', true),
      ]);
    }

    function say(at: Setting, fault: string, fixes: NonNullable<Report['fixes']>): void {
      report({ at, message: `${fault}. DeepSpeed stops when it builds the engine.`, fixes });
    }
  },
});
