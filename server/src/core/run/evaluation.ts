import { type Known, known, unknown } from './known';
import type { RunSources } from './sources';
import type { EvalGeneration, KeptLogits } from './training-run';
import { booleanFrom, byDefault, countFrom, textFrom } from './written';

const ARGUMENTS = 'transformers src/transformers/training_args.py (5.23.0)';

/**
 * Whether evaluation keeps what the model gave: `Trainer.evaluate` keeps the loss alone where the script passes no compute_metrics
 * (transformers src/transformers/trainer.py:2868, 5.23.0). A file decides it by prediction_loss_only and batch_eval_metrics, or by
 * a best model that is chosen by another metric than the loss, which only compute_metrics makes.
 */
export function readKeptLogits({ args }: Pick<RunSources, 'args'>): KeptLogits | undefined {
  if (!args.present) return undefined;
  const steps = args.get('eval_accumulation_steps');
  return {
    kept: keepsTokens(args) ?? isKept(args),
    movedAfter: steps && steps.plain !== null ? countFrom(steps) : unknown('nothing moves them before evaluation ends'),
  };
}

/**
 * What evaluation generates: `predict_with_generate` of Seq2SeqTrainer, where the script passes compute_metrics (transformers
 * src/transformers/trainer_seq2seq.py:284, 5.23.0). What the arguments leave open, the model's generation_config decides, whose own
 * defaults are 20 tokens and one beam.
 */
export function readEvalGeneration({ args }: Pick<RunSources, 'args'>): EvalGeneration | undefined {
  const asked = args.get('predict_with_generate');
  const on = asked && booleanFrom(asked);
  const only = args.get('prediction_loss_only');
  const isLossOnly = only && booleanFrom(only);
  if (!on?.known || !on.value || (isLossOnly?.known && isLossOnly.value)) return undefined;
  const count = (key: string): Known<number> => {
    const written = args.get(key);
    return written && written.plain !== null
      ? countFrom(written)
      : unknown(`${key} is not set, so that the model's generation_config decides`);
  };
  return { asked: on, length: count('generation_max_length'), beams: count('generation_num_beams') };
}

/** Generated tokens are kept in place of logits. */
function keepsTokens(args: RunSources['args']): Known<boolean> | undefined {
  const written = args.get('predict_with_generate');
  const on = written && booleanFrom(written);
  return on?.known && on.value ? known(false, on.origin) : undefined;
}

function isKept(args: RunSources['args']): Known<boolean> {
  for (const key of ['prediction_loss_only', 'batch_eval_metrics']) {
    const written = args.get(key);
    const on = written && booleanFrom(written);
    if (on && !on.known) return on;
    if (on?.known && on.value) return known(false, on.origin);
  }
  const metric = args.get('metric_for_best_model');
  const name = metric && metric.plain !== null ? textFrom(metric) : byDefault('loss', 'transformers', ARGUMENTS);
  if (name.known && !name.value.endsWith('loss')) return known(true, name.origin);
  return unknown('the script passes compute_metrics or does not');
}
