import { valueIfKnown } from '../../run/known';
import { counted } from '../../text/format';
import type { Hiding } from './draft';
import { bytesOf, type TimeFacts } from './facts';
import { gathersPerMicroStep } from './gathers';
import type { Dimension } from './placement';
import type { Flow } from './traffic';

/** Sources of the volumes, as terms show them. */
export const ZERO_SOURCE = 'Rajbhandari et al. 2020 (ZeRO, arXiv 1910.02054) §7';
export const FSDP_SOURCE = 'Zhao et al. 2023 (PyTorch FSDP, arXiv 2304.11277) §3';
export const ZEROPP_SOURCE = 'Wang et al. 2023 (ZeRO++, arXiv 2306.10209) §3';

export interface GatherPlan {
  /** Collectives of one pass over the model. */
  readonly calls: number;
  readonly ranks: number;
  readonly hides: Hiding;
  readonly dimension: Dimension;
  /** One pass only: under hpZ the forward gathers over all ranks, the backward inside the secondary group. */
  readonly part?: 'forward' | 'backward';
}

/** The all-gathers of sharded weights in one optimizer step. */
export function gatherFlow(facts: TimeFacts, { calls, ranks, hides, dimension, part }: GatherPlan): Flow[] {
  const { accumulation } = facts;
  const gathers = gathersPerMicroStep(facts);
  const passes = (whole: number): number =>
    part === 'forward' ? 1 : part === 'backward' ? Math.max(0, whole - 1) : whole;
  const { blocks, outside } = gatheredBytes(facts, part);
  const bytes = passes(gathers.blocks) * blocks + passes(gathers.outside) * outside;
  if (bytes <= 0 || ranks <= 1) return [];
  const passCalls = calls * passes(gathers.blocks);
  const why = gathers.third === undefined ? '' : `; a third because ${gathers.third}`;
  return [
    {
      id: part === 'backward' ? 'communication.gather-weights-again' : 'communication.gather-weights',
      label: `all-gather of weights over ${ranks} ranks, ${passes(gathers.blocks)} × per micro-step`,
      dimension,
      collective: 'all-gather',
      ranks,
      bytesPerCall: bytes / passCalls,
      calls: passCalls * accumulation,
      hides,
      formula: `${counted(accumulation, 'micro-step')} × (${passes(gathers.blocks)} × ${gigabytes(blocks)} of blocks + ${passes(gathers.outside)} × ${gigabytes(outside)})${why}`,
      source: facts.sharding.kind === 'fsdp' ? FSDP_SOURCE : part === undefined ? ZERO_SOURCE : ZEROPP_SOURCE,
    },
  ];
}

/** Bytes of all gathered weights on one tensor, pipeline and expert rank. */
export function gatheredBytes(facts: TimeFacts, part?: 'forward' | 'backward'): { blocks: number; outside: number } {
  const { parameters, sharding, run, weightBytes } = facts;
  const stored = run.quantization && valueIfKnown(run.quantization);
  // qwZ gathers 8-bit weights in the forward pass; quantised base weights travel packed.
  const packed = sharding.kind === 'zero' && valueIfKnown(sharding.quantizedWeights) === true && part !== 'backward';
  const each = stored !== undefined ? bytesOf(stored) : packed ? 1 : weightBytes;
  const inBlocks = parameters.total > 0 ? parameters.blocks / parameters.total : 0;
  return { blocks: parameters.onRank * inBlocks * each, outside: parameters.onRank * (1 - inBlocks) * weightBytes };
}

/** Bytes in words, in decimal units as links are sold: `12.3 GB`. */
export function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(bytes < 10e9 ? 2 : 1)} GB`;
}
