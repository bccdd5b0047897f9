import type { Origin } from '../run/known';

/** A predicted figure with its band: 90 % of runs of this class are expected between low and high. */
export interface Quantity {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** One line of the bill. */
export interface Term {
  /** Stable id, as `optimizer.moments`. */
  readonly id: string;
  /** As shown: `Adam moments, fp32, sharded over 4 ranks`. */
  readonly label: string;
  readonly bytes: number;
  /** The formula with its numbers filled in: `8 B × 8.03 B parameters ÷ 4 ranks`. */
  readonly formula: string;
  /** Paper, file or measurement behind the formula. */
  readonly source: string;
  readonly group: MemoryGroup;
  /** Inputs it was computed from, so the view can jump to the key. */
  readonly from: readonly Origin[];
}

export type MemoryGroup =
  | 'parameters'
  | 'gradients'
  | 'optimizer'
  | 'activations'
  | 'logits'
  | 'buffers'
  | 'context'
  | 'fragmentation';

export type Phase = 'load' | 'step' | 'eval' | 'save';

export interface PhaseMemory {
  /** Allocator's reserved peak plus context: what must fit. */
  readonly bytes: number;
  /** What `torch.cuda.max_memory_allocated` would report. */
  readonly allocated: number;
  /** The moment inside the phase that peaks: `start of backward`, `optimizer step`. */
  readonly moment: string;
  readonly terms: readonly Term[];
}

export interface MemoryEstimate extends Quantity {
  readonly capacity: number | null;
  /** true only if `high` fits, false only if `low` does not, else null: too close to call, or no capacity known. */
  readonly fits: boolean | null;
  /** Where `fits` is null because of what is not known, and not because it is close: `micro-batch is not known`. A clause without a stop. */
  readonly open?: string;
  /** Where it cannot be told, what would decide it: an input to know, or a measurement. A clause without a stop. */
  readonly decides?: string;
  readonly phase: Phase;
  readonly allocated: number;
  /** Paged optimizer state that is on the host, since this GPU has no room for it. */
  readonly spilled?: number;
  /** The log and line, as `run.log:123`, where the peak of this very run was measured. */
  readonly measured?: string | undefined;
  readonly breakdown: Readonly<Record<MemoryGroup, number>>;
  readonly phases: Readonly<Record<Phase, PhaseMemory | null>>;
}

export interface HostMemoryEstimate {
  readonly bytes: number;
  /** When that much is needed. */
  readonly moment: 'loading' | 'training' | 'saving';
  readonly low: number;
  readonly high: number;
  readonly capacity: number | null;
  readonly fits: boolean | null;
  readonly terms: readonly Term[];
}

export interface TimeTerm {
  readonly id: string;
  readonly label: string;
  readonly seconds: number;
  readonly formula: string;
  readonly source: string;
  readonly group: 'compute' | 'communication' | 'offload' | 'optimizer';
  /** Hidden behind another term; shown, but not added. */
  readonly overlapped: boolean;
  /** What it moves, where it moves something; of a term that is partly hidden, each part has its share. */
  readonly traffic?: Traffic | undefined;
}

/** Bytes that a term of the step sends over a link. */
export interface Traffic {
  /** `inter` for groups that span nodes. */
  readonly link: 'intra' | 'inter' | 'host' | 'nvme';
  /** Of one GPU; of one node for NVMe, whose drives are shared. Of a group that spans nodes, what leaves the node. */
  readonly bytes: number;
  /** Of a group that spans nodes, what each GPU sends inside the node as well. */
  readonly inside?: number | undefined;
}

export interface StepEstimate {
  /** What this very run took; every other field stays as predicted, since runs beside it are compared with those. */
  readonly measured?: (Quantity & { readonly from: string }) | undefined;
  readonly seconds: number;
  readonly low: number;
  readonly high: number;
  readonly tokensPerSecondPerGpu: number;
  readonly mfu: number;
  /** As shown: `host link (PCIe)`, `CPU optimizer`, `network between nodes`, `GPU compute`. */
  readonly bottleneck: string;
  readonly breakdown: Readonly<Record<'compute' | 'communication' | 'offload' | 'optimizer', number>>;
  readonly terms: readonly TimeTerm[];
}

/** One parallel dimension on the link it will use. */
export interface LinkVerdict {
  readonly dimension: 'tensor' | 'pipeline' | 'context' | 'expert' | 'data' | 'shard';
  readonly ranks: number;
  readonly crossesNodes: boolean;
  readonly link: string;
  readonly bytesPerSecond: number;
  readonly verdict: 'good' | 'caution' | 'bad';
  /** `NVSwitch 300 GB/s: good`, `crosses nodes, 12.5 GB/s: 14× slower`. */
  readonly label: string;
  /** Communication seconds this dimension costs per step, before overlap. */
  readonly seconds: number | undefined;
}

/** What an offload block costs, and whether it is needed. */
export interface OffloadVerdict {
  readonly what: 'optimizer' | 'param' | 'fsdp';
  readonly hostBytesPerNode: number;
  readonly secondsPerStep: number;
  readonly fitsWithout: boolean | null;
  readonly gpuBytesWithout: number;
  readonly stepSecondsWithout: number | undefined;
}

export interface Assumption {
  readonly what: string;
  readonly value: string;
  readonly because: string;
}

/** A figure that cannot be known is null, and its reason is among the assumptions. */
export interface Estimate {
  readonly memory: MemoryEstimate | null;
  readonly host: HostMemoryEstimate | null;
  readonly checkpoint: { readonly bytes: number; readonly terms: readonly Term[] } | null;
  readonly step: StepEstimate | null;
  readonly links: readonly LinkVerdict[];
  readonly offloads: readonly OffloadVerdict[];
  readonly assumptions: readonly Assumption[];
}
