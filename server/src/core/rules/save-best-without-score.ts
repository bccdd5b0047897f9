import {
  evalStrategyOf,
  isSet,
  isTrue,
  recipe,
  saveStrategyOf,
  severityOfAbsence,
} from '../rules-support/trainer-recipe';
import { setting } from '../settings';
import { insertEntry, replaceValue } from '../syntax/editing';
import { rule } from './rule';

/** Reports save_strategy "best" without a score to judge by. */
export const saveBestWithoutScore = rule({
  id: 'save-best-without-score',
  severity: 'error',
  applies: ['trainer'],
  needs: ['save_strategy'],
  why: 'save_strategy "best" keeps a checkpoint when metric_for_best_model improves. Without the metric the Trainer stops at start-up; without an evaluation it saves nothing, and says nothing.',
  source: [
    'transformers src/transformers/trainer.py:674 (5.18.0) metric_for_best_model',
    'transformers src/transformers/training_args.py:1553 (5.18.0) what sets the metric to loss',
  ],
  verified: 'run',
  examples: {
    bad: [
      { files: recipe('save_strategy: best\neval_strategy: epoch\n') },
      { files: recipe('save_strategy: best\nmetric_for_best_model: loss\n') },
    ],
    good: [{ files: recipe('save_strategy: best\neval_strategy: epoch\nmetric_for_best_model: loss\n') }],
  },
  check({ config, report }) {
    const save = saveStrategyOf(config);
    if (save?.word !== 'best' || !save.written) return;
    const scheduler = setting(config, 'lr_scheduler_type');
    // The Trainer takes the loss where one of these asks for a metric.
    const given = isSet(config, 'metric_for_best_model') || setting(config, 'load_best_model_at_end') || scheduler;
    if (!given) {
      report({
        at: save.written,
        severity: severityOfAbsence(config),
        message: 'save_strategy is "best", but metric_for_best_model is not set; the Trainer stops at start-up.',
        fixes: [
          {
            title: 'Set metric_for_best_model to "loss"',
            edits: insertEntry(config.file, config.root, 'metric_for_best_model', 'loss', {
              after: save.written.entry,
            }),
          },
        ],
      });
    }
    const evaluation = evalStrategyOf(config);
    if (evaluation?.word !== 'no' || isTrue(config, 'load_best_model_at_end')) return;
    report({
      at: [save.written, ...(evaluation.written ? [evaluation.written] : [])],
      severity: 'warning',
      message: `save_strategy is "best", but eval_strategy is "no"${evaluation.written ? '' : ' by default'}: nothing is ever scored, and no checkpoint is ever saved.`,
      fixes: [
        {
          title: 'Set eval_strategy to "epoch"',
          edits: evaluation.written?.node
            ? replaceValue(config.file, evaluation.written.node, 'epoch')
            : insertEntry(config.file, config.root, 'eval_strategy', 'epoch', { after: save.written.entry }),
        },
      ],
    });
  },
});
