import { fillAuto } from '../dialects/deepspeed/auto';
import { TRAINER_DEFAULTS, TRL_DEFAULTS } from '../dialects/trainer/defaults';
import { NO_ARGUMENTS } from '../dialects/trainer/read';
import { type Known, known, type Origin, unknown } from './known';
import { megatronSetting } from './megatron';
import { overrideOf, pluginSetting, type RunSources } from './sources';
import type { Batch, Disagreement, Parallelism } from './training-run';
import {
  booleanFrom,
  byDefault,
  countFrom,
  firstKnown,
  isAutoText,
  numberFrom,
  type Written,
  writtenIn,
} from './written';

/** The batch triangle from whichever files give it, and the sequence lengths. */
export function readBatch(sources: RunSources, parallelism: Parallelism, disagreements: Disagreement[]): Batch {
  const micro = perGpu(
    sources,
    'per_device_train_batch_size',
    'train_micro_batch_size_per_gpu',
    TRAINER_DEFAULTS.micro,
  );
  const steps = perGpu(
    sources,
    'gradient_accumulation_steps',
    'gradient_accumulation_steps',
    TRAINER_DEFAULTS.accumulation,
  );
  const plugin = pluginSetting(sources, 'gradient_accumulation_steps');
  const pluginSteps = plugin && !isAutoText(plugin) ? countFrom(plugin) : undefined;
  // Megatron accumulates over its own micro-batches alone (accelerate utils/megatron_lm.py, MegatronLMDataLoader).
  const micros = megatronSetting(sources, 'num_micro_batches');
  for (const [fact, one] of [
    ['micro-batch size per GPU', micro],
    ['number of gradient accumulation steps', { ...steps, others: [...steps.others, pluginSteps] }],
  ] as const) {
    for (const other of one.others) {
      if (other?.known && one.taken.known && other.value !== one.taken.value) {
        disagreements.push({ fact, taken: one.taken, other });
      }
    }
  }
  const written = globalWritten(sources);
  const accumulation = firstKnown(WHY.accumulation, micros && countFrom(micros), steps.taken, pluginSteps);
  const triangle = completeTriangle(micro.taken, accumulation, written, parallelism.data);
  const lengths = sequence(sources, disagreements);
  // Written out here and in the other parts of an outline: a spread makes objects of many shapes, which V8 reads slowly.
  return {
    micro: triangle.micro,
    accumulation: triangle.accumulation,
    global: triangle.global,
    evalMicro: evalMicro(sources),
    sequenceLength: lengths.sequenceLength,
    meanSequenceLength: lengths.meanSequenceLength,
    packing: lengths.packing,
    shrinks: isOn(sources.args.get('auto_find_batch_size')),
  };
}

function isOn(written: Written | undefined): boolean {
  const on = written && booleanFrom(written);
  return on?.known === true && on.value;
}

const WHY = {
  micro: 'no file gives the micro-batch size',
  accumulation: 'no file gives the gradient accumulation steps',
};

/** A batch key: the Trainer's argument, else DeepSpeed's number or what its "auto" becomes, else the Trainer's default. */
function perGpu(
  sources: RunSources,
  argument: string,
  key: string,
  fallback: { value: number; of: string; source: string },
): { taken: Known<number>; others: readonly (Known<number> | undefined)[] } {
  const { args, deepspeed } = sources;
  const written = args.get(argument);
  const trainer = written && countFrom(written);
  const ds = writtenIn(deepspeed, key);
  if (isAutoText(ds)) return { taken: fillAuto<number>(sources, ds, key, unknown(`nobody fills ${key}`)), others: [] };
  const own = ds && countFrom(ds);
  const implied = args.present ? byDefault(fallback.value, fallback.of, fallback.source) : undefined;
  const why = sources.consumers.includes('trainer') && !args.present ? NO_ARGUMENTS : WHY.micro;
  return { taken: firstKnown(why, trainer, own, implied), others: [own] };
}

function globalWritten({ deepspeed }: RunSources): Known<number> | undefined {
  const written = writtenIn(deepspeed, 'train_batch_size');
  return written && !isAutoText(written) ? countFrom(written) : undefined;
}

/** Completes micro × accumulation × data = global where one of the four is missing, as DeepSpeed does (runtime/config.py:942). */
function completeTriangle(
  micro: Known<number>,
  accumulation: Known<number>,
  global: Known<number> | undefined,
  data: Known<number>,
): Pick<Batch, 'micro' | 'accumulation' | 'global'> {
  if (global?.known) {
    if (!micro.known && micro.origin === undefined) {
      const steps = accumulation.known
        ? accumulation
        : byDefault(1, 'DeepSpeed 0.19.6', 'deepspeed/runtime/config.py:961');
      return {
        micro: quotient(global, steps, data, 'train_batch_size ÷ (accumulation × ranks)'),
        accumulation: steps,
        global,
      };
    }
    if (!accumulation.known && accumulation.origin === undefined) {
      return { micro, accumulation: quotient(global, micro, data, 'train_batch_size ÷ (micro batch × ranks)'), global };
    }
    return { micro, accumulation, global };
  }
  const steps =
    !accumulation.known && accumulation.origin === undefined && micro.known
      ? byDefault(1, 'DeepSpeed 0.19.6', 'deepspeed/runtime/config.py:968')
      : accumulation;
  return { micro, accumulation: steps, global: product(micro, steps, data) };
}

