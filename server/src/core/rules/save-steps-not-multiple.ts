import type { FileEdit } from '../findings';
import {
  evalStrategyOf,
  isSet,
  isTrl,
  isTrue,
  numberOr,
  recipe,
  saveStrategyOf,
  severityOfAbsence,
} from '../rules-support/trainer-recipe';
import { numberOf, setting } from '../settings';
import { setPath } from '../syntax/editing';
import { rule } from './rule';

const BEST = 'load_best_model_at_end: true\neval_strategy: steps\nsave_strategy: steps\n';

/** Checks that every checkpoint falls on an evaluation where the best one is wanted. */
export const saveStepsNotMultiple = rule({
  id: 'save-steps-not-multiple',
  severity: 'error',
  applies: ['trainer'],
  needs: ['load_best_model_at_end'],
  why: 'With load_best_model_at_end every saved checkpoint needs a score, so TrainingArguments raises a ValueError when save_steps is not a multiple of eval_steps, or when one is a share of the run and the other a count.',
  source: ['transformers src/transformers/training_args.py:1723 (5.18.0)'],
  verified: 'run',
  examples: {
    bad: [
      { files: recipe(`${BEST}eval_steps: 200\nsave_steps: 500\n`) },
      { files: recipe(`${BEST}eval_steps: 0.1\nsave_steps: 0.25\n`) },
      { files: recipe(`${BEST}eval_steps: 0.3\nsave_steps: 100\n`) },
    ],
    good: [
      { files: recipe(`${BEST}eval_steps: 200\nsave_steps: 400\n`) },
      { files: recipe(`${BEST}eval_steps: 0.1\nsave_steps: 0.2\n`) },
      { files: recipe('eval_strategy: steps\nsave_strategy: steps\neval_steps: 200\nsave_steps: 500\n') },
    ],
  },
  check({ config, report }) {
    if (!isTrue(config, 'load_best_model_at_end')) return;
    if (evalStrategyOf(config)?.word !== 'steps' || saveStrategyOf(config)?.word !== 'steps') return;
    const evaluated = setting(config, 'eval_steps');
    const saved = setting(config, 'save_steps');
    const logged = () => numberOr(config, 'logging_steps', isTrl(config) ? 10 : 500);
    const every = isSet(config, 'eval_steps') ? numberOf(evaluated) : logged();
    const kept = numberOr(config, 'save_steps', 500);
    if (every === undefined || kept === undefined || every <= 0 || kept <= 0) return;
    if (kept % every === 0 || (every > 1 && !Number.isInteger(every)) || (kept > 1 && !Number.isInteger(kept))) return;
    const isMixed = every < 1 !== kept < 1;
    // The framework compares two shares in millionths, so that 0.3 is a multiple of 0.1.
    if (every < 1 && kept < 1 && (kept * 1_000_000) % (every * 1_000_000) === 0) return;
    const multiple = every < 1 ? undefined : Math.max(1, Math.round(kept / every)) * every;
    const written = [saved, evaluated, setting(config, 'load_best_model_at_end')].filter((one) => one !== undefined);
    const write = (steps: number): FileEdit[] => setPath(config.file, config.root, 'save_steps', steps);
    report({
      at: written,
      severity: saved && evaluated ? 'error' : severityOfAbsence(config),
      message: isMixed
        ? `save_steps is ${kept} and eval_steps is ${every}: one is a share of the run, the other a count. With load_best_model_at_end the Trainer stops at start-up.`
        : `save_steps ${kept}${saved ? '' : ', the default,'} is not a multiple of eval_steps ${every}${isSet(config, 'eval_steps') ? '' : ' (taken from logging_steps)'}. With load_best_model_at_end the Trainer stops at start-up.`,
      fixes:
        isMixed || multiple === undefined
          ? [{ title: `Set save_steps to ${every}`, edits: write(every) }]
          : [
              {
                title: `Set save_steps to ${multiple}`,
                preferred: saved !== undefined,
                edits: write(multiple),
              },
            ],
    });
  },
});
