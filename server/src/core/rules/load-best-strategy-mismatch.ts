import type { FileEdit } from '../findings';
import {
  evalStrategyOf,
  isTrue,
  recipe,
  type Strategy,
  saveStrategyOf,
  severityOfAbsence,
} from '../rules-support/trainer-recipe';
import { setting } from '../settings';
import type { Config } from '../source';
import { insertEntry, replaceValue } from '../syntax/editing';
import { rule } from './rule';

/** Checks that the best model can be found: what is saved must have been evaluated. */
export const loadBestStrategyMismatch = rule({
  id: 'load-best-strategy-mismatch',
  severity: 'error',
  applies: ['trainer'],
  needs: ['load_best_model_at_end'],
  why: 'To load the best model at the end, every checkpoint needs a score. TrainingArguments raises a ValueError unless save_strategy is "best" or equal to eval_strategy, whose default is "no".',
  source: ['transformers src/transformers/training_args.py:1717 (5.18.0)'],
  verified: 'run',
  examples: {
    bad: [
      { files: recipe('load_best_model_at_end: true\n') },
      { files: recipe('load_best_model_at_end: true\neval_strategy: epoch\nsave_strategy: steps\n') },
    ],
    good: [
      { files: recipe('load_best_model_at_end: true\neval_strategy: epoch\nsave_strategy: epoch\n') },
      { files: recipe('load_best_model_at_end: true\neval_strategy: epoch\nsave_strategy: best\n') },
    ],
  },
  check({ config, report }) {
    const best = setting(config, 'load_best_model_at_end');
    const evaluated = evalStrategyOf(config);
    const saved = saveStrategyOf(config);
    if (!best || !isTrue(config, 'load_best_model_at_end') || !evaluated || !saved) return;
    if (saved.word === 'best' || evaluated.word === saved.word) return;
    const isWritten = evaluated.written !== undefined && saved.written !== undefined;
    report({
      at: [best, ...[evaluated.written, saved.written].filter((one) => one !== undefined)],
      severity: isWritten ? 'error' : severityOfAbsence(config),
      message: `load_best_model_at_end needs eval_strategy and save_strategy to be equal, but they are ${words(evaluated)} and ${words(saved)}. The Trainer stops at start-up.`,
      fixes: fixesOf(config, evaluated, saved),
    });
  },
});

function words({ word, written }: Strategy): string {
  return written ? `"${word}"` : `"${word}" (the default)`;
}

function fixesOf(config: Config, evaluated: Strategy, saved: Strategy) {
  const fixes: { title: string; edits: FileEdit[] }[] = [];
  for (const word of ['steps', 'epoch']) {
    const edits = [
      ...(evaluated.word === word ? [] : edit(config, 'eval_strategy', evaluated, word)),
      ...(saved.word === word ? [] : edit(config, 'save_strategy', saved, word)),
    ];
    // Two insertions at one place would meet; the first of them is enough where the other key is there.
    if (edits.length > 0 && (evaluated.written || saved.written || saved.word === word)) {
      fixes.push({ title: `Evaluate and save by ${word === 'epoch' ? 'epoch' : 'steps'}`, edits });
    }
  }
  return fixes;
}

function edit(config: Config, key: string, { written }: Strategy, word: string): FileEdit[] {
  return written?.node
    ? replaceValue(config.file, written.node, word)
    : insertEntry(config.file, config.root, key, word);
}