function quotient(global: Known<number>, factor: Known<number>, data: Known<number>, formula: string): Known<number> {
  if (!global.known) return global;
  if (!factor.known) return unknown(factor.why, factor.origin);
  if (!data.known) return unknown(`it is ${formula}, and ${data.why}`, data.origin);
  const value = global.value / (factor.value * data.value);
  const from: readonly Origin[] = [global.origin, factor.origin, data.origin];
  if (!Number.isInteger(value) || value < 1) return unknown(`${formula} is not a whole number`, global.origin);
  return known(value, { kind: 'derived', formula: `${global.value} ÷ (${factor.value} × ${data.value})`, from });
}

function product(micro: Known<number>, accumulation: Known<number>, data: Known<number>): Known<number> {
  for (const one of [micro, accumulation, data]) if (!one.known) return unknown(one.why, one.origin);
  if (!micro.known || !accumulation.known || !data.known) return unknown(WHY.micro);
  const formula = `${micro.value} × ${accumulation.value} × ${data.value} ranks`;
  const from = [micro.origin, accumulation.origin, data.origin];
  return known(micro.value * accumulation.value * data.value, { kind: 'derived', formula, from });
}

function evalMicro({ args }: RunSources): Known<number> {
  const written = args.get('per_device_eval_batch_size');
  if (written) return countFrom(written);
  const { value, of, source } = TRAINER_DEFAULTS.evalMicro;
  return args.present ? byDefault(value, of, source) : unknown(NO_ARGUMENTS);
}

/** Keys that cut samples at a number of tokens: TRL's and the example scripts' names. */
const LENGTH_KEYS = [
  'max_length',
  'max_seq_length',
  'max_seq_len',
  'model_max_length',
  'block_size',
  'cutoff_len',
  'seq_length',
  'max_source_length',
];

function sequence(
  sources: RunSources,
  disagreements: Disagreement[],
): Pick<Batch, 'sequenceLength' | 'meanSequenceLength' | 'packing'> {
  const packing = readPacking(sources);
  const sequenceLength = flaggedLength(sources, disagreements) ?? readLength(sources);
  const mean = sources.settings.fields.meanSequenceLength;
  const packed = packing.known && packing.value;
  return {
    sequenceLength,
    packing,
    // A packed row is full, however long the samples in it are.
    meanSequenceLength:
      packed && sequenceLength.known
        ? known(sequenceLength.value, {
            kind: 'derived',
            formula: 'packed samples are full',
            from: [packing.origin, sequenceLength.origin],
          })
        : mean
          ? numberFrom(mean)
          : unknown('no file gives the mean length of a sample; meanSequenceLength in shardlens.json can'),
  };
}

/** `--seq-len` comes before the files; where they say something else, that is a disagreement. */
function flaggedLength(sources: RunSources, disagreements: Disagreement[]): Known<number> | undefined {
  const flag = sources.overrides.from === 'flag' ? overrideOf(sources, 'sequenceLength') : undefined;
  if (!flag) return undefined;
  const taken = countFrom(flag);
  const other = writtenLength(sources);
  if (taken.known && other?.known && other.value !== taken.value) {
    disagreements.push({ fact: 'sequence length', taken, other });
  }
  return taken;
}

function readLength(sources: RunSources): Known<number> {
  const { settings, args } = sources;
  const written = args.get(...LENGTH_KEYS);
  const given = overrideOf(sources, 'sequenceLength') ?? settings.fields.sequenceLength;
  const why = 'no file gives the sequence length; sequenceLength in shardlens.json can';
  return firstKnown(
    why,
    writtenLength(sources),
    given && countFrom(given),
    written?.plain === null
      ? unknown(`${written.key} is null: samples are not cut`, written.origin)
      : lengthDefault(sources),
  );
}

/** The length that a file cuts samples to. */
function writtenLength({ args }: RunSources): Known<number> | undefined {
  const written = args.get(...LENGTH_KEYS);
  const prompt = args.get('max_prompt_length');
  const completion = args.get('max_completion_length');
  const length = written && written.plain !== null ? countFrom(written) : undefined;
  if (length?.known || !prompt || !completion) return length;
  const both = sum(countFrom(prompt), countFrom(completion));
  return both.known ? both : (length ?? both);
}

function sum(a: Known<number>, b: Known<number>): Known<number> {
  if (!a.known) return a;
  if (!b.known) return b;
  return known(a.value + b.value, {
    kind: 'derived',
    formula: `${a.value} prompt + ${b.value} completion tokens`,
    from: [a.origin, b.origin],
  });
}

function lengthDefault({ args }: RunSources): Known<number> | undefined {
  const cuts = args.trl && args.method.known && (args.method.value === 'sft' || args.method.value === 'dpo');
  const { value, of, source } = TRL_DEFAULTS.maxLength;
  return cuts && args.present ? byDefault(value, of, source) : undefined;
}

/** TRL's `packing`; run_clm's `block_size` joins texts into full blocks (transformers examples run_clm.py group_texts). */
function readPacking({ args }: RunSources): Known<boolean> {
  const written = args.get('packing');
  if (written) return booleanFrom(written);
  const block = args.get('block_size');
  if (block)
    return known(true, {
      kind: 'derived',
      formula: 'run_clm joins texts into blocks of block_size',
      from: [block.origin],
    });
  const { value, of, source } = TRL_DEFAULTS.packing;
  if (args.trl) return byDefault(value, of, source);
  return unknown('no key tells whether samples are packed');
}
