import type { TrainingRun } from '../../run/training-run';
import type { Phase, Term } from '../estimate';
import { movingOf, overheadParts } from './allocator';
import { evalMoments } from './evaluation';
import { type Facts, readFacts } from './facts';
import { type Part, sumBytes, toTerm } from './part';
import { loadMoment, type Moment, saveMoment, trainingMoments } from './phases';
import { pipelineMoments } from './pipeline';
import { heldBeside, preferenceMoments, referenceForward } from './preference';
import { persistentStates, standingOf } from './states';
import { shardingTransients } from './transients';

/** Every moment of a run that can peak, and the bytes that stay or come back in the same places through all of them. */
export function momentsOf(facts: Facts): { readonly moments: readonly Moment[]; readonly standing: number } {
  const states = persistentStates(facts);
  const transients = shardingTransients(facts);
  const training = facts.pipeline > 1 ? pipelineMoments : trainingMoments;
  const moments = [...training(facts, states, transients), loadMoment(facts, states)];
  if (facts.evaluates) moments.push(...evalMoments(facts, states, transients));
  if (facts.saves) moments.push(saveMoment(states, transients));
  const loss = moments.find(({ name }) => name.startsWith('loss'));
  moments.push(...preferenceMoments(facts, states), ...referenceForward(facts, loss));
  const standing = standingOf(facts, states);
  const beside = heldBeside(facts);
  const held = sumBytes(beside);
  const all =
    beside.length === 0
      ? moments
      : moments.map((it) => ({ ...it, parts: [...beside, ...it.parts], allocated: it.allocated + held }));
  return { moments: withKept(facts, all, standing + held), standing: standing + held };
}

/**
 * A tensor of gigabytes fits in no block that activations left in the cache, and theirs are not given back for it: both are
 * reserved, unless segments can grow. Seen where one rank has much of the optimizer: BLOOM's prequel with one and two replicas
 * (docs/accuracy.md); c10/cuda/CUDACachingAllocator.cpp never joins segments.
 */
function withKept(facts: Facts, moments: readonly Moment[], standing: number): readonly Moment[] {
  const flat = moments.reduce((most, it) => Math.max(most, it.flat ?? 0), 0);
  if (flat === 0 || facts.expandableSegments) return moments;
  const moving = (it: Moment): number => Math.max(0, it.allocated - standing);
  const others = moments.filter(({ phase, flat }) => phase === 'step' && flat === undefined);
  const cached = others.reduce((most, it) => Math.max(most, moving(it)), 0);
  return moments.map((it) => {
    if (it.phase !== 'step') return it;
    return { ...it, kept: it.flat === undefined ? flat : Math.max(0, cached - (moving(it) - it.flat)) };
  });
}

/** What is reserved beside a moment's tensors, and what the driver adds. */
export function overheadOf(facts: Facts, moment: Moment, standing: number): readonly Part[] {
  return overheadParts(facts, moment.allocated, movingOf(moment, standing));
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
  const overhead = overheadOf(facts, moment, standing);
  return [...moment.parts, ...overhead].filter(({ bytes }) => bytes > 0).map(toTerm);
}
