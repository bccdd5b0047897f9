import { isBuiltByDeepSpeed } from '../rules-support/owners';
import { isSet, isSpread, recipe, severityOfAbsence } from '../rules-support/trainer-recipe';
import { setting, stringOf } from '../settings';
import { insertEntry } from '../syntax/editing';
import { rule } from './rule';

/** Reports GaLore and APOLLO without the modules they project. */
export const lowRankOptimizerWithoutTargets = rule({
  id: 'low-rank-optimizer-without-targets',
  severity: 'error',
  applies: ['trainer'],
  needs: ['optim'],
  why: 'GaLore and APOLLO project the gradients of named linear layers. Without optim_target_modules the Trainer raises a ValueError when it builds the optimizer.',
  source: ['transformers src/transformers/trainer_optimizer.py:121 (5.18.0)'],
  verified: 'run',
  examples: {
    bad: [{ files: recipe('optim: galore_adamw\n') }],
    good: [{ files: recipe('optim: galore_adamw\noptim_target_modules: all-linear\n') }],
  },
  check({ config, run, report }) {
    const optim = setting(config, 'optim');
    const name = stringOf(optim);
    if (!optim || name === undefined || !/^(?:galore|apollo)_/.test(name) || isSpread(config)) return;
    if (isSet(config, 'optim_target_modules') || isBuiltByDeepSpeed(run, 'optimizer')) return;
    report({
      at: optim,
      severity: severityOfAbsence(config),
      message: `${name} needs optim_target_modules, the linear layers it projects; the job stops when the optimizer is built.`,
      fixes: [
        {
          title: 'Set optim_target_modules to "all-linear"',
          edits: insertEntry(config.file, config.root, 'optim_target_modules', 'all-linear', { after: optim.entry }),
        },
      ],
    });
  },
});
