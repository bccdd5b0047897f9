import { known } from '../run/known';
import type { TrainingRun } from '../run/training-run';
import { setting } from '../settings';
import { type Dimension, isSettledByFiles, type Move, TRIED, writeTo } from './move';

const FASTER: Readonly<Record<string, readonly ('sdpa' | 'flash_attention_2')[]>> = {
  eager: ['sdpa', 'flash_attention_2'],
  sdpa: ['flash_attention_2'],
};

/** A faster or leaner attention, where the files choose it: a script that loads the model itself decides alone. */
export const attention: Dimension = (run) => {
  const { trainer } = run.configs;
  const { attention: fact } = run;
  if (!trainer || !setting(trainer, 'attn_implementation') || !fact.known || !isSettledByFiles(run, fact)) return [];
  const faster = FASTER[fact.value] ?? [];
  return faster.map(
    (name): Move => ({
      dimension: 'attention',
      title: `Set attn_implementation to ${name}`,
      training: 'same',
      ...(name === 'flash_attention_2' && { note: 'needs the flash-attn package' }),
      writes: [writeTo(trainer, 'attn_implementation', name)],
      apply: (it) => ({ ...it, attention: known(name, TRIED) }),
    }),
  );
};

/** The loss without a full logits tensor. */
export const fusedLoss: Dimension = (run) => {
  const { trainer } = run.configs;
  if (!trainer || !run.fusedLoss.known || run.fusedLoss.value || !isSettledByFiles(run, run.fusedLoss)) return [];
  return [
    {
      dimension: 'loss',
      title: 'Turn on use_liger_kernel',
      training: 'same',
      note: 'needs the liger-kernel package, and a model it knows',
      writes: [writeTo(trainer, 'use_liger_kernel', true)],
      apply: (it) => ({ ...it, fusedLoss: known(true, TRIED) }),
    },
  ];
};

/** bfloat16 instead of float32 or float16, where the GPU has it. Under DeepSpeed its own section would have to agree. */
export const precision: Dimension = (run) => {
  const { trainer } = run.configs;
  const { compute } = run.precision;
  if (!trainer || !compute.known || (compute.value !== 'fp32' && compute.value !== 'fp16')) return [];
  if (!isSettledByFiles(run, compute) || !run.cluster.known || isZero(run)) return [];
  if ((run.cluster.value.accelerator.peakFlops.bf16 ?? 0) === 0) return [];
  const half = setting(trainer, 'fp16');
  return [
    {
      dimension: 'precision',
      title: 'Compute in bfloat16 (bf16)',
      training: 'numerics',
      writes: [writeTo(trainer, 'bf16', true), ...(half ? [writeTo(trainer, 'fp16', undefined)] : [])],
      apply: (it) => ({
        ...it,
        precision: { ...it.precision, compute: known('bf16', TRIED), mode: known('autocast', TRIED) },
      }),
    },
  ];
};

function isZero({ sharding }: TrainingRun): boolean {
  return sharding.known && sharding.value.kind === 'zero';
}
