import { countActivations } from './activations';
import type { Transients } from './buffers';
import type { Facts } from './facts';
import { weightGradient } from './gradients';
import { headFactors, logitsPart } from './loss-head';
import type { Part } from './part';
import { type Moment, moment, scaled, stepMoment } from './phases';
import type { States } from './states';

/**
 * Moments of a run with pipeline stages: the first stage has the embedding and the most micro-batches under way, the last has the
 * loss and one. Gradients are reduced after the last backward, when no activations are left: deepspeed/runtime/pipe/engine.py,
 * `_exec_reduce_grads`, and schedule.py, TrainSchedule.
 */
export function pipelineMoments(facts: Facts, states: States, transients: Transients): Moment[] {
  const first = countActivations(facts);
  const last = countActivations({ ...facts, accumulation: 1 });
  const head = headFactors(facts);
  const accumulated = states.accumulated ?? states.gradients;
  const gradients = accumulated === undefined || facts.optimizer.layerwise === true ? [] : [accumulated];
  const standing = [...states.resident, ...states.standing, ...gradients];
  const made = weightGradient(facts, states).made;
  const underWay = Math.min(facts.accumulation, facts.pipeline);
  const casts = (part: Part | undefined): Part[] => (part === undefined ? [] : [part]);
  const beforeLoss = [...standing, ...casts(last.casts), ...casts(last.headCasts), last.saved, ...transients.loss];
  return [
    moment('step', 'backward of the last block, first stage', [
      ...standing,
      ...casts(first.casts),
      first.saved,
      first.working,
    ]),
    moment('step', 'gradient of the embedding, first stage', [
      ...standing,
      ...casts(first.casts),
      ...scaled(first.saved, 1 - 1 / underWay),
      ...made,
    ]),
    moment('step', 'loss, last stage', [...beforeLoss, logitsPart(facts, head.forward, 'in forward')]),
    moment('step', 'start of backward, last stage', [
      ...beforeLoss,
      logitsPart(facts, head.backward, 'at the start of backward'),
    ]),
    moment('step', 'gradient of the head, last stage', [
      ...beforeLoss,
      logitsPart(facts, head.weightGradient, 'gradient'),
      ...made,
    ]),
    moment('step', 'first bucket reduced', [...standing, ...transients.reduce]),
    moment('step', 'last bucket reduced', [...states.resident, ...states.standing, ...transients.end]),
    stepMoment(facts, states, transients),
  ];
}
