import { valueIfKnown } from '../../run/known';
import type { TrainingRun } from '../../run/training-run';
import { counted } from '../../text/format';
import type { Assumption } from '../estimate';
import type { Draft } from './draft';
import type { TimeFacts } from './facts';
import type { Passes } from './flops';
import { MEMORY_EFFICIENCY } from './gpu-constants';

/** Sequences that one sample of the batch is: chosen and rejected answers of a pair. */
export function sequencesOf({ preference }: Pick<TrainingRun, 'preference'>): 1 | 2 {
  return preference?.sequencesPerSample ?? 1;
}

/** Forward passes without gradients that each micro-step makes beside its own, and by how much that count may be off. */
interface ExtraForwards {
  readonly count: number;
  readonly guess?: Draft['guess'];
  readonly why: string;
}

const NONE: ExtraForwards = { count: 0, why: '' };

/**
 * DPO asks the reference, or the model without its adapters, unless the answers were computed before (trl trainer/dpo_trainer.py:1252,
 * 1.16.0). KTO asks both models about mismatched pairs as well, but for one of its losses (kto_trainer.py:815); GRPO asks the reference
 * where there is a penalty, and the model itself beside vLLM (grpo_trainer.py:2640, :2710).
 */
function extraForwards({ preference }: TrainingRun): ExtraForwards {
  const precomputed = valueIfKnown(preference?.precomputed) === true;
  const reference = valueIfKnown(preference?.reference) === true;
  switch (valueIfKnown(preference?.method)) {
    case 'dpo':
      return precomputed ? NONE : { count: 1, why: 'the reference' };
    case 'kto':
      return precomputed
        ? { count: 1, guess: { low: 0.1, high: 1 }, why: 'the mismatched pairs' }
        : { count: 3, guess: { low: 1 / 3, high: 1 }, why: 'the reference, and both models on mismatched pairs' };
    case 'grpo': {
      const served = valueIfKnown(preference?.generation?.engine) !== 'transformers';
      const count = (reference ? 1 : 0) + (served ? 1 : 0);
      return count === 0 ? NONE : { count, guess: { low: 0.5, high: 1.5 }, why: 'log-probabilities of the answers' };
    }
    default:
      return NONE;
  }
}

/** How often the weights are used once more in a micro-step, and gathered where they are sharded. */
export function forwardsWithoutGradients(run: TrainingRun): number {
  return run.preference === undefined ? 0 : extraForwards(run).count;
}

/** The forward share of what the GPU does for the model that is trained, as often as it goes forward without gradients. */
export function extraForwardDraft(facts: TimeFacts, passes: Passes, parts: readonly Draft[]): Draft | undefined {
  const { count, guess, why } = extraForwards(facts.run);
  if (count === 0) return undefined;
  const seconds =
    (count * parts.reduce((sum, part) => sum + part.seconds, 0)) / (1 + passes.backward + passes.recompute);
  return {
    id: 'compute.reference',
    label: `forward without gradients: ${why}`,
    seconds,
    guess,
    formula: `${counted(count, 'more forward')} of the 1 + ${passes.backward} + ${passes.recompute.toFixed(2)} that the training itself takes`,
    source: 'trl trainer/dpo_trainer.py:1252, kto_trainer.py:815, grpo_trainer.py:2640 (1.16.0)',
    group: 'compute',
    cause: 'GPU compute',
    hides: 'never',
  };
}

/** Kernels of one block for one token, each of which Python launches where no graph of them is replayed. */
const TOKEN_KERNELS = 60;
const LAUNCH_SECONDS = 14e-6;

/**
 * The answers of GRPO where the training GPUs make them: each token of the batch reads all weights once, and transformers' own `generate`
 * launches every kernel from Python. Answers end where they end, so that the most tokens make the high end.
 */
export function generationDraft(facts: TimeFacts): Draft | undefined {
  const { run, model, parameters, cluster, micro, accumulation, tensor } = facts;
  const generation = run.preference?.generation;
  const engine = valueIfKnown(generation?.engine);
  const tokens = valueIfKnown(generation?.completionTokens);
  const { memoryBytesPerSecond: rate } = cluster.accelerator;
  if (engine === undefined || engine === 'server' || tokens === undefined || rate <= 0) return undefined;
  const atOnce = valueIfKnown(generation?.completions) ?? micro * accumulation;
  const rounds = Math.max(1, (micro * accumulation) / Math.max(1, atOnce));
  const reading = (2 * parameters.total) / tensor / (rate * MEMORY_EFFICIENCY);
  const launching = engine === 'transformers' ? model.layers * TOKEN_KERNELS * LAUNCH_SECONDS : 0;
  const each = Math.max(reading, launching);
  const words = `${(each * 1e3).toFixed(1)} ms`;
  return {
    id: 'compute.generation',
    label: `generating answers with ${engine === 'transformers' ? 'transformers' : 'vLLM'}`,
    seconds: rounds * tokens * each,
    guess: { low: 0.2, high: 3 },
    assumes: {
      what: 'generating answers',
      value: `${words} for each of ${tokens} tokens`,
      because:
        'no published table separates it, and answers may end sooner: a fifth of the time to three times as much',
    },
    formula: `${Number(rounds.toFixed(1))} × ${tokens} tokens × ${words}`,
    source:
      'trl trainer/grpo_trainer.py _generate (1.16.0); a token reads the weights once and launches the kernels of each block (prior)',
    group: 'compute',
    cause: 'GPU compute',
    hides: 'never',
  };
}

/** What a step of GRPO does beside, which no file tells. */
export function preferenceNotes({ run }: TimeFacts): Assumption[] {
  if (valueIfKnown(run.preference?.method) !== 'grpo') return [];
  const engine = valueIfKnown(run.preference?.generation?.engine);
  const generates = engine === 'transformers' || engine === 'colocate';
  return [
    {
      what: generates ? 'rewards of the answers' : 'generating answers and their rewards',
      value: 'not counted in the step time',
      because: generates
        ? 'reward functions and models are not in the config'
        : 'how fast the answers come hangs on the server that makes them; the step is that of training on them',
    },
  ];
}
