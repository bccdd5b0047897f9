import { stageOf } from '../rules-support/zero';
import { isAtLeast, statedVersion } from '../schema/versions';
import { setting } from '../settings';
import { rule } from './rule';

/** Model types whose expert block DeepSpeed treats as one by default. */
const BY_DEFAULT = ['mixtral', 'qwen2_moe', 'qwen3_moe'];

/** Reports mixture-of-experts models at stage 3 whose expert blocks are not gathered whole. */
export const moeWithoutLeafModules = rule({
  id: 'moe-without-leaf-modules',
  severity: 'information',
  applies: ['deepspeed'],
  needs: ['zero_optimization.stage'],
  why: 'Stage 3 gathers a module when it runs. With one module per expert, ranks run different experts, wait for different gathers, and hang. A leaf module is gathered whole on every rank; DeepSpeed knows three model types by itself, and transformers 5 stores experts as one tensor, where this does not arise.',
  source: ['deepspeed/runtime/zero/leaf_module_config.py:11 (0.19.6)', 'deepspeedai/DeepSpeed pull 4966'],
  verified: 'read',
  examples: {
    bad: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 3 } }',
          'shardlens.json': '{ "model": "deepseek-ai/DeepSeek-V3", "frameworks": { "transformers": "4.57.6" } }',
        },
      },
    ],
    good: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 3 } }',
          'shardlens.json': '{ "model": "mistralai/Mixtral-8x7B-v0.1", "frameworks": { "transformers": "4.57.6" } }',
        },
      },
    ],
  },
  check({ config, run, report }) {
    if (stageOf(run) !== 3 || !run.model.known) return;
    const { blocks, modelType, name } = run.model.value;
    const isMoe = blocks.some(({ mlp }) => mlp?.moe !== undefined && mlp.moe.experts > 1);
    if (!isMoe || BY_DEFAULT.includes(modelType) || setting(config, 'zero_optimization.leaf_module')) return;
    const { accelerate } = run.configs;
    if (accelerate && setting(accelerate, 'deepspeed_config.deepspeed_moe_layer_cls_names')) return;
    const version = statedVersion(run, 'transformers');
    if (version !== undefined && isAtLeast(version, '5.0.0')) return;
    const stage = setting(config, 'zero_optimization.stage');
    if (!stage) return;
    report({
      at: stage,
      severity: version === undefined ? 'information' : 'warning',
      message: `${name} has experts, and nothing tells stage 3 to gather its expert block whole: before transformers 5 ranks that run different experts can hang. Name the block's class in zero_optimization.leaf_module.classes, unless the script does.`,
    });
  },
});
