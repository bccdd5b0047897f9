import { accelerateFile } from '../rules-support/accelerate-file';
import { recipe } from '../rules-support/trainer-recipe';
import { isAtLeast, statedVersion } from '../schema/versions';
import { setting } from '../settings';
import { rule } from './rule';

const RUN = (model: string) => ({
  files: {
    'accelerate.yaml': accelerateFile(
      'num_machines: 1\nnum_processes: 8\nmegatron_lm_config:\n  megatron_lm_tp_degree: 2\n  megatron_lm_pp_degree: 1\n',
      'MEGATRON_LM',
    ),
    'train.yaml': recipe(`model_name_or_path: ${model}\n`),
  },
});

/** What a model type has to contain for Accelerate to know its Megatron arguments, and since which release. */
const PARSERS: readonly (readonly [type: string, since?: string])[] = [
  ['megatron-bert'],
  ['gpt2'],
  ['t5'],
  ['llama'],
  ['glm4_moe', '1.13'],
];

/** Reports models that Accelerate's Megatron plugin cannot describe to Megatron. */
export const megatronModelUnsupported = rule({
  id: 'megatron-model-unsupported',
  severity: 'warning',
  applies: ['accelerate'],
  needs: ['distributed_type'],
  why: 'Accelerate hands sizes of the model on to Megatron-LM by a parser for each model type, and has five of them: megatron-bert, gpt2, t5, llama and, since 1.13, glm4_moe. For any other type it raises a ValueError, unless the script adds a parser of its own.',
  source: [
    'accelerate src/accelerate/utils/dataclasses.py:2757 (1.15.0) set_network_size_args',
    'accelerate src/accelerate/utils/dataclasses.py:2581 (1.12.0)',
  ],
  verified: 'read',
  examples: {
    bad: [RUN('Qwen/Qwen2.5-7B')],
    good: [RUN('meta-llama/Llama-2-7b-hf')],
  },
  check({ config, run, report }) {
    const type = setting(config, 'distributed_type');
    const isMegatron = run.sharding.known && run.sharding.value.kind === 'megatron';
    if (!type || !isMegatron || !run.model.known) return;
    const { modelType, name } = run.model.value;
    const version = statedVersion(run, 'accelerate');
    const known = PARSERS.filter(([, since]) => !since || version === undefined || isAtLeast(version, since));
    if (known.some(([word]) => modelType.toLowerCase().includes(word))) return;
    const types = known.map(([word]) => word).join(', ');
    report({
      at: type,
      message: `distributed_type MEGATRON_LM takes models of the types ${types}, and ${name} is ${modelType}. Accelerate stops when the model is prepared, unless the script adds a parser for it.`,
    });
  },
});
