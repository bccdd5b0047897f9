import type { FileEdit } from '../findings';
import { isAuto, numberOf, type Setting, scalarOf, setting } from '../settings';
import type { Config } from '../source';
import { replaceValue } from '../syntax/editing';
import { rule } from './rule';

/** DeepSpeed keys the Trainer compares with an argument of its own, and how the argument becomes the value. */
const PAIRS: readonly { readonly key: string; readonly field: string; readonly index?: number }[] = [
  { key: 'train_micro_batch_size_per_gpu', field: 'per_device_train_batch_size' },
  { key: 'gradient_accumulation_steps', field: 'gradient_accumulation_steps' },
  { key: 'gradient_clipping', field: 'max_grad_norm' },
  { key: 'optimizer.params.lr', field: 'learning_rate' },
  { key: 'optimizer.params.betas', field: 'adam_beta1', index: 0 },
  { key: 'optimizer.params.betas', field: 'adam_beta2', index: 1 },
  { key: 'optimizer.params.eps', field: 'adam_epsilon' },
  { key: 'optimizer.params.weight_decay', field: 'weight_decay' },
  { key: 'scheduler.params.warmup_max_lr', field: 'learning_rate' },
];

const TRAINER = (lines: string) =>
  `output_dir: out\ndeepspeed: ds.json\nlearning_rate: 2.0e-5\nnum_train_epochs: 1\nlogging_steps: 10\nbf16: true\n${lines}`;
const DEEPSPEED = (micro: string) =>
  `{ "train_micro_batch_size_per_gpu": ${micro}, "gradient_accumulation_steps": "auto", "bf16": { "enabled": "auto" }, "zero_optimization": { "stage": 2 } }`;

/** Compares the DeepSpeed file with the Trainer file that names it, as the Trainer does at start-up. */
export const trainerMismatch = rule({
  id: 'trainer-mismatch',
  severity: 'error',
  applies: ['deepspeed', 'trainer'],
  why: 'The Trainer compares these keys of the DeepSpeed file with its own arguments and stops with a ValueError that lists every difference. "auto" takes the argument and cannot differ.',
  source: [
    'transformers src/transformers/integrations/deepspeed.py:126 (5.18.0) fill_match',
    'transformers src/transformers/integrations/deepspeed.py:255 (5.18.0) ValueError',
  ],
  verified: 'run',
  examples: {
    bad: [
      { files: { 'ds.json': DEEPSPEED('4'), 'train.yaml': TRAINER('per_device_train_batch_size: 2\n') } },
      { files: { 'train.yaml': TRAINER('per_device_train_batch_size: 2\n'), 'ds.json': DEEPSPEED('4') } },
    ],
    good: [
      { files: { 'ds.json': DEEPSPEED('2'), 'train.yaml': TRAINER('per_device_train_batch_size: 2\n') } },
      { files: { 'ds.json': DEEPSPEED('"auto"'), 'train.yaml': TRAINER('per_device_train_batch_size: 2\n') } },
    ],
  },
  check({ run, report }) {
    const { deepspeed, trainer } = run.configs;
    if (!deepspeed || !trainer || (run.consumer.known && run.consumer.value !== 'trainer')) return;
    for (const { key, field, index } of PAIRS) {
      const theirs = setting(deepspeed, key);
      const ours = setting(trainer, field);
      if (!theirs || !ours || isAuto(theirs)) continue;
      const left = index === undefined ? numberOf(theirs) : itemOf(theirs, index);
      const right = numberOf(ours);
      if (left === undefined || right === undefined || left === right) continue;
      report({
        at: [theirs, ours],
        message: `${key} is ${left} in the DeepSpeed file and ${field} is ${right} in the Trainer file. The Trainer stops at start-up when they differ.`,
        fixes: fixesOf(deepspeed, theirs, ours, { left, right, field, key, whole: index === undefined }),
      });
    }
    reportPrecision('fp16');
    reportPrecision('bf16');

    function reportPrecision(name: 'fp16' | 'bf16'): void {
      if (!deepspeed || !trainer) return;
      const enabled = setting(deepspeed, `${name}.enabled`);
      const flag = setting(trainer, name);
      const left = scalarOf(enabled);
      const right = scalarOf(flag);
      // fp16_full_eval counts as fp16 for the comparison.
      const evaluation = scalarOf(setting(trainer, `${name}_full_eval`));
      if (left?.type !== 'bool' || right?.type !== 'bool' || evaluation?.value === true || !enabled || !flag) return;
      if (left.value === right.value) return;
      report({
        at: [enabled, flag],
        message: `${name}.enabled is ${left.value} in the DeepSpeed file and ${name} is ${right.value} in the Trainer file. The Trainer stops at start-up when they differ.`,
        fixes: enabled.node
          ? [
              {
                title: `Set ${name}.enabled to "auto"`,
                preferred: true,
                edits: replaceValue(enabled.config.file, enabled.node, 'auto'),
              },
            ]
          : [],
      });
    }
  },
});

function itemOf(list: Setting, index: number): number | undefined {
  const item = list.node?.kind === 'sequence' ? list.node.items[index] : undefined;
  if (item?.kind !== 'scalar' || item.templated) return undefined;
  return item.scalar.type === 'int' || item.scalar.type === 'float' ? item.scalar.value : undefined;
}

interface Difference {
  readonly left: number;
  readonly right: number;
  readonly key: string;
  readonly field: string;
  readonly whole: boolean;
}

/** "auto" is the simplest cure; a value copied from one file to the other is the user's choice. */
function fixesOf(deepspeed: Config, theirs: Setting, ours: Setting, difference: Difference) {
  const fixes: { title: string; preferred?: boolean; edits: FileEdit[] }[] = [];
  if (theirs.node) {
    fixes.push({
      title: `Set ${difference.key} to "auto"`,
      preferred: true,
      edits: replaceValue(deepspeed.file, theirs.node, 'auto'),
    });
  }
  if (ours.node && difference.whole) {
    fixes.push({
      title: `Set ${difference.field} to ${difference.left} in the Trainer file`,
      edits: replaceValue(ours.config.file, ours.node, difference.left),
    });
  }
  return fixes;
}
