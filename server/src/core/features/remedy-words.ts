import type { Estimate } from '../estimate/estimate';
import type { Merit } from '../fit/choose';
import type { Remedy } from '../fit/confirm';
import type { TrainingEffect } from '../moves/move';
import { formatGib, formatSeconds } from '../text/format';

/** A remedy in words, the same in the editor and on the command line. */
export interface RemedyWords {
  /** The title where there is little room: `Micro-batch 4 × 2 steps, remove offload_optimizer`; the comparison names the keys. */
  readonly short: string;
  /** `Smallest change, and the fastest`; `Between the two` for what lies on the front between them. */
  readonly merit: string;
  /** `30.0 GiB (29.0 to 34.1) of 39.4 GiB, was 72.5 · host 24.6 GiB · 11.0 s a step (9.09 s to 15.8 s), was 21.3 s`. */
  readonly figures: string;
  /** The same in half the room, for lists that show the run as it is above: `29.0 to 34.1 of 39.4 GiB · 9.09 to 15.8 s a step`. */
  readonly brief: string;
  /** What it does to the training, and what it needs. */
  readonly effect: string;
}

const MERITS: Readonly<Record<Merit, string>> = {
  smallest: 'the smallest change',
  fastest: 'the fastest',
  'fastest-data': 'the fastest, with other batches',
  'fastest-numerics': 'the fastest, with other numerics',
  balanced: 'between the two',
};

const EFFECTS: Readonly<Record<TrainingEffect, string>> = {
  same: 'The training stays the same',
  data: 'A step sees about as many tokens, but other samples meet in it',
  numerics: 'The training changes in its numerics',
};

/** As moves/batch.ts writes micro-batch and accumulation: two long keys that most remedies change together. */
const BATCH_KEYS =
  /[Ss]et (?:per_device_train_batch_size|train_micro_batch_size_per_gpu) to (\d+) and gradient_accumulation_steps to (\d+)/;

export function remedyWords({ title, merits, training, notes, estimate }: Remedy, before: Estimate): RemedyWords {
  return {
    short: title.replace(
      BATCH_KEYS,
      (words, micro: string, steps: string) =>
        `${words.startsWith('S') ? 'M' : 'm'}icro-batch ${micro} × ${steps} steps`,
    ),
    merit: meritWords(merits),
    figures: figureWords(estimate, before),
    brief: briefWords(estimate),
    effect: `${[EFFECTS[training], ...notes].join('; ')}.`,
  };
}

function meritWords(merits: readonly Merit[]): string {
  const words = merits.map((merit) => MERITS[merit]).join(', and ');
  return words.replace(/^the /, '').replace(/^./, (first) => first.toUpperCase());
}

/** Bands only: what is predicted lies between. */
function briefWords({ memory, step }: Estimate): string {
  const parts = [
    memory && `${gib(memory.low)} to ${gib(memory.high)} of ${capacity(memory.capacity)}`,
    step && `${rangeWords(formatSeconds(step.low), formatSeconds(step.high))} a step`,
  ].filter((it) => it !== null);
  return parts.join(' · ');
}

/** `9.09 to 15.8 s`: a unit that both ends share is written once. */
function rangeWords(low: string, high: string): string {
  const unit = / \S+$/.exec(high)?.[0] ?? '';
  const isShared = /^[\d.]+ \S+$/.test(low) && low.endsWith(unit) && /^[\d.]+ \S+$/.test(high);
  return `${isShared ? low.slice(0, -unit.length) : low} to ${high}`;
}

/** What a run needs and takes, in one line; with what differed `before`. */
export function figureWords({ memory, host, step }: Estimate, before?: Estimate): string {
  const was = (then: string | undefined, now: string): string =>
    then === undefined || then === now ? '' : `, was ${then}`;
  const ofBytes = (then: number | undefined, now: number): string =>
    was(then === undefined ? undefined : formatGib(then), formatGib(now));
  const parts = [
    memory &&
      `${formatGib(memory.value)} (${gib(memory.low)} to ${gib(memory.high)}) of ${capacity(memory.capacity)}${ofBytes(before?.memory?.value, memory.value)}`,
    host && `host ${formatGib(host.bytes)}${ofBytes(before?.host?.bytes, host.bytes)}`,
    step &&
      `${formatSeconds(step.seconds)} a step (${formatSeconds(step.low)} to ${formatSeconds(step.high)})${was(before?.step ? formatSeconds(before.step.seconds) : undefined, formatSeconds(step.seconds))}`,
  ].filter((it) => it !== null);
  return parts.length === 0 ? 'Memory and step time are not known.' : parts.join(' · ');
}

function gib(bytes: number): string {
  return formatGib(bytes).replace(' GiB', '');
}

function capacity(bytes: number | null): string {
  return bytes === null ? 'an unknown capacity' : formatGib(bytes);
}
