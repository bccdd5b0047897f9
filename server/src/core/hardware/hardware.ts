/** An accelerator of the catalog. Decimal units for rates (GB/s, TFLOPS), bytes for memory. */
export interface Accelerator {
  readonly id: string;
  readonly name: string;
  readonly vendor: string;
  readonly architecture: string;
  /** "8.0" for NVIDIA; undefined elsewhere. */
  readonly computeCapability: string | undefined;
  readonly role: string;
  /** What the framework can allocate at most (torch total_memory), not the marketing figure. */
  readonly memoryBytes: number;
  readonly memoryBytesPerSecond: number;
  /** Dense peak by number format, FLOP/s; null where the chip lacks it. */
  readonly peakFlops: Readonly<Record<'fp32' | 'tf32' | 'fp16' | 'bf16' | 'fp8' | 'fp4', number | null>>;
  /** Measured large-matmul rate, FLOP/s, where a public measurement exists. */
  readonly measuredBf16Flops: number | undefined;
  readonly supports: Readonly<Record<string, boolean | string | undefined>>;
  readonly pcieBytesPerSecond: number | undefined;
  readonly sources: readonly string[];
  readonly confidence: string;
  readonly notes: string | undefined;
}

/** How two ranks reach each other; classes A–G of the interconnect reference. */
export type LinkKind =
  | 'nvlink-switch'
  | 'nvlink-rack'
  | 'nvlink-mesh'
  | 'nvlink-bridge'
  | 'xgmi'
  | 'neuronlink'
  | 'ici'
  | 'gaudi-roce'
  | 'pcie-p2p'
  | 'shm'
  | 'efa-gdr'
  | 'efa'
  | 'infiniband'
  | 'roce'
  | 'rdma-host'
  | 'tcp'
  | 'none';

export interface Link {
  readonly kind: LinkKind;
  /** Bus bandwidth per GPU and direction that a large collective sees, bytes/s, with its band. */
  readonly bytesPerSecond: number;
  readonly low: number;
  readonly high: number;
  /** Seconds per hop of a collective. */
  readonly latencySeconds: number;
  /** GPUs (inside a node) or nodes that this link joins at this speed. */
  readonly domain: number;
  /** Where the figures come from, for the breakdown. */
  readonly source: string;
  /** As shown to people: `NVSwitch 300 GB/s`, `PCIe without peer-to-peer (SHM)`. */
  readonly label: string;
}

export interface Host {
  readonly memoryBytes: number | undefined;
  readonly vcpus: number | undefined;
  readonly cpuName: string | undefined;
  readonly arch: 'x86_64' | 'arm64' | undefined;
  readonly sockets: number | undefined;
  readonly memoryBytesPerSecondPerSocket: number | undefined;
  /** SIMD path DeepSpeed's CPU-Adam takes here. */
  readonly simd: 'avx512' | 'avx2' | 'scalar' | undefined;
  /** Host-to-device rate per GPU with all GPUs busy (shared uplinks counted), pinned memory, bytes/s. */
  readonly pcieBytesPerSecondPerGpu: number;
  readonly pcieLabel: string;
  readonly nvmeBytes: number | undefined;
  readonly nvmeReadBytesPerSecond: number | undefined;
  readonly nvmeWriteBytesPerSecond: number | undefined;
}

/** Nodes × instance, with the links inside a node and between nodes: what a run is placed on. */
export interface Cluster {
  /** As shown: `4 × A100-40GB (p4d.24xlarge)`. */
  readonly label: string;
  readonly id: string;
  readonly accelerator: Accelerator;
  readonly nodes: number;
  /** GPUs used per node, at most {@link gpusInNode}. */
  readonly gpusPerNode: number;
  readonly gpusInNode: number;
  readonly host: Host;
  /** Between the GPUs that one process group uses inside a node. */
  readonly intra: Link;
  /** Between nodes; `none` for one node. */
  readonly inter: Link;
  /** USD per hour of one node, where dated. */
  readonly pricePerNodeHour: { readonly usd: number; readonly asOf: string; readonly region: string } | undefined;
  readonly assumptions: readonly string[];
}
