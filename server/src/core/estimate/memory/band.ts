import { valueIfKnown } from '../../run/known';
import { allocatorFactors, cacheBytes, driverBytes, movingOf } from './allocator';
import { isEncoderDecoder } from './blocks';
import type { Facts } from './facts';
import type { Moment } from './phases';
import { choosesOperators } from './recompute';
import { isCounted } from './recorded';
import { RESIDUALS, type ResidualClass } from './residuals';
import { seesEverySample } from './symbols';

/** Low and high of what must fit, for one set of inputs. */
export interface Band {
  readonly low: number;
  readonly high: number;
}

/** What the allocator keeps over what is allocated when memory runs out, at the least and at the most. */
const UNDER_PRESSURE = { low: 1.02, high: 1.15 };

/**
 * The band of a moment. States are arithmetic and exact; what comes and goes has the residuals of the nearest measured class
 * (residuals.ts), widened where nothing was measured; context and NCCL have their own spread.
 */
export function momentBand(facts: Facts, moment: Moment, standing: number): Band {
  const driver = driverBytes(facts);
  const { counted, reserved } = residualsOf(facts);
  const unmeasured = unmeasuredError(facts);
  const transient = Math.max(0, moment.allocated - standing);
  const fixed = Math.min(standing, moment.allocated);
  const roomy = transient + cacheBytes(allocatorFactors(facts), movingOf(moment, standing));
  const least = Math.min(transient * counted.low * UNDER_PRESSURE.low, roomy * reserved.low);
  const tight = fixed + transient * counted.high * (1 + unmeasured) * UNDER_PRESSURE.high + driver.high;
  const relaxed = Math.max(fixed + roomy * reserved.high * (1 + unmeasured) + driver.high, tight);
  // A cache that grows only where there is room must not make a run that fits look as if it might not.
  return {
    low: fixed + least * (1 - unmeasured) + driver.low,
    high: facts.capacity === null ? relaxed : Math.min(relaxed, Math.max(tight, facts.capacity)),
  };
}

/** The band of what torch calls allocated: states are exact, what comes and goes has the residuals of its class. */
export function countedBand(facts: Facts, moment: Moment, standing: number): Band {
  const { counted } = residualsOf(facts);
  const unmeasured = unmeasuredError(facts);
  const fixed = Math.min(standing, moment.allocated);
  const transient = moment.allocated - fixed;
  return {
    low: fixed + transient * counted.low * (1 - unmeasured),
    high: fixed + transient * counted.high * (1 + unmeasured),
  };
}

/** As {@link momentBand}, where what is allocated was measured: only the cache, context and NCCL are left open. */
export function allocatedBand(facts: Facts, allocated: Band & { readonly value: number }, standing: number): Band {
  const driver = driverBytes(facts);
  const { reserved } = residualsOf(facts);
  const fixed = Math.min(standing, allocated.value);
  const transient = allocated.value - fixed;
  const roomy = transient + cacheBytes(allocatorFactors(facts), { transient, flat: 0, kept: 0 });
  const least = fixed + Math.min(transient * UNDER_PRESSURE.low, roomy * reserved.low);
  const tight = allocated.high + transient * (UNDER_PRESSURE.high - 1) + driver.high;
  const relaxed = Math.max(fixed + roomy * reserved.high + driver.high, tight);
  return {
    low: Math.max(allocated.low, least) + driver.low,
    high: facts.capacity === null ? relaxed : Math.min(relaxed, Math.max(tight, facts.capacity)),
  };
}

/** The nearest class that published runs were measured in. */
export function residualClass(facts: Facts): ResidualClass {
  if (facts.tensor > 1 || facts.pipeline > 1 || facts.expert > 1) return 'split';
  if (facts.quantization !== undefined) return 'quantised';
  if (facts.compiled) return 'compiled';
  return allocatorFactors(facts).streams === true ? 'streams' : 'plain';
}

function residualsOf(facts: Facts): (typeof RESIDUALS)[ResidualClass] {
  return RESIDUALS[residualClass(facts)];
}

/** Share by which counts may be off where neither the oracle nor a published run has the like; a judgement, not a measurement. */
function unmeasuredError(facts: Facts): number {
  const { blocks } = facts.model;
  let error = 0;
  if (!isCounted(facts)) error += 0.2;
  // Cross attention was counted on T5 alone, and the lengths of input and output are taken to be the same.
  if (isEncoderDecoder(facts)) error += 0.1;
  const isMegatron = facts.sharding.kind === 'megatron';
  // Of Megatron its own layers were counted, and those of Transformer Engine read.
  if (isMegatron) error += 0.1;
  else if (choosesOperators(facts)) error += 0.2;
  if (facts.savedOnHost !== 'nothing') error += 0.1;
  if (facts.fusedLoss) error += 0.05;
  if (facts.lora?.isDora === true) error += 0.05;
  if (blocks.some((block) => block.mlp?.moe !== undefined)) error += 0.1;
  // Nobody balances the experts: the fullest rank has 1.2 to 2 times its share (estimation §3.3).
  if (facts.expert > 1) error += 0.3;
  // Without the limiter as many units are gathered as the CPU runs ahead: 3 to 5 times the reserved memory was seen (estimation §3.5).
  if (facts.sharding.kind === 'fsdp' && valueIfKnown(facts.sharding.limitAllGathers) === false) error += 0.5;
  // Without the packages that kernels.ts takes as installed, such blocks keep more than was counted.
  if (facts.model.recorded?.kernels !== undefined && facts.model.recorded.plain === undefined) error += 0.2;
  if (!blocks.every((block) => seesEverySample(facts.model, block))) error += 0.2;
  return Math.min(error, 0.9);
}
