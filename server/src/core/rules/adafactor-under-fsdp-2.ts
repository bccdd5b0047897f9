import { accelerateFsdp } from '../rules-support/fsdp';
import { recipe } from '../rules-support/trainer-recipe';
import { setting, stringOf } from '../settings';
import { replaceValue } from '../syntax/editing';
import { rule } from './rule';

const VERSION_2 = 'fsdp_version: 2\nfsdp_auto_wrap_policy: TRANSFORMER_BASED_WRAP';
const VERSION_1 = 'fsdp_version: 1\nfsdp_auto_wrap_policy: TRANSFORMER_BASED_WRAP';

/** Reports transformers' Adafactor where FSDP 2 makes distributed tensors of the parameters. */
export const adafactorUnderFsdp2 = rule({
  id: 'adafactor-under-fsdp-2',
  severity: 'error',
  applies: ['trainer'],
  needs: ['optim'],
  why: "transformers' Adafactor keeps its row and column sums in plain tensors. Under FSDP 2 gradients are distributed tensors, and torch adds no plain tensor to those: the job stops at the first optimizer step.",
  source: [
    'transformers src/transformers/optimization.py:1237 (5.23.0)',
    'run on one rank with torch 2.9.1 and transformers 4.57.6, torch 2.15.0 and transformers 5.23.0: "got mixed torch.Tensor and DTensor"',
  ],
  verified: 'run',
  examples: {
    bad: [{ files: { 'train.yaml': recipe('optim: adafactor\n'), 'accelerate.yaml': accelerateFsdp(VERSION_2) } }],
    good: [
      { files: { 'train.yaml': recipe('optim: adafactor\n'), 'accelerate.yaml': accelerateFsdp(VERSION_1) } },
      { files: recipe('optim: adafactor\n') },
    ],
  },
  check({ config, run, report }) {
    const optim = setting(config, 'optim');
    if (!optim?.node || stringOf(optim) !== 'adafactor') return;
    if (!run.sharding.known || run.sharding.value.kind !== 'fsdp') return;
    const { version } = run.sharding.value;
    if (!version.known || version.value !== 2 || (run.worldSize.known && run.worldSize.value < 2)) return;
    report({
      at: optim,
      message:
        'optim is adafactor, which mixes plain tensors with the distributed ones of FSDP 2; the job stops at the first optimizer step.',
      fixes: [{ title: 'Use adamw_torch_fused', edits: replaceValue(config.file, optim.node, 'adamw_torch_fused') }],
    });
  },
});
