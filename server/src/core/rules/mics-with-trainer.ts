import { recipe } from '../rules-support/trainer-recipe';
import { removeFix, stageOf } from '../rules-support/zero';
import { isAtLeast, statedVersion } from '../schema/versions';
import { numberOf, setting } from '../settings';
import { rule } from './rule';

const RUN = (size: number) => ({
  files: {
    'ds.json': `{ "train_micro_batch_size_per_gpu": "auto", "bf16": { "enabled": "auto" }, "zero_optimization": { "stage": 3, "mics_shard_size": ${size} } }`,
    'train.yaml': recipe('deepspeed: ds.json\n'),
    'shardlens.json': '{ "frameworks": { "deepspeed": "0.18.4" } }',
  },
});

/** Reports MiCS for a model that the Trainer's from_pretrained has split already. */
export const micsWithTrainer = rule({
  id: 'mics-with-trainer',
  severity: 'warning',
  applies: ['deepspeed'],
  needs: ['zero_optimization.mics_shard_size'],
  why: 'Under stage 3 from_pretrained builds the model inside deepspeed.zero.Init, and MiCS takes parameters of deepspeed.zero.MiCS_Init only, which transformers never uses. A model that is built before the training arguments is split by DeepSpeed itself and runs.',
  source: [
    'deepspeed/runtime/zero/mics.py:410 (0.16.9)',
    'transformers src/transformers/modeling_utils.py:2306 (4.57.6) deepspeed.zero.Init',
  ],
  verified: 'run',
  examples: { bad: [RUN(2)], good: [RUN(-1)] },
  check({ config, run, report }) {
    const version = statedVersion(run, 'deepspeed');
    // From there on the key itself is refused: removed-deepspeed-key.
    if (version !== undefined && isAtLeast(version, '0.19.7')) return;
    const found = setting(config, 'zero_optimization.mics_shard_size');
    const size = numberOf(found);
    if (!found || size === undefined || size <= 0 || stageOf(run) !== 3) return;
    if (!run.consumer.known || run.consumer.value !== 'trainer') return;
    report({
      at: found,
      message: `mics_shard_size is ${size}, but from_pretrained builds the model with deepspeed.zero.Init, whose parameters MiCS does not take. DeepSpeed stops when the engine is made, unless the script builds the model before its training arguments.`,
      fixes: [removeFix(found)],
    });
  },
});
