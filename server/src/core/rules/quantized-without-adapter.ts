import { isTrl, isTrue, recipe } from '../rules-support/trainer-recipe';
import { booleanOf, setting } from '../settings';
import { replaceValue, setPath } from '../syntax/editing';
import { rule } from './rule';

/** Reports quantised models that are to be trained in full. */
export const quantizedWithoutAdapter = rule({
  id: 'quantized-without-adapter',
  severity: 'error',
  applies: ['trainer'],
  needs: ['load_in_8bit', 'load_in_4bit'],
  why: 'Quantised weights cannot be trained; only adapters on top of them can. TRL builds adapters when use_peft is true, and without them the Trainer raises a ValueError.',
  source: [
    'transformers src/transformers/trainer_utils.py:131 (5.18.0)',
    'trl trl/trainer/utils.py:255 (1.13.0) get_peft_config',
  ],
  verified: 'run',
  examples: {
    bad: [{ files: recipe('packing: false\nload_in_4bit: true\nuse_peft: false\n') }],
    good: [
      { files: recipe('packing: false\nload_in_4bit: true\nuse_peft: true\n') },
      { files: recipe('packing: false\nload_in_4bit: false\nuse_peft: false\n') },
    ],
  },
  check({ config, report }) {
    if (!isTrl(config)) return;
    const peft = setting(config, 'use_peft');
    const found = ['load_in_4bit', 'load_in_8bit'].find((key) => isTrue(config, key));
    const quantized = found === undefined ? undefined : setting(config, found);
    // Scripts with adapters of their own have no such key; only what is said counts.
    if (
      !quantized?.node ||
      (peft
        ? booleanOf(peft) !== false
        : setting(config, 'lora_r') !== undefined || setting(config, 'lora_alpha') !== undefined)
    )
      return;
    report({
      at: peft ? [quantized, peft] : quantized,
      severity: peft ? 'error' : 'warning',
      message: `${quantized.path} quantises the weights and ${peft ? 'use_peft is false' : 'use_peft is not set'}: quantised weights alone cannot be trained, and the Trainer stops at start-up.`,
      fixes: [
        { title: 'Set use_peft to true', edits: setPath(config.file, config.root, 'use_peft', true) },
        { title: `Set ${quantized.path} to false`, edits: replaceValue(config.file, quantized.node, false) },
      ],
    });
  },
});
