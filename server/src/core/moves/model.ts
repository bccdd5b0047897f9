import { known, valueIfKnown } from '../run/known';
import { argumentsOf, argumentWrite } from './arguments';
import type { Dimension, Move } from './move';
import { isOpen, TRIED } from './settled';

const FASTER: Readonly<Record<string, readonly ('sdpa' | 'flash_attention_2')[]>> = {
  eager: ['sdpa', 'flash_attention_2'],
  sdpa: ['flash_attention_2'],
};

/**
 * A faster or leaner attention, where the files choose it or TRL's own scripts do, which have a key for it: another script
 * that loads the model itself decides alone.
 */
export const attention: Dimension = (run, note) => {
  const { attention: fact } = run;
  const args = argumentsOf(run);
  if (!args.get('attn_implementation') && !args.trl) {
    const isOpenToMore = !fact.known || FASTER[fact.value] !== undefined;
    if (isOpenToMore) note?.({ what: 'attention', because: 'the script chooses it where it loads the model' });
    return [];
  }
  if (!fact.known || !isOpen(run, 'attention', [fact], note)) return [];
  return (FASTER[fact.value] ?? []).flatMap((name): Move[] => {
    const write = argumentWrite(run, 'attn_implementation', name);
    if (!write) return [];
    return [
      {
        dimension: 'attention',
        title: `Set attn_implementation to ${name}`,
        training: 'same',
        ...(name === 'flash_attention_2' && { note: 'needs the flash-attn package' }),
        writes: [write],
        apply: (it) => ({ ...it, attention: known(name, TRIED) }),
      },
    ];
  });
};

const LIGER = 'use_liger_kernel';

/** The loss without a full logits tensor. Where a default differs by release, the key makes it certain. */
export const fusedLoss: Dimension = (run, note) => {
  const { fusedLoss: fact } = run;
  const isUndecided = !fact.known && !argumentsOf(run).get('use_liger_kernel', 'use_liger', 'loss_type');
  if (fact.known ? fact.value || !isOpen(run, 'fused loss', [fact], note) : !isUndecided) return [];
  const write = argumentWrite(run, LIGER, true);
  if (!write) return [];
  return [
    {
      dimension: 'loss',
      title: `Turn on ${LIGER}`,
      training: 'same',
      note: 'needs the liger-kernel package, and a model it knows',
      writes: [write],
      // Ulysses brings a fused loss of its own, and tensor-parallel ranks have a slice of the head.
      allows: ({ parallelism: { context, tensor } }) => valueIfKnown(context) === 1 && valueIfKnown(tensor) === 1,
      // Whose loss it is decides what else is fused, and the key says whose.
      apply: (it) => {
        const on = known(true, { kind: 'file', path: write.path, start: 0, end: 0, key: LIGER } as const);
        return { ...it, fusedLoss: on, liger: on };
      },
    },
  ];
};
