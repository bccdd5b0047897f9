import type { Path } from '../../source';
import type { Transport } from '../records';

/** Where a value was read: the line, counted from 1, and its words. */
export interface Origin {
  readonly path: Path;
  readonly line: number;
  readonly text: string;
}

export interface Fact<T> {
  readonly value: T;
  readonly origin: Origin;
}

/** The programs whose output is read. */
export type Format =
  | 'NCCL log'
  | 'NCCL topology XML'
  | 'nvidia-smi topo -m'
  | 'nvidia-smi topo -p2p'
  | 'nvidia-smi -q'
  | 'nvidia-smi --query-gpu'
  | 'nvidia-smi'
  | 'nvidia-smi -L'
  | 'rocm-smi'
  | 'neuron-ls'
  | 'lscpu'
  | '/proc/meminfo';

/** How two GPUs of a node are joined on the board, best first; `mixed` links join some pairs only. */
export type Wiring = 'nvlink' | 'nvlink-pairs' | 'xgmi' | 'xgmi-pairs' | 'pcie-switch' | 'host-bridge' | 'sockets';

export interface GpuLink {
  readonly wiring: Wiring;
  /** Links of one GPU, where the source counts them (`NV12`). */
  readonly links: number | undefined;
  /** What NCCL counts for all links of one GPU, GB/s and direction. */
  readonly modelGBps: number | undefined;
  readonly switched: boolean;
  /** GPUs of the smallest block whose members all reach each other. */
  readonly block: number;
}

export interface PcieLink {
  readonly generation: 3 | 4 | 5 | 6;
  readonly lanes: 1 | 2 | 4 | 8 | 16;
  /** NCCL's model, where the same figure is two kinds of slot; not read from the device. */
  readonly modelled: boolean;
}

/** How bytes went between two ranks of a node, as a log shows it. */
export type InsideTransport = 'p2p' | 'shm' | 'net';

/** What one source, or several merged, say about one node and the network. Absent is not said. */
export interface Facts {
  /** The instance type, as the machine names itself. */
  instance?: Fact<string> | undefined;
  /** Full product name, `NVIDIA A100-SXM4-40GB`. */
  gpuName?: Fact<string> | undefined;
  /** Another product name seen among the GPUs. */
  otherGpuName?: Fact<string> | undefined;
  gpuMemoryMiB?: Fact<number> | undefined;
  computeCapability?: Fact<string> | undefined;
  /** Of chips that have no compute capability: `CDNA3`. */
  architecture?: Fact<string> | undefined;
  /** GPUs of the machine, as its own tools list them. */
  gpusInMachine?: Fact<number> | undefined;
  /** GPUs that the run used on each node. */
  gpusPerNode?: Fact<number> | undefined;
  nodes?: Fact<number> | undefined;
  link?: Fact<GpuLink> | undefined;
  /** Whether peer-to-peer reads work between all GPUs (`topo -p2p r`). */
  peerToPeer?: Fact<boolean> | undefined;
  inside?: Fact<InsideTransport> | undefined;
  pcie?: Fact<PcieLink> | undefined;
  c2c?: Fact<boolean> | undefined;
  cpuName?: Fact<string> | undefined;
  cpuVendor?: Fact<'Intel' | 'AMD' | 'Arm' | 'other'> | undefined;
  vcpus?: Fact<number> | undefined;
  sockets?: Fact<number> | undefined;
  numaNodes?: Fact<number> | undefined;
  hostMemoryGiB?: Fact<number> | undefined;
  /** Cards that are there. */
  nics?: Fact<number> | undefined;
  /** Cards that a node's ranks used. */
  nicsUsed?: Fact<number> | undefined;
  nicGbps?: Fact<number> | undefined;
  transport?: Fact<Transport> | undefined;
  /** Whether the network cards reached the GPUs' memory. */
  gpudirect?: Fact<boolean> | undefined;
  ncclVersion?: Fact<string> | undefined;
  ompThreads?: Fact<number> | undefined;
  mig?: Fact<boolean> | undefined;
}

/** A remark about what was read, for people. */
export interface Remark {
  readonly message: string;
  readonly origin: Origin | undefined;
}

export interface Reading {
  readonly formats: readonly Format[];
  readonly facts: Facts;
  readonly remarks: readonly Remark[];
}

/** Reads lines of one kind of output; other lines mean nothing to it. Lines come without colours and line end. */
export interface LineReader {
  line(text: string, at: Place): void;
  /** Undefined where nothing was of this kind. */
  done(): Reading | undefined;
}

/** Makes the origin of the line that is being read; only lines that say something pay for it. */
export interface Place {
  origin(text?: string): Origin;
}

const MOST_WORDS = 160;

/** The words of a line as they are shown: one space for many, and cut where they go on for long. */
export function wordsOf(text: string): string {
  const plain = text
    .slice(0, 4 * MOST_WORDS)
    .replace(/\s+/g, ' ')
    .trim();
  return plain.length > MOST_WORDS ? `${plain.slice(0, MOST_WORDS - 1)}…` : plain;
}
