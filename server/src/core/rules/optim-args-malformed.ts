import { isBuiltByDeepSpeed } from '../rules-support/owners';
import { recipe } from '../rules-support/trainer-recipe';
import { setting, stringOf } from '../settings';
import { replaceValue } from '../syntax/editing';
import { rule } from './rule';

/** Reports optim_args that are no list of key=value. */
export const optimArgsMalformed = rule({
  id: 'optim-args-malformed',
  severity: 'error',
  applies: ['trainer'],
  needs: ['optim_args'],
  why: 'optim_args is one text of key=value items with commas between them. Any other item stops the job with an unpacking error when the optimizer is built.',
  source: ['transformers src/transformers/trainer_optimizer.py:65 (5.18.0) _parse_optim_args'],
  verified: 'run',
  examples: {
    bad: [
      { files: recipe('optim: galore_adamw\noptim_target_modules: all-linear\noptim_args: "rank: 64, scale: 2"\n') },
    ],
    good: [
      { files: recipe('optim: galore_adamw\noptim_target_modules: all-linear\noptim_args: "rank=64, scale=2"\n') },
    ],
  },
  check({ config, run, report }) {
    const found = setting(config, 'optim_args');
    const text = found?.node?.kind === 'scalar' && !found.node.templated ? stringOf(found) : undefined;
    if (!found || text === undefined || text === '' || isBuiltByDeepSpeed(run, 'optimizer')) return;
    const item = text
      .replaceAll(' ', '')
      .split(',')
      .find((one) => one.split('=').length !== 2);
    if (item === undefined) return;
    // `key: value`, as everywhere else in the file.
    const fixed = text.replace(/(^|,)(\s*\w+)\s*:\s*([^,:=]+)(?=,|$)/g, '$1$2=$3');
    const isMended = fixed
      .replaceAll(' ', '')
      .split(',')
      .every((one) => one.split('=').length === 2);
    report({
      at: found,
      message:
        item === ''
          ? 'optim_args has an empty item between its commas; the job stops when the optimizer is built.'
          : `optim_args is a list of key=value items with commas between them, and "${item}" is none; the job stops when the optimizer is built.`,
      fixes:
        isMended && found.node
          ? [{ title: `Write "${fixed}"`, preferred: true, edits: replaceValue(config.file, found.node, fixed) }]
          : [],
    });
  },
});
