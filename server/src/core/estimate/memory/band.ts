import { allocatorFactors, driverBytes } from './allocator';
import type { Facts } from './facts';
import { familyTraits } from './families';
import type { Moment } from './phases';

/** Low and high of what must fit, for one set of inputs. */
export interface Band {
  readonly low: number;
  readonly high: number;
}

/**
 * The band of a moment. States are arithmetic and exact; what comes and goes carries the error of the count (see
 * {@link countError}) and the allocator's; context and NCCL have their own spread.
 */
export function momentBand(facts: Facts, moment: Moment, standing: number): Band {
  const factors = allocatorFactors(facts);
  const driver = driverBytes(facts);
  const error = countError(facts);
  const transient = Math.max(0, moment.allocated - standing);
  const fixed = Math.min(standing, moment.allocated);
  const high = fixed + transient * (1 + error) * factors.high + driver.high;
  const relaxed = fixed + transient * (1 + error) * factors.relaxed + driver.high;
  // A cache that grows only where there is room must not make a run that fits look as if it might not.
  return {
    low: fixed + transient * (1 - error) * factors.low + driver.low,
    high: facts.capacity === null ? relaxed : Math.min(relaxed, Math.max(high, facts.capacity)),
  };
}

/** Share by which the counted activations and buffers may be off, from the residuals against the oracle (test/oracle). */
function countError(facts: Facts): number {
  const { blocks } = facts.model;
  let error = 0.05;
  if (!familyTraits(facts.model.modelType).isKnown) error += 0.2;
  // Cross attention and position biases of encoder-decoder models are not counted: up to 0.7 too low against T5.
  if (isEncoderDecoder(facts)) error += 0.5;
  if (facts.compiled) error += 0.15;
  if (facts.checkpointing === 'selective') error += 0.2;
  if (facts.fusedLoss) error += 0.05;
  if (facts.tensor > 1 || facts.pipeline > 1 || facts.expert > 1) error += 0.15;
  if (blocks.some((block) => block.mlp?.moe !== undefined)) error += 0.1;
  if (blocks.some((block) => block.tower === 'vision' || block.tower === 'audio')) error += 0.2;
  if (facts.quantization !== undefined) error += 0.1;
  return error;
}

/** Models with cross attention, which has not been counted. */
export function isEncoderDecoder(facts: Facts): boolean {
  const { blocks } = facts.model;
  return blocks.some((block) => block.tower === 'encoder') && blocks.some((block) => block.tower === 'text');
}
