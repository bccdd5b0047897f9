import type { FileEdit } from '../findings';
import { evalStrategyOf, isSet, isTrue, recipe } from '../rules-support/trainer-recipe';
import { removeFix } from '../rules-support/zero';
import { booleanOf, numberOf, type Setting, setting, stringOf } from '../settings';
import type { Config } from '../source';
import { replaceValue } from '../syntax/editing';
import { rule } from './rule';

interface Overridden {
  readonly at: Setting;
  readonly by: Setting;
  /** What the Trainer makes of the two. */
  readonly message: string;
  /** Harmless where the result is what the rest of the file asks for. */
  readonly severity?: 'hint' | 'information' | 'error';
}

/** Reports arguments that the Trainer replaces by itself because of another one. */
export const argumentOverridden = rule({
  id: 'argument-overridden',
  severity: 'warning',
  applies: ['trainer'],
  why: 'TrainingArguments sets some arguments itself when another one asks for it, and at most says so at info level: the run is another one than the file describes.',
  source: [
    'transformers src/transformers/training_args.py:1538 (5.18.0) do_eval',
    'transformers src/transformers/training_args.py:1589 (5.18.0) torch_compile',
    'transformers src/transformers/training_args.py:1658 (5.18.0) dataloader_pin_memory',
    'transformers src/transformers/trainer.py:807 (5.18.0) num_steps',
    'transformers src/transformers/trainer.py:828 (5.18.0) non_blocking',
    'transformers src/transformers/training_args.py:1621 (5.18.0) split_batches',
  ],
  verified: 'run',
  examples: {
    bad: [
      { files: recipe('do_eval: false\neval_strategy: epoch\n') },
      { files: recipe('torch_compile: false\ntorch_compile_backend: inductor\n') },
      { files: recipe('accelerator_config:\n  split_batches: true\n') },
      { files: recipe('accelerator_config:\n  gradient_accumulation_kwargs:\n    num_steps: 4\n') },
    ],
    good: [
      { files: recipe('do_eval: true\neval_strategy: epoch\n') },
      { files: recipe('torch_compile: true\ntorch_compile_backend: inductor\n') },
      { files: recipe('accelerator_config:\n  split_batches: false\n') },
    ],
  },
  check({ config, run, report }) {
    const ranks = run.worldSize.known && run.worldSize.origin.kind !== 'assumed' ? run.worldSize.value : undefined;
    for (const { at, by, message, severity } of overridden(config, ranks)) {
      report({
        at: at === by ? at : [at, by],
        ...(severity && { severity }),
        message,
        fixes: at === by ? [] : [fixOf(at)],
      });
    }
  },
});

/** A compiled run is said to be one; all else that is overridden can go. */
function fixOf(at: Setting): { title: string; edits: FileEdit[] } {
  const { node, config } = at;
  if (at.path !== 'torch_compile' || !node) return removeFix(at);
  return { title: 'Set torch_compile to true', edits: replaceValue(config.file, node, true) };
}

function* overridden(config: Config, ranks: number | undefined): Generator<Overridden> {
  const evaluation = evalStrategyOf(config);
  const doEval = setting(config, 'do_eval');
  if (doEval && booleanOf(doEval) === false && evaluation?.written && evaluation.word !== 'no') {
    const message = `do_eval is false, but eval_strategy is "${evaluation.word}": the Trainer sets do_eval to true and evaluates.`;
    yield { at: doEval, by: evaluation.written, message };
  }
  yield* compiled(config);
  const pin = setting(config, 'dataloader_pin_memory');
  const cpu = setting(config, 'use_cpu');
  if (pin && cpu && booleanOf(pin) === true && isTrue(config, 'use_cpu')) {
    const message = 'dataloader_pin_memory is true, but use_cpu switches it off.';
    yield { at: pin, by: cpu, message, severity: 'hint' };
  }
  const early = setting(config, 'accelerator_config.non_blocking');
  if (early && pin && booleanOf(early) === true && booleanOf(pin) === false) {
    const message = 'non_blocking copies need pinned memory; with dataloader_pin_memory false they wait all the same.';
    yield { at: early, by: pin, message };
  }
  yield* batches(config, ranks);
}

function* compiled(config: Config): Generator<Overridden> {
  const compile = setting(config, 'torch_compile');
  for (const key of ['torch_compile_mode', 'torch_compile_backend']) {
    const found = setting(config, key);
    if (!found || stringOf(found) === undefined) continue;
    if (compile && booleanOf(compile) !== false) continue;
    const message = `${key} switches torch_compile on${compile ? ', although it is false' : ''}: the model is compiled.`;
    yield compile ? { at: compile, by: found, message } : { at: found, by: found, message, severity: 'information' };
    return;
  }
}

function* batches(config: Config, ranks: number | undefined): Generator<Overridden> {
  const steps = setting(config, 'accelerator_config.gradient_accumulation_kwargs.num_steps');
  const count = numberOf(steps);
  // With gradient_accumulation_steps above 1 the Trainer stops: accumulation-set-twice.
  if (
    steps &&
    count !== undefined &&
    count > 1 &&
    (numberOf(setting(config, 'gradient_accumulation_steps')) ?? 1) === 1
  ) {
    const outer = setting(config, 'gradient_accumulation_steps');
    const message = `num_steps ${count} replaces gradient_accumulation_steps${outer ? '' : ', whose default is 1'}: every step takes ${count} micro-batches.`;
    yield outer ? { at: outer, by: steps, message } : { at: steps, by: steps, message };
  }
  const split = setting(config, 'accelerator_config.split_batches');
  if (!split || booleanOf(split) !== true) return;
  const micro = setting(config, 'per_device_train_batch_size');
  const size = isSet(config, 'per_device_train_batch_size') ? numberOf(micro) : 8;
  if (size === undefined) return;
  const uneven = ranks !== undefined && size % ranks !== 0;
  const rest = uneven
    ? `, and ${size} cannot be split over ${ranks}: the job stops when the DataLoader is built`
    : ': each gets its share of it';
  const message = `split_batches makes per_device_train_batch_size ${size} the batch of all ranks together${rest}.`;
  yield { at: split, by: split, message, ...(uneven && { severity: 'error' as const }) };
}
