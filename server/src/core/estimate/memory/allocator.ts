import { valueIfKnown } from '../../run/known';
import { formatGib } from '../../text/format';
import type { Facts } from './facts';
import type { Part } from './part';

const GIB = 2 ** 30;

/** From what tensors take to what the driver reports. Fitted on measured rows only. */
export interface AllocatorFactors {
  readonly expected: number;
  readonly low: number;
  readonly high: number;
  /** What it may reserve where memory is plenty; it gives that back under pressure. */
  readonly relaxed: number;
  readonly why: string;
}

/** How much more the caching allocator reserves than tensors take, for what comes and goes. */
export function allocatorFactors(facts: Facts): AllocatorFactors {
  // Llama-3-8B runs of gnosia93/training-on-eks reserved 6.2–8.2 GiB for 3.29 allocated: gathers of many odd sizes.
  if (facts.sharding.kind === 'zero' && valueIfKnown(facts.sharding.stage) === 3) {
    return { expected: 1.25, low: 1.02, high: 1.35, relaxed: 2.5, why: 'gathers of many sizes' };
  }
  if (facts.expandableSegments) {
    return { expected: 1.04, low: 1.0, high: 1.1, relaxed: 1.1, why: 'expandable segments' };
  }
  if (facts.masked) return { expected: 1.15, low: 1.02, high: 1.25, relaxed: 1.25, why: 'batches of varying length' };
  if (facts.sharding.kind === 'fsdp') {
    return { expected: 1.12, low: 1.02, high: 1.25, relaxed: 1.25, why: 'gathered units of many sizes' };
  }
  return { expected: 1.1, low: 1.02, high: 1.18, relaxed: 1.18, why: 'fixed shapes' };
}

/** CUDA context 0.3–0.6 GiB with lazy loading, cuBLAS workspace, and a set of NCCL communicators where ranks talk. */
export function driverBytes(facts: Facts): {
  readonly context: number;
  readonly nccl: number;
  /** Sets of communicators: one per dimension of parallelism. */
  readonly sets: number;
  readonly low: number;
  readonly high: number;
} {
  const talks = facts.sharding.kind !== 'single' && (facts.gpusPerNode ?? 2) * (facts.nodes ?? 1) > 1;
  const context = 0.5 * GIB;
  const sets = talks ? communicators(facts) : 0;
  const nccl = 0.4 * GIB * sets;
  return { context, sets, nccl, low: 0.35 * GIB + 0.2 * GIB * sets, high: 0.8 * GIB + GIB * sets };
}

/** Ranks of each dimension talk through communicators of their own. */
function communicators({ tensor, pipeline, context, expert, shards }: Facts): number {
  const split = [tensor, pipeline, context, expert].filter((ranks) => ranks > 1).length;
  return split + (shards > 1 || split === 0 ? 1 : 0);
}

/** The parts beyond what torch calls allocated. */
export function overheadParts(facts: Facts, transient: number): Part[] {
  const factors = allocatorFactors(facts);
  const driver = driverBytes(facts);
  const parts: Part[] = [
    {
      id: 'fragmentation',
      group: 'fragmentation',
      bytes: (factors.expected - 1) * transient,
      label: () => `cached by the allocator (${factors.why})`,
      formula: () => `${Math.round((factors.expected - 1) * 100)} % of ${formatGib(transient)} that come and go`,
      source: 'fitted on reserved memory published by torchtitan, torchtune and fsdp_qlora',
      from: [],
    },
    {
      id: 'context',
      group: 'context',
      bytes: driver.context,
      label: () => 'CUDA context and cuBLAS workspace',
      formula: () => 'typical for CUDA 12 with lazy loading',
      source: 'estimate: 0.3–0.6 GiB with CUDA 12 (Hugging Face measured 1.3 GiB with CUDA 11.2)',
      from: [],
    },
  ];
  if (driver.nccl > 0) {
    parts.push({
      id: 'context.nccl',
      group: 'context',
      bytes: driver.nccl,
      label: () => 'NCCL communicators',
      formula: () => `${driver.sets} × 0.4 GiB, typical for the communicators of one dimension (0.2–1 GiB)`,
      source: 'estimate, not measured',
      from: [],
    });
  }
  return parts;
}
