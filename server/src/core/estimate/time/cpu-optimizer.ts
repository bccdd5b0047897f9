import { valueIfKnown } from '../../run/known';
import { isAtLeast, statedVersion } from '../../schema/versions';
import { formatParameters, formatRate } from '../../text/format';
import type { Draft } from './draft';
import type { TimeFacts } from './facts';
import type { OffloadFacts } from './offload';
import { shareOnGpu, steppedParameters } from './optimizer';

/** Adam reads weight, both moments and gradient in fp32 and writes weight and moments back (hardware catalog, `cpu_adam_bytes_per_param`). */
const ADAM_BYTES = 28;
/** Unscaling and clipping multiply every gradient in place (deepspeed runtime/zero/stage3.py unscale_and_clip_grads). */
const CLIP_BYTES = 8;
/** The 16-bit copy that the GPU will read: 4 bytes read, 2 written. */
const CAST_BYTES = 6;

/**
 * Bytes that one thread moves, by the SIMD path that CPU-Adam was built for. One thread is bound by its instructions, so half the
 * width is half the rate. Fitted on gnosia93/training-on-eks: 12 GB/s on Xeon 8275CL (AVX-512, p4d) and 6 on EPYC 7R13 (AVX2, p5 and
 * g6e), where H100 steps take longer than A100 steps for that; which path was built is in its logs. The scalar loop is a prior.
 */
const THREAD_BYTES_PER_SECOND = { avx512: 12e9, avx2: 6e9, scalar: 3e9 } as const;

/** Share of a socket's data-sheet memory bandwidth that CPU-Adam reaches with all cores (calibrated on ZeRO-Offload table 4; hardware catalog). */
const SOCKET_EFFICIENCY = 0.45;
/** Data-sheet bandwidth taken where the CPU is not known: eight channels of DDR4-3200 have 205 GB/s, six of DDR4-2933 141. */
const UNKNOWN_SOCKET_BYTES_PER_SECOND = 140e9;
const UNKNOWN_CORES = 16;

/** torch's own AdamW on the CPU against DeepSpeed's: 3–6 times slower per parameter. */
const TORCH_SLOWDOWN = 4;
const TORCH_FUSED_SLOWDOWN = 1.3;

/** How many threads each rank's CPU-Adam gets, and why. */
export interface Threads {
  readonly count: number;
  readonly because: string;
}

/**
 * OMP_NUM_THREADS. torchrun sets 1 when it starts several processes, as accelerate does by default; the deepspeed launcher
 * leaves it alone, and torch then takes every core on each rank. One process gets every core.
 */
export function cpuThreads({ run, ompThreads, gpusPerNode, cluster }: TimeFacts): Threads {
  if (ompThreads !== undefined) return { count: ompThreads, because: 'OMP_NUM_THREADS' };
  const given = cluster.cpuThreadsPerProcess;
  if (given !== undefined) return { count: given, because: 'the cluster description' };
  if (gpusPerNode > 1 && valueIfKnown(run.consumer) !== 'deepspeed') {
    return {
      count: 1,
      because: 'torchrun and accelerate launch set OMP_NUM_THREADS=1 when they start several processes',
    };
  }
  return { count: cores(cluster.host), because: 'nothing sets OMP_NUM_THREADS: torch takes every core' };
}

function cores({ vcpus, coresPerSocket, sockets }: TimeFacts['cluster']['host']): number {
  if (vcpus !== undefined) return Math.max(1, Math.floor(vcpus / 2));
  return coresPerSocket === undefined ? UNKNOWN_CORES : coresPerSocket * (sockets ?? 1);
}

/** Bytes per second that one rank's optimizer moves through host memory. */
function cpuOptimizerRate(facts: TimeFacts): number {
  const { host } = facts.cluster;
  const { count } = cpuThreads(facts);
  const busy = Math.min(count, Math.max(1, cores(host) / facts.gpusPerNode));
  const sockets = host.sockets ?? 1;
  const node = SOCKET_EFFICIENCY * sockets * (host.memoryBytesPerSecondPerSocket ?? UNKNOWN_SOCKET_BYTES_PER_SECOND);
  const ranks = facts.gpusPerNode * facts.cluster.nodesPerMachine;
  return Math.min(busy * THREAD_BYTES_PER_SECOND[host.simd ?? 'avx2'], node / ranks);
}

