import { accelerateFile, meshOf, sizeSetting } from '../rules-support/accelerate-file';
import { recipe } from '../rules-support/trainer-recipe';
import { setting } from '../settings';
import { replaceValue } from '../syntax/editing';
import { rule } from './rule';

const MESH = (cp: number) =>
  accelerateFile(
    `num_processes: 8\nparallelism_config:\n  parallelism_config_cp_size: ${cp}\n  parallelism_config_dp_shard_size: ${8 / cp}\nfsdp_config:\n  fsdp_version: 2\n  fsdp_auto_wrap_policy: TRANSFORMER_BASED_WRAP\n`,
    'FSDP',
  );
const GRPO = recipe('num_generations: 8\nmax_completion_length: 256\n');

/** Reports GRPO with a sequence split over ranks. */
export const grpoWithSequenceParallel = rule({
  id: 'grpo-with-sequence-parallel',
  severity: 'error',
  applies: ['accelerate', 'trainer'],
  when: 'joined',
  why: 'GRPO builds its inputs after generation inside the trainer, so they cannot be split over ranks beforehand. GRPOConfig raises a ValueError for sizes given in Python; sizes of an Accelerate file pass it, and the first step stops with a TypeError.',
  source: [
    'trl trl/trainer/grpo_config.py:1055 (1.13.0)',
    'transformers src/transformers/trainer.py:2433 (5.23.0) _prepare_context_parallel_inputs',
  ],
  verified: 'run',
  examples: {
    bad: [{ files: { 'accelerate.yaml': MESH(2), 'train.yaml': GRPO } }],
    good: [{ files: { 'accelerate.yaml': MESH(1), 'train.yaml': GRPO } }],
  },
  check({ config, run, report }) {
    const { accelerate, trainer } = run.configs;
    const mesh = accelerate && meshOf(accelerate);
    if (!mesh || !trainer || !run.method.known || run.method.value !== 'grpo') return;
    const dimension = mesh.cp > 1 ? 'cp' : mesh.sp > 1 ? 'sp' : undefined;
    const size = dimension && sizeSetting(accelerate, dimension);
    if (!dimension || !size) return;
    const own = setting(trainer, 'num_generations') ?? setting(trainer, 'max_completion_length');
    report({
      // Only context parallelism was run into its error; DeepSpeed's sequence parallelism splits batches elsewhere.
      severity: dimension === 'cp' ? 'error' : 'warning',
      at: config.dialect === 'accelerate' || !own ? size : [own, size],
      message: `GRPO does not work with ${dimension}_size ${mesh[dimension]}: its inputs cannot be split along the sequence, and the run stops at the latest in its first step.`,
      fixes: size.node
        ? [{ title: `Set ${dimension}_size to 1`, edits: replaceValue(size.config.file, size.node, 1) }]
        : [],
    });
  },
});
