import { valueIfKnown } from '../../run/known';
import { formatGib } from '../../text/format';
import type { Facts } from './facts';
import type { Part } from './part';
import type { Moment } from './phases';

const GIB = 2 ** 30;

/** From what tensors take to what the driver reports. Fitted on measured rows only. */
export interface AllocatorFactors {
  readonly expected: number;
  readonly why: string;
  /** Side streams cache for themselves. */
  readonly streams?: true;
}

/**
 * Reserved ÷ allocated for what comes and goes, with the default allocator. Much the same in three sources that have nothing else
 * in common: median 1.26 in torchtitan's table (H100), 1.14 in BLOOM's prequel (A100), 1.24 in the transformers docs (V100).
 */
const RESERVED = 1.25;
/**
 * What side streams keep beside: tensors that they use are given back late (record_stream in ZeRO-3 and FSDP 1), and each stream
 * caches for itself. Fitted on the reserved memory of gnosia93/training-on-eks (4.1–4.9 GiB over 3.29 allocated, three machines).
 */
const SIDE_STREAMS = { most: 4 * GIB, share: 1.3 };
/** Buffers of one set of NCCL communicators: a prior. */
const COMMUNICATORS = 0.4 * GIB;
/** What it keeps at the least when memory runs out and it gives back what it can. */
const UNDER_PRESSURE = 1.05;

/** How much more the caching allocator reserves than tensors take, for what comes and goes. */
export function allocatorFactors(facts: Facts): AllocatorFactors {
  // Llama-3-8B runs of gnosia93/training-on-eks reserved 6.2–8.2 GiB for 3.29 allocated: gathers of many odd sizes.
  if (facts.sharding.kind === 'zero' && valueIfKnown(facts.sharding.stage) === 3) {
    return { expected: RESERVED, why: 'gathers of many sizes on several streams', streams: true };
  }
  if (facts.expandableSegments) {
    return { expected: 1.04, why: 'expandable segments' };
  }
  if (facts.masked) return { expected: RESERVED, why: 'batches of varying length' };
  if (facts.sharding.kind === 'fsdp' && valueIfKnown(facts.sharding.version) === 1) {
    return { expected: RESERVED, why: 'gathered units on several streams', streams: true };
  }
  if (facts.sharding.kind === 'fsdp') {
    return { expected: RESERVED, why: 'gathered units of many sizes' };
  }
  return { expected: RESERVED, why: 'blocks of many sizes' };
}

/** CUDA context 0.3–0.6 GiB with lazy loading, cuBLAS workspace, and a set of NCCL communicators where ranks talk. */
export function driverBytes(facts: Facts): {
  readonly context: number;
  readonly nccl: number;
  /** Sets of communicators, each with its buffers. */
  readonly sets: number;
  readonly low: number;
  readonly high: number;
} {
  if (facts.driver) {
    const { value, low, high } = facts.driver;
    return { context: value, nccl: 0, sets: 0, low, high };
  }
  const talks = facts.sharding.kind !== 'single' && (facts.gpusPerNode ?? 2) * (facts.nodes ?? 1) > 1;
  const context = (facts.loadsAllKernels ? 1.3 : 0.5) * GIB;
  const sets = talks ? communicators(facts) : 0;
  const nccl = COMMUNICATORS * sets;
  const low = (facts.loadsAllKernels ? 1.0 : 0.35) * GIB + 0.2 * GIB * sets;
  return { context, sets, nccl, low, high: context + 0.3 * GIB + 0.8 * GIB * sets };
}

/**
 * All ranks together, those of each dimension where there are several, and in a pipeline one for each neighbour and for the
 * embedding that first and last stage share (deepspeed/runtime/pipe/topology.py:309-362, p2p.py:59; NCCL joins pairs that send).
 */
function communicators({ tensor, pipeline, context, expert, shards, model }: Facts): number {
  const split = [tensor, pipeline, context, expert].filter((ranks) => ranks > 1).length;
  const data = split > 0 && shards > 1 ? 1 : 0;
  return 1 + split + data + (pipeline > 1 ? 2 + (model.tiedEmbeddings ? 1 : 0) : 0);
}

/** What comes and goes at a moment. */
export interface Moving {
  readonly transient: number;
  /** Of it, single tensors that fill a block of their own. */
  readonly flat: number;
  /** What the cache holds for other moments and this one cannot use. */
  readonly kept: number;
}

/** What comes and goes at a moment whose other bytes stay. */
export function movingOf({ allocated, flat = 0, kept = 0 }: Moment, standing: number): Moving {
  const transient = Math.max(0, allocated - standing);
  return { transient, flat: Math.min(flat, transient), kept };
}

/** What the allocator keeps beside what comes and goes, where there is room. */
export function cacheBytes(factors: AllocatorFactors, { transient, flat, kept }: Moving): number {
  const streams = factors.streams ? Math.min(SIDE_STREAMS.most, SIDE_STREAMS.share * transient) : 0;
  return (factors.expected - 1) * (transient - flat + (flat > 0 ? kept : 0)) + kept + streams;
}

/** The parts beyond what torch calls allocated. */
export function overheadParts(facts: Facts, allocated: number, moving: Moving): Part[] {
  const { transient, kept } = moving;
  const factors = allocatorFactors(facts);
  const driver = driverBytes(facts);
  const room =
    facts.capacity === null ? Number.POSITIVE_INFINITY : facts.capacity - allocated - driver.context - driver.nccl;
  const wanted = cacheBytes(factors, moving);
  const least = (Math.min(factors.expected, UNDER_PRESSURE) - 1) * transient;
  const cached = Math.max(least, Math.min(wanted, room));
  const parts: Part[] = [
    {
      id: 'fragmentation',
      group: 'fragmentation',
      bytes: cached,
      label: () => `cached by the allocator (${factors.why})`,
      formula: () =>
        `${kept > 0 ? `${formatGib(Math.min(kept, cached))} in blocks that single large tensors cannot share + ` : ''}${Math.round((100 * Math.max(0, cached - kept)) / Math.max(1, transient))} % of ${formatGib(transient)} that come and go${cached < wanted ? '; more where there is room' : ''}`,
      source: 'reserved memory published by torchtitan, BLOOM and the transformers docs (docs/accuracy.md)',
      from: [],
    },
    {
      id: 'context',
      group: 'context',
      bytes: driver.context,
      label: () => (facts.driver ? 'CUDA context and NCCL' : 'CUDA context and cuBLAS workspace'),
      formula: () =>
        facts.driver
          ? 'in use by the driver − reserved by the allocator'
          : facts.loadsAllKernels
            ? 'all kernels loaded at once'
            : 'typical for CUDA 12 with lazy loading',
      source: facts.driver
        ? `measured, ${facts.driver.from}`
        : 'estimate: 0.3–0.6 GiB with CUDA 12; 1.3 GiB measured before torch 1.13 (transformers docs perf_train_gpu_one)',
      from: [],
    },
  ];
  if (driver.nccl > 0) {
    parts.push({
      id: 'context.nccl',
      group: 'context',
      bytes: driver.nccl,
      label: () => 'NCCL communicators',
      formula: () =>
        `${driver.sets} × ${formatGib(driver.nccl / driver.sets)} (typical for one set of communicators, 0.2–0.8 GiB)`,
      source: 'estimate, not measured',
      from: [],
    });
  }
  return parts;
}
