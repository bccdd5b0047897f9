import { isSpread, isTrue, recipe } from '../rules-support/trainer-recipe';
import { setting, stringOf } from '../settings';
import { setPath } from '../syntax/editing';
import { rule } from './rule';

/** Reports packed samples that can see each other. */
export const packingWithoutFlashAttention = rule({
  id: 'packing-without-flash-attention',
  severity: 'warning',
  applies: ['trainer'],
  why: 'Packing puts several samples into one row, and only the Flash Attention kernels keep them apart. With any other attention a sample attends to those before it in the row; TRL prints a warning and trains.',
  source: ['trl trl/trainer/sft_trainer.py:1236 (1.13.0)'],
  verified: 'read',
  examples: {
    bad: [{ files: recipe('packing: true\nattn_implementation: sdpa\n') }],
    good: [
      { files: recipe('packing: true\nattn_implementation: flash_attention_2\n') },
      { files: recipe('packing: false\nattn_implementation: sdpa\n') },
    ],
  },
  check({ config, run, report }) {
    const packing = setting(config, 'packing');
    if (!packing || !isTrue(config, 'packing') || isSpread(config)) return;
    if (!run.method.known || run.method.value !== 'sft') return;
    const written = setting(config, 'attn_implementation') ?? setting(config, 'model_init_kwargs.attn_implementation');
    const name = stringOf(written);
    // The cutting strategy mixes samples on purpose.
    if (stringOf(setting(config, 'packing_strategy')) === 'wrapped') return;
    if (written ? name === undefined || /flash/i.test(name) : true) return;
    report({
      at: [packing, ...(written ? [written] : [])],
      message: `packing is true and the attention is ${name ?? ''}, which does not keep packed samples apart: they attend to each other.`,
      fixes: [
        {
          title: 'Set attn_implementation to "flash_attention_2"',
          edits: setPath(config.file, config.root, written?.path ?? 'attn_implementation', 'flash_attention_2'),
        },
      ],
    });
  },
});
