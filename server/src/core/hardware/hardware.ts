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
  /** 0 where not published. */
  readonly memoryBytesPerSecond: number;
  /** Dense peak by number format, FLOP/s; null where the chip lacks it. */
  readonly peakFlops: Readonly<Record<'fp32' | 'tf32' | 'fp16' | 'bf16' | 'fp8' | 'fp4', number | null>>;
  /** Measured large-matmul rate, FLOP/s, where a public measurement exists. */
  readonly measuredBf16Flops: number | undefined;
  readonly supports: Readonly<Record<string, boolean | string | undefined>>;
  /** One direction, of the device; the host's slot may be slower, see {@link Host}. */
  readonly pcieBytesPerSecond: number | undefined;
  readonly pcieGeneration: number | undefined;
  /** The link to the CPU where it is not PCIe (NVLink-C2C), one direction. */
  readonly hostLinkBytesPerSecond: number | undefined;
  readonly formFactor: string;
  /** Cores of a chip of AWS, and how many of them one logical core is by default; undefined for other vendors. */
  readonly neuronCores?: { readonly physical: number; readonly perLogical: number } | undefined;
  /** Where this is one logical core of a chip: how many such cores the chip has. */
  readonly coresPerChip?: number | undefined;
  readonly link: AcceleratorLink;
  /** Date the record was checked. */
  readonly asOf: string;
  readonly sources: readonly string[];
  readonly confidence: string;
  readonly notes: string | undefined;
}

/** What a name like `A100` can mean. */
export interface Meanings {
  /** `A100 could be 40 GB or 80 GB`. */
  readonly words: string;
  /** Of each meaning, the smallest first, none twice. */
  readonly memoryBytes: readonly number[];
}

/** How the chip reaches others of its kind on the boards it is sold on. */
export interface AcceleratorLink {
  readonly path: LinkKind;
  /** NVLink generation. */
  readonly generation: number | undefined;
  /** All links of one chip together, one direction; undefined for PCIe cards. */
  readonly bytesPerSecond: number | undefined;
  readonly maxDomain: number;
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
  /** GPUDirect-TCPX and TCPXO of Google Cloud. */
  | 'tcpx'
  | 'tcp'
  | 'none';

export interface Link {
  readonly kind: LinkKind;
  /**
   * Bus bandwidth per GPU and direction that a large collective sees, bytes/s, with its band. Between nodes it is one GPU's
   * share of the node's cards, so a node with g GPUs in the group carries g times as much. Infinity for `none`, where
   * nothing is sent.
   */
  readonly bytesPerSecond: number;
  readonly low: number;
  readonly high: number;
  /**
   * What a flat ring over every GPU reaches: the same inside a node; between nodes the rate of all cards of the node
   * together, as nccl-tests print it, since the ring enters a node once.
   */
  readonly ringBytesPerSecond: number;
  /** Data-sheet rate per GPU and direction, as vendors print it. */
  readonly wireBytesPerSecond: number;
  /** Seconds per hop of a collective. */
  readonly latencySeconds: number;
  /** How the rate is known; rules must not judge by an `assumed` link. */
  readonly basis: 'measured' | 'fitted' | 'modelled' | 'assumed' | 'given';
  /** GPUs (inside a node) or nodes that this link joins at this speed; see `beyondDomain` of {@link Cluster}. */
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
  /**
   * Host-to-device rate per GPU with all used GPUs busy (shared uplinks counted), large copies from pinned memory, bytes/s
   * and direction. The other direction is as fast and can run at the same time.
   */
  readonly pcieBytesPerSecondPerGpu: number;
  /** The same for copies of one tensor at a time, as ZeRO-3 offload makes them. */
  readonly copyBytesPerSecondPerGpu: number;
  readonly copyLow: number;
  readonly copyHigh: number;
  readonly pcieLabel: string;
  readonly nvmeBytes: number | undefined;
  readonly nvmeReadBytesPerSecond: number | undefined;
  readonly nvmeWriteBytesPerSecond: number | undefined;
  /** GB/s of drives were measured, not counted from the number of drives. */
  readonly nvmeMeasured: boolean;
  /** Memory bandwidth one core can use, and sockets, decide CPU-Adam; cores of one socket. */
  readonly coresPerSocket: number | undefined;
}

/** Nodes × instance, with the links inside a node and between nodes: what a run is placed on. */
export interface Cluster {
  /** As shown: `4 × A100-40GB (p4d.24xlarge)`. */
  readonly label: string;
  readonly id: string;
  readonly accelerator: Accelerator;
  /** Where the name has several meanings that differ in memory: all of them. {@link accelerator} is the one that was taken. */
  readonly meanings?: Meanings | undefined;
  readonly nodes: number;
  /** GPUs used per node, at most {@link gpusInNode}. */
  readonly gpusPerNode: number;
  readonly gpusInNode: number;
  readonly host: Host;
  /** Between the GPUs that one process group uses inside a node. */
  readonly intra: Link;
  /** What joins more GPUs of a node than `intra.domain`, where that is another path: bridged pairs meet over PCIe. */
  readonly beyondDomain: Link | undefined;
  /** Between nodes; `none` for one node. */
  readonly inter: Link;
  /** The links that the machine has, where the launch environment makes the run take others. */
  readonly usual?:
    | (Pick<Cluster, 'intra' | 'inter' | 'nicsPerNode'> & { readonly because: readonly string[] })
    | undefined;
  /** USD per hour of one node, where dated. */
  readonly pricePerNodeHour: { readonly usd: number; readonly asOf: string; readonly region: string } | undefined;
  readonly assumptions: readonly string[];
  /** Catalog id of the instance; undefined for an own node or an accelerator alone. */
  readonly instanceId: string | undefined;
  /** Nodes (pods) of this run that share one machine, and with it memory, CPU and uplinks; {@link host} is one node's share. */
  readonly nodesPerMachine: number;
  /** Network cards each node uses between nodes. */
  readonly nicsPerNode: number | undefined;
  /** CPU threads of each process, where the description gives them (OMP_NUM_THREADS). */
  readonly cpuThreadsPerProcess: number | undefined;
  readonly sources: readonly string[];
}
