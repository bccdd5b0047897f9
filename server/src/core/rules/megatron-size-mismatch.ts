import { accelerateFile } from '../rules-support/accelerate-file';
import { recipe } from '../rules-support/trainer-recipe';
import { type SizeMisfit, sizeMisfit } from '../run/size-misfit';
import type { RunOutline } from '../run/training-run';
import { setting } from '../settings';
import { replaceValue } from '../syntax/editing';
import { rule } from './rule';

const RUN = (tensor: number, pipeline: number) => ({
  files: {
    'accelerate.yaml': accelerateFile(
      `num_machines: 1\nnum_processes: 8\nmegatron_lm_config:\n  megatron_lm_tp_degree: ${tensor}\n  megatron_lm_pp_degree: ${pipeline}\n  megatron_lm_context_parallel_size: 1\n`,
      'MEGATRON_LM',
    ),
    'train.yaml': recipe('model_name_or_path: meta-llama/Llama-2-7b-hf\n'),
  },
});

/** Checks that Megatron's degrees divide the processes, the attention heads and the layers. */
export const megatronSizeMismatch = rule({
  id: 'megatron-size-mismatch',
  severity: 'error',
  applies: ['accelerate'],
  needs: ['megatron_lm_config'],
  why: 'Each tensor rank takes as many attention heads as the next, each pipeline stage as many layers, and the ranks that split one model must divide the processes. Megatron raises an error where they do not.',
  source: [
    'Megatron-LM megatron/core/parallel_state.py:740 (0.16.1) processes',
    'Megatron-LM megatron/core/transformer/transformer_config.py:924 (0.16.1) attention heads',
    'Megatron-LM megatron/core/transformer/transformer_block.py:155 (0.16.1) layers',
  ],
  verified: 'read',
  examples: {
    bad: [RUN(16, 2), RUN(3, 2)],
    good: [RUN(4, 2)],
  },
  check({ config, run, report }) {
    const misfit = run.sharding.known && run.sharding.value.kind === 'megatron' ? sizeMisfit(run) : undefined;
    if (!misfit) return;
    const [first, second] =
      misfit.of === 'layers' ? (['pipeline', 'tensor'] as const) : (['tensor', 'pipeline'] as const);
    const written = [first, ...(misfit.of === 'processes' ? [second] : [])].flatMap(
      (one) => setting(config, KEYS[one]) ?? [],
    );
    const [at] = written;
    // A flag of the launch line stands over the file.
    if (!at?.node || [run.parallelism.tensor, run.parallelism.pipeline].some(isFlag)) return;
    const key = at.path === KEYS.tensor ? 'tensor' : 'pipeline';
    const size = largestThatFits(run, key);
    report({
      at: written,
      severity: severityOf(run, misfit),
      message: `${inKeys(misfit.words)}; Megatron stops when the model is prepared.`,
      fixes:
        size === undefined
          ? []
          : [{ title: `Set ${at.entry.key} to ${size}`, edits: replaceValue(config.file, at.node, size) }],
    });
  },
});

const KEYS = {
  tensor: 'megatron_lm_config.megatron_lm_tp_degree',
  pipeline: 'megatron_lm_config.megatron_lm_pp_degree',
} as const;

/** `megatron_lm_tp_degree 3` for `tp 3`: a file is mended by its own keys. */
function inKeys(words: string): string {
  return words.replace(/\b(tp|pp|cp) (?=\d)/g, (_, short: 'tp' | 'pp' | 'cp') => `${NAMES[short]} `);
}

const NAMES = {
  tp: 'megatron_lm_tp_degree',
  pp: 'megatron_lm_pp_degree',
  cp: 'megatron_lm_context_parallel_size',
} as const;

function isFlag({ origin }: RunOutline['parallelism']['tensor']): boolean {
  return origin?.kind === 'flag';
}

/** A script may give Megatron another layout of stages, and a model that is not in the catalog may have other heads. */
function severityOf({ worldSize, model }: RunOutline, { of }: SizeMisfit): 'error' | 'warning' {
  const isSure =
    of === 'processes'
      ? worldSize.known && worldSize.origin.kind !== 'assumed'
      : of === 'heads' && model.known && model.value.confidence === 'high';
  return isSure ? 'error' : 'warning';
}

/** The next smaller degree with which everything divides. */
function largestThatFits(run: RunOutline, key: 'tensor' | 'pipeline'): number | undefined {
  const now = run.parallelism[key];
  if (!now.known) return undefined;
  for (let size = Math.min(now.value, 1024) - 1; size >= 1; size--) {
    const parallelism = { ...run.parallelism, [key]: { ...now, value: size } };
    if (!sizeMisfit({ ...run, parallelism })) return size;
  }
  return undefined;
}
