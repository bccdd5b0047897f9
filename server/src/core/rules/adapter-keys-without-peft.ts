import { isTrl, recipe } from '../rules-support/trainer-recipe';
import { booleanOf, setting } from '../settings';
import { replaceValue } from '../syntax/editing';
import { rule } from './rule';

/** Reports LoRA settings in a TRL run that trains in full. */
export const adapterKeysWithoutPeft = rule({
  id: 'adapter-keys-without-peft',
  severity: 'information',
  applies: ['trainer'],
  needs: ['use_peft'],
  why: 'TRL builds LoRA adapters only when use_peft is true. With false, lora_r and its like count for nothing and all weights are trained, with gradients and optimizer states for each.',
  source: ['trl trl/trainer/utils.py:255 (1.13.0) get_peft_config'],
  verified: 'read',
  examples: {
    bad: [{ files: recipe('packing: false\nuse_peft: false\nlora_r: 16\nlora_alpha: 32\n') }],
    good: [{ files: recipe('packing: false\nuse_peft: true\nlora_r: 16\nlora_alpha: 32\n') }],
  },
  check({ config, report }) {
    const peft = setting(config, 'use_peft');
    const rank = setting(config, 'lora_r');
    if (!peft?.node || !rank || booleanOf(peft) !== false || !isTrl(config)) return;
    report({
      at: [rank, peft],
      on: 'key',
      tag: 'unnecessary',
      message: 'use_peft is false, so lora_r counts for nothing and all weights are trained.',
      fixes: [{ title: 'Set use_peft to true', edits: replaceValue(config.file, peft.node, true) }],
    });
  },
});
