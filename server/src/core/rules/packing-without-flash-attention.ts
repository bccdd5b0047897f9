import { isSpread, isTrue, recipe } from '../rules-support/trainer-recipe';
import { isAtLeast, statedVersion } from '../schema/versions';
import { setting, stringOf } from '../settings';
import { setPath } from '../syntax/editing';
import { rule } from './rule';

/** From here on transformers masks packed samples from each other by their position ids, under any attention. */
const MASKS_PACKED_SAMPLES = '4.53.1';

/** Reports packed samples that can see each other. */
export const packingWithoutFlashAttention = rule({
  id: 'packing-without-flash-attention',
  severity: 'information',
  applies: ['trainer'],
  needs: ['packing'],
  why: 'Packing puts several samples into one row. Flash Attention keeps them apart; other attention does so only where transformers builds a mask from the position ids, which it does from 4.53.1 on. TRL prints a warning and trains.',
  source: [
    'trl trl/trainer/sft_trainer.py:1236 (1.13.0)',
    'transformers src/transformers/masking_utils.py:602 (4.53.1) find_packed_sequence_indices; 4.53.0 has none',
  ],
  verified: 'read',
  examples: {
    bad: [
      { files: recipe('packing: true\nattn_implementation: sdpa\n') },
      {
        files: {
          'train.yaml': recipe('packing: true\nattn_implementation: sdpa\n'),
          'requirements.txt': 'transformers==4.52.4\n',
        },
      },
    ],
    good: [
      { files: recipe('packing: true\nattn_implementation: flash_attention_2\n') },
      { files: recipe('packing: false\nattn_implementation: sdpa\n') },
      {
        files: {
          'train.yaml': recipe('packing: true\nattn_implementation: sdpa\n'),
          'requirements.txt': 'transformers==4.57.6\n',
        },
      },
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
    const version = statedVersion(run, 'transformers');
    if (version !== undefined && isAtLeast(version, MASKS_PACKED_SAMPLES)) return;
    report({
      at: [packing, ...(written ? [written] : [])],
      severity: version === undefined ? 'information' : 'warning',
      message: version
        ? `packing is true and the attention is ${name ?? ''}: transformers ${version} does not keep packed samples apart there, so they attend to each other.`
        : `packing is true and the attention is ${name ?? ''}: before transformers ${MASKS_PACKED_SAMPLES} packed samples attend to each other there. TRL warns of it.`,
      fixes: [
        {
          title: 'Set attn_implementation to "flash_attention_2"',
          edits: setPath(config.file, config.root, written?.path ?? 'attn_implementation', 'flash_attention_2'),
        },
      ],
    });
  },
});