/** The optimizer step on the CPU: bound by host memory, and by one core where there is one thread. */
export function cpuOptimizerDraft(facts: TimeFacts, { optimizer }: OffloadFacts): Draft | undefined {
  const stepped = steppedParameters(facts) * (1 - shareOnGpu(facts));
  if (optimizer === 'none' || stepped <= 0) return undefined;
  const rate = cpuOptimizerRate(facts);
  const bytes = ADAM_BYTES + CLIP_BYTES + CAST_BYTES;
  const slower = slowdown(facts);
  const seconds = (stepped * bytes * slower) / rate;
  const { count } = cpuThreads(facts);
  return {
    id: 'optimizer.cpu',
    label: `optimizer step on the CPU, ${count} thread${count === 1 ? '' : 's'} per rank`,
    seconds,
    ...(isCpuKnown(facts)
      ? { band: { low: seconds * 0.6, high: seconds * 1.7 } }
      : { band: { low: seconds * 0.4, high: seconds * 3 }, assumes: UNKNOWN_CPU }),
    formula: `${formatParameters(stepped)} parameters × (${ADAM_BYTES} B Adam + ${CLIP_BYTES} B clip + ${CAST_BYTES} B cast)${slower === 1 ? '' : ` × ${slower}`} ÷ ${formatRate(rate)} (${SIMD_NAMES[facts.cluster.host.simd ?? 'avx2']}, ${threadWords(facts)})`,
    source: 'deepspeed csrc/adam/cpu_adam_impl.cpp',
    group: 'optimizer',
    cause: 'CPU optimizer',
    hides: besideWhat(facts),
  };
}

const SIMD_NAMES = { avx512: 'AVX-512', avx2: 'AVX2', scalar: 'scalar loop' } as const;

/** What decides the threads: the variable, whoever set it, or nothing. */
function threadWords(facts: TimeFacts): string {
  const { count, because } = cpuThreads(facts);
  return because.includes('nothing sets') ? 'a thread for each core' : `OMP_NUM_THREADS=${count}`;
}

const UNKNOWN_CPU: Draft['assumes'] = {
  what: 'CPU of the node',
  value: `AVX2, ${UNKNOWN_SOCKET_BYTES_PER_SECOND / 1e9} GB/s for each socket`,
  because: 'which CPU it is, or how fast its scalar loop, is not known',
};

function isCpuKnown({ cluster: { host } }: TimeFacts): boolean {
  return host.memoryBytesPerSecondPerSocket !== undefined && host.simd !== undefined && host.simd !== 'scalar';
}

/**
 * SuperOffload and ZenFlow step while the GPUs compute; DeepSpeed's own path and FSDP wait. So does SuperOffload where gradients are
 * clipped: it then needs the norm of all of them first (superoffload_stage3.py:167, 0.19.8; 0.18 stepped ahead, and back where it clipped).
 */
function besideWhat({ sharding, run }: TimeFacts): Draft['hides'] {
  const beside = sharding.kind === 'zero' && sharding.cpuStepBeside ? valueIfKnown(sharding.cpuStepBeside) : undefined;
  const stated = statedVersion(run, 'deepspeed');
  const waits = valueIfKnown(run.gradientClipping) !== 0 && (stated === undefined || isAtLeast(stated, '0.19'));
  if (beside === 'backward') return waits ? 'never' : 'cpu-beside-last-backward';
  return beside === 'steps' ? 'cpu-beside-compute' : 'never';
}

function slowdown({ sharding, run }: TimeFacts): number {
  if (sharding.kind !== 'fsdp') return 1;
  return valueIfKnown(run.optimizer.implementation) === 'fused' ? TORCH_FUSED_SLOWDOWN : TORCH_SLOWDOWN;
}
