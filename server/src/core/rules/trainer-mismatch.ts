import type { FileEdit } from '../findings';
import { isSpread, isTrl } from '../rules-support/trainer-recipe';
import { isAuto, isTemplated, numberOf, type Setting, scalarOf, setting, stringOf } from '../settings';
import type { Config } from '../source';
import { replaceValue } from '../syntax/editing';
import type { Node } from '../syntax/node';
import { rule } from './rule';

interface Pair {
  /** Of the DeepSpeed file. */
  readonly key: string;
  /** Of TrainingArguments. */
  readonly field: string;
  /** Place in the list that the key holds. */
  readonly index?: number;
  /** What TrainingArguments takes where the field is left out; absent where TRL's configs take another. */
  readonly fallback?: number;
}

/** DeepSpeed keys the Trainer compares with an argument of its own, and how the argument becomes the value. */
const PAIRS: readonly Pair[] = [
  { key: 'train_micro_batch_size_per_gpu', field: 'per_device_train_batch_size', fallback: 8 },
  { key: 'gradient_accumulation_steps', field: 'gradient_accumulation_steps', fallback: 1 },
  { key: 'gradient_clipping', field: 'max_grad_norm', fallback: 1 },
  { key: 'optimizer.params.lr', field: 'learning_rate' },
  { key: 'optimizer.params.betas', field: 'adam_beta1', index: 0, fallback: 0.9 },
  { key: 'optimizer.params.betas', field: 'adam_beta2', index: 1, fallback: 0.999 },
  { key: 'optimizer.params.eps', field: 'adam_epsilon', fallback: 1e-8 },
  { key: 'optimizer.params.weight_decay', field: 'weight_decay', fallback: 0 },
  { key: 'scheduler.params.warmup_max_lr', field: 'learning_rate' },
  { key: 'scheduler.params.warmup_num_steps', field: 'warmup_steps' },
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
  when: 'joined',
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
    for (const pair of PAIRS) {
      const theirs = setting(deepspeed, pair.key);
      const ours = setting(trainer, pair.field);
      if (!theirs || isAuto(theirs)) continue;
      const left = pair.index === undefined ? writtenValue(theirs) : itemOf(theirs, pair.index);
      const right = ours ? numberOf(ours) : fallbackOf(pair, trainer);
      if (left === undefined || right === undefined || left === right) continue;
      // A share of the run becomes a number of steps, which depends on the data.
      if (pair.field === 'warmup_steps' && right < 1) continue;
      const isText = typeof left === 'string' && Number(left) === right;
      report({
        at: ours ? [theirs, ours] : theirs,
        severity: ours ? 'error' : 'warning',
        message: isText
          ? `${pair.key} is the text "${left}" in the DeepSpeed file, which is not the number ${right} to the Trainer. It stops at start-up when they differ.`
          : `${pair.key} is ${left} in the DeepSpeed file and ${pair.field} is ${right} ${ours ? 'in the Trainer file' : 'by default'}. The Trainer stops at start-up ${ours ? DIFFER : unlessFlag(pair.field, left)}.`,
        fixes: fixesOf(deepspeed, theirs, ours, pair, left, right),
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
      if (left?.type !== 'bool' || evaluation?.value === true || !enabled) return;
      // TRL's configs choose a precision where the file names none.
      const absent = !flag && !isSpread(trainer) && !isTrl(trainer) && !run.method.known ? false : undefined;
      const value = right?.type === 'bool' ? right.value : absent;
      if (value === undefined || left.value === value) return;
      report({
        at: flag ? [enabled, flag] : enabled,
        severity: flag ? 'error' : 'warning',
        message: `${name}.enabled is ${left.value} in the DeepSpeed file and ${name} is ${value} ${flag ? 'in the Trainer file' : 'by default'}. The Trainer stops at start-up ${flag ? DIFFER : unlessFlag(name, left.value)}.`,
        fixes: enabled.node
          ? [
              {
                title: `Set ${name}.enabled to "auto"`,
                preferred: true,
                edits: replaceValue(enabled.config.file, enabled.node, 'auto'),
              },
              ...(flag?.node
                ? [
                    {
                      title: `Set ${name} to ${left.value} in the Trainer file`,
                      edits: replaceValue(flag.config.file, flag.node, left.value),
                    },
                  ]
                : []),
            ]
          : [],
      });
    }
  },
});

const DIFFER = 'when they differ';

/** What the Trainer file leaves out, a flag of the launch line may still give. */
function unlessFlag(field: string, value: number | string | boolean): string {
  return `unless the command line sets ${field} to ${value}`;
}

function itemNodeOf({ node }: Setting, index: number): Node | undefined {
  return node?.kind === 'sequence' ? node.items[index] : undefined;
}

function itemOf(list: Setting, index: number): number | undefined {
  const item = itemNodeOf(list, index);
  if (item?.kind !== 'scalar' || item.templated) return undefined;
  return item.scalar.type === 'int' || item.scalar.type === 'float' ? item.scalar.value : undefined;
}

/** A number, or the text that stands in its place; undefined for what proves nothing. */
function writtenValue(found: Setting): number | string | undefined {
  return isTemplated(found) ? undefined : (numberOf(found) ?? stringOf(found));
}

function fallbackOf({ fallback }: Pair, trainer: Config): number | undefined {
  return setting(trainer, 'output_dir') && !isSpread(trainer) ? fallback : undefined;
}

/** "auto" is the simplest cure; a value copied from one file to the other is the user's choice. */
function fixesOf(
  deepspeed: Config,
  theirs: Setting,
  ours: Setting | undefined,
  { key, field, index }: Pair,
  left: number | string,
  right: number,
) {
  const fixes: { title: string; preferred?: boolean; edits: FileEdit[] }[] = [];
  if (theirs.node) {
    fixes.push({
      title: `Set ${key} to "auto"`,
      preferred: true,
      edits: replaceValue(deepspeed.file, theirs.node, 'auto'),
    });
  }
  const item = index === undefined ? theirs.node : itemNodeOf(theirs, index);
  if (item) {
    fixes.push({
      title: `Set ${key} to ${right} in the DeepSpeed file`,
      edits: replaceValue(deepspeed.file, item, right),
    });
  }
  if (ours?.node && index === undefined && typeof left === 'number') {
    fixes.push({
      title: `Set ${field} to ${left} in the Trainer file`,
      edits: replaceValue(ours.config.file, ours.node, left),
    });
  }
  return fixes;
}
