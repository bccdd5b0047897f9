import type { TrainingRun } from '../../run/training-run';
import type { Phase, Term } from '../estimate';
import { overheadParts } from './allocator';
import { type Facts, readFacts } from './facts';
import { toTerm } from './part';
import { evalMoment, loadMoment, type Moment, saveMoment, trainingMoments } from './phases';
import { pipelineMoments } from './pipeline';
import { persistentStates, standingOf } from './states';
import { shardingTransients } from './transients';

/** Every moment of a run that can peak, and the bytes that stay or come back in the same places through all of them. */
export function momentsOf(facts: Facts): { readonly moments: readonly Moment[]; readonly standing: number } {
  const states = persistentStates(facts);
  const transients = shardingTransients(facts);
  const training = facts.pipeline > 1 ? pipelineMoments : trainingMoments;
  const moments = [...training(facts, states, transients), loadMoment(facts, states)];
  if (facts.evaluates) moments.push(evalMoment(facts, states, transients));
  if (facts.saves) moments.push(saveMoment(states, transients));
  return { moments, standing: standingOf(facts, states) };
}

/**
 * The terms of a moment, whether the run peaks there or not: what a change does to a term is seen at the moment it was read
 * at. As predicted, whatever was measured. Undefined where the run has no such moment, or an input is missing.
 */
export function termsAt(run: TrainingRun, phase: Phase, name: string): readonly Term[] | undefined {
  const facts = readFacts({ ...run, measured: undefined }, 'expected', () => undefined);
  if (facts === undefined) return undefined;
  const { moments, standing } = momentsOf(facts);
  const moment = moments.find((it) => it.phase === phase && it.name === name);
  if (moment === undefined) return undefined;
  const overhead = overheadParts(facts, moment.allocated, Math.max(0, moment.allocated - standing));
  return [...moment.parts, ...overhead].filter(({ bytes }) => bytes > 0).map(toTerm);
}
