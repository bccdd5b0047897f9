import { optimizerOf } from '../rules-support/optimizers';
import { removalOf, stageOf } from '../rules-support/zero';
import { setting, stringOf } from '../settings';
import { rule } from './rule';

const TRAIN = (optim: string) =>
  `output_dir: out\ndeepspeed: ds.json\nlearning_rate: 2.0e-5\nper_device_train_batch_size: 1\ngradient_accumulation_steps: 2\nlogging_steps: 10\nbf16: true\noptim: ${optim}\n`;
const ADAMW =
  '{ "train_micro_batch_size_per_gpu": "auto", "gradient_accumulation_steps": "auto", "bf16": { "enabled": "auto" }, "optimizer": { "type": "AdamW", "params": { "lr": "auto" } }, "zero_optimization": { "stage": 2 } }';

/** Reports a chosen optimizer that the DeepSpeed file's own one overrides. */
export const optimOverriddenByDeepspeed = rule({
  id: 'optim-overridden-by-deepspeed',
  severity: 'warning',
  applies: ['trainer', 'deepspeed'],
  when: 'joined',
  why: 'Where the DeepSpeed file has an optimizer section, the Trainer builds no optimizer and its optim argument is not read.',
  source: ['transformers src/transformers/integrations/deepspeed.py:546 (5.18.0) deepspeed_optim_sched'],
  verified: 'run',
  examples: {
    bad: [{ files: { 'train.yaml': TRAIN('paged_adamw_8bit'), 'ds.json': ADAMW } }],
    good: [{ files: { 'train.yaml': TRAIN('adamw_torch'), 'ds.json': ADAMW } }],
  },
  check({ run, report }) {
    const { trainer, deepspeed } = run.configs;
    const optim = trainer && setting(trainer, 'optim');
    const chosen = stringOf(optim)?.toLowerCase();
    const optimizer = deepspeed && optimizerOf(deepspeed);
    if (!optim || chosen === undefined || !optimizer || stageOf(run) === undefined) return;
    const theirs = optimizer.name.toLowerCase();
    const isSame =
      chosen === theirs ||
      (/^adamw?$/.test(theirs) && /^adamw_(torch|hf|apex_fused)/.test(chosen)) ||
      (theirs === 'lion' && /lion_32bit/.test(chosen));
    if (isSame) return;
    const section = setting(deepspeed, 'optimizer');
    report({
      at: [optim, optimizer.found],
      message: `optim ${chosen} is not used: the DeepSpeed file brings its own optimizer, ${optimizer.name}, and the Trainer takes that one.`,
      fixes: [
        { title: 'Remove optim', edits: removalOf(optim) },
        ...(section ? [{ title: 'Remove optimizer from the DeepSpeed file', edits: removalOf(section) }] : []),
      ],
    });
  },
});
