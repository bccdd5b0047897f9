import { recipe } from '../rules-support/trainer-recipe';
import { setting, stringOf } from '../settings';
import type { Node } from '../syntax/node';
import { parseJson } from '../syntax/parse';
import { rule } from './rule';

/** Fields that take an object, or its JSON as text (transformers training_args.py _VALID_DICT_FIELDS, and TRL's). */
const FIELDS = [
  'accelerator_config',
  'fsdp_config',
  'deepspeed',
  'gradient_checkpointing_kwargs',
  'activation_checkpointing_kwargs',
  'lr_scheduler_kwargs',
  'model_init_kwargs',
];

/** Reports objects written as JSON text that is none. */
export const jsonArgumentBroken = rule({
  id: 'json-argument-broken',
  severity: 'error',
  applies: ['trainer'],
  needs: FIELDS,
  why: 'A text that begins with { is read as JSON by TrainingArguments. Python names, single quotes and keys without quotes are no JSON, and the job stops with a JSONDecodeError.',
  source: ['transformers src/transformers/training_args.py:1506 (5.18.0)'],
  verified: 'run',
  examples: {
    bad: [
      { files: recipe('accelerator_config: \'{"split_batches": True}\'\n') },
      { files: recipe("lr_scheduler_kwargs: '{num_cycles: 1}'\n") },
    ],
    good: [
      { files: recipe('accelerator_config: \'{"split_batches": false}\'\n') },
      { files: recipe('accelerator_config:\n  split_batches: false\n') },
    ],
  },
  check({ config, report }) {
    for (const field of FIELDS) {
      const found = setting(config, field);
      const text = stringOf(found);
      if (!found || text === undefined || !text.startsWith('{') || text.includes('${') || text.includes('{{')) continue;
      const { problems, root } = parseJson(text);
      const number = field === 'lr_scheduler_kwargs' ? textForNumber(root) : undefined;
      if (number !== undefined) {
        report({
          at: found,
          message: `${number} in the JSON of ${field} stays text: only plain digits in quotes are turned into numbers. The schedule stops on it.`,
        });
      }
      if (isJson(text)) continue;
      const first = problems.find(({ kind }) => kind === 'broken');
      const why = first ? ` (${first.message.replace(/\.$/, '')})` : '';
      report({
        at: found,
        message: `${field} begins like JSON but cannot be read as it${why}; the job stops when its arguments are read.`,
      });
    }
  },
});

/** As strict as Python's json, but for its NaN and Infinity, which no such argument holds. */
function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** A number in scientific notation and quotes, which transformers leaves as it is (training_args.py:164 _convert_str_dict). */
function textForNumber(root: Node | undefined): string | undefined {
  if (root?.kind !== 'mapping') return undefined;
  for (const { value } of root.entries) {
    const text = value?.kind === 'scalar' ? value.scalar.value : undefined;
    if (typeof text === 'string' && /^[-+]?\d+(?:\.\d*)?e[-+]?\d+$/i.test(text)) return `"${text}"`;
  }
  return undefined;
}
