import { accelerateFile, meshOf, sizeSetting } from '../rules-support/accelerate-file';
import { recipe } from '../rules-support/trainer-recipe';
import { replaceValue } from '../syntax/editing';
import { rule } from './rule';

const RUN = (size: number, model = 'meta-llama/Llama-3.1-8B') => ({
  files: {
    'accelerate.yaml': accelerateFile(
      `num_machines: 1\nnum_processes: ${size}\nparallelism_config:\n  parallelism_config_sp_size: ${size}\ndeepspeed_config:\n  zero_stage: 3\n`,
      'DEEPSPEED',
    ),
    'train.yaml': recipe(`model_name_or_path: ${model}\n`),
  },
});

/** Checks that sequence parallelism can deal the attention heads out. */
export const headsNotDivisible = rule({
  id: 'heads-not-divisible',
  severity: 'error',
  applies: ['accelerate'],
  needs: ['parallelism_config'],
  why: 'Ulysses gives every rank of the sequence-parallel group some of the attention heads. DeepSpeed raises a ValueError where the heads do not divide, and where the key-value heads neither divide nor are divided.',
  source: [
    'deepspeed/runtime/sequence_parallel/ulysses_sp.py:147 (0.19.8)',
    'deepspeed/runtime/sequence_parallel/ulysses_sp.py:149 (0.19.8) key-value heads',
  ],
  verified: 'read',
  examples: { bad: [RUN(6)], good: [RUN(8)] },
  check({ config, run, report }) {
    const mesh = meshOf(config);
    const written = mesh && sizeSetting(config, 'sp');
    if (!mesh || !written?.node || mesh.sp < 2 || !run.model.known || run.model.value.confidence === 'low') return;
    const shapes = run.model.value.blocks.flatMap(({ attention }) => attention ?? []);
    const odd = shapes.find(({ heads, kvHeads }) => !fits(mesh.sp, heads, kvHeads));
    if (!odd) return;
    const size = [8, 4, 2].find((each) => each < mesh.sp && shapes.every((one) => fits(each, one.heads, one.kvHeads)));
    report({
      at: written,
      severity: run.model.value.confidence === 'high' ? 'error' : 'warning',
      message: `${run.model.value.name} has ${odd.heads} attention heads and ${odd.kvHeads} key-value heads, which ${mesh.sp} sequence-parallel ranks cannot share evenly; DeepSpeed stops when the model is prepared.`,
      fixes:
        size === undefined
          ? []
          : [{ title: `Set ${written.entry.key} to ${size}`, edits: replaceValue(config.file, written.node, size) }],
    });
  },
});

function fits(ranks: number, heads: number, kvHeads: number): boolean {
  return heads % ranks === 0 && (kvHeads % ranks === 0 || ranks % kvHeads === 0);
}
