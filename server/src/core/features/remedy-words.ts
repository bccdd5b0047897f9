import type { Estimate } from '../estimate/estimate';
import type { Merit } from '../fit/choose';
import type { Remedy } from '../fit/confirm';
import { formatGib, formatSeconds } from '../text/format';

/** A remedy in words, the same in the editor and on the command line. */
export interface RemedyWords {
  /** `smallest change, fastest`; empty for what lies between. */
  readonly merit: string;
  /** `30.0 GiB (29.0 to 34.1) of 39.4 GiB · host 24.6 GiB · 11.0 s a step (9.09 s to 15.8 s), was 21.3 s`. */
  readonly figures: string;
  /** The same in half the room, for lists: `29.0 to 34.1 of 39.4 GiB · 9.09 s to 15.8 s a step, was 21.3 s`. */
  readonly brief: string;
  /** What it does to the training, and what it needs. */
  readonly effect: string;
}

const MERITS: Readonly<Record<Merit, string>> = {
  smallest: 'smallest change',
  fastest: 'fastest',
  'fastest-numerics': 'fastest, with other numerics',
  balanced: '',
};

export function remedyWords({ merits, training, notes, estimate }: Remedy, before: Estimate): RemedyWords {
  const same = training === 'same' ? 'The training stays the same' : 'The training changes in its numerics';
  return {
    merit: merits
      .map((merit) => MERITS[merit])
      .filter((it) => it !== '')
      .join(', '),
    figures: figureWords(estimate, before),
    brief: briefWords(estimate, before),
    effect: `${[same, ...notes].join('; ')}.`,
  };
}

/** Bands only: what is predicted lies between. */
function briefWords({ memory, step }: Estimate, before: Estimate): string {
  const parts = [
    memory && `${gib(memory.low)} to ${gib(memory.high)} of ${capacity(memory.capacity)}`,
    step && `${formatSeconds(step.low)} to ${formatSeconds(step.high)} a step`,
  ].filter((it) => it !== null);
  const was = before.step && step ? `, was about ${formatSeconds(before.step.seconds)}` : '';
  return parts.join(' · ') + was;
}

/** What a run needs and takes, in one line; with what the step took `before`. */
export function figureWords({ memory, host, step }: Estimate, before?: Estimate): string {
  const parts = [
    memory && `${formatGib(memory.value)} (${gib(memory.low)} to ${gib(memory.high)}) of ${capacity(memory.capacity)}`,
    host && `host ${formatGib(host.bytes)}`,
    step && `${formatSeconds(step.seconds)} a step (${formatSeconds(step.low)} to ${formatSeconds(step.high)})`,
  ].filter((it) => it !== null);
  const was = before?.step && step ? `, was ${formatSeconds(before.step.seconds)}` : '';
  return parts.length === 0 ? 'Memory and step time are not known.' : parts.join(' · ') + was;
}

function gib(bytes: number): string {
  return formatGib(bytes).replace(' GiB', '');
}

function capacity(bytes: number | null): string {
  return bytes === null ? 'an unknown capacity' : formatGib(bytes);
}
