import { recipe } from '../rules-support/trainer-recipe';
import { removeFix, stageOf } from '../rules-support/zero';
import { setting, stringOf } from '../settings';
import { rule } from './rule';

const DS = (stage: number) =>
  `{ "train_micro_batch_size_per_gpu": "auto", "zero_optimization": { "stage": ${stage} } }`;

/** Reports a device_map in a run that spreads the weights by itself. */
export const deviceMapWithSharding = rule({
  id: 'device-map-with-sharding',
  severity: 'warning',
  applies: ['trainer'],
  needs: ['model_init_kwargs.device_map', 'device_map'],
  why: 'A device_map places layers on devices; ZeRO stage 3 spreads every layer over all ranks while it loads. transformers raises a ValueError when a script asks for both; the trainers of TRL drop the device_map of a distributed run.',
  source: [
    'transformers src/transformers/integrations/accelerate.py:133 (5.18.0)',
    'trl trl/trainer/grpo_trainer.py:343 (1.16.0) device_map is set to None',
  ],
  verified: 'run',
  examples: {
    bad: [
      {
        files: {
          'train.yaml': recipe('deepspeed: ds.json\npacking: false\nmodel_init_kwargs:\n  device_map: auto\n'),
          'ds.json': DS(3),
        },
      },
    ],
    good: [
      {
        files: {
          'train.yaml': recipe('deepspeed: ds.json\npacking: false\nmodel_init_kwargs:\n  device_map: null\n'),
          'ds.json': DS(3),
        },
      },
    ],
  },
  check({ config, run, report }) {
    const map = setting(config, 'model_init_kwargs.device_map') ?? setting(config, 'device_map');
    if (!map?.node || stageOf(run) !== 3) return;
    const name = stringOf(map);
    if (map.node.kind === 'scalar' && (map.node.templated || name === undefined || name === '')) return;
    report({
      at: map,
      message:
        map.path === 'device_map'
          ? 'device_map and ZeRO stage 3 both place the weights; a script that passes it on stops when the model is loaded.'
          : `${map.path} counts for nothing in a distributed run: ZeRO stage 3 places the weights, and TRL drops it.`,
      fixes: [removeFix(map)],
    });
  },
});
