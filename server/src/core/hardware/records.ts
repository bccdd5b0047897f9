/**
 * Records of server/data/hardware.json as the server keeps them: the same field names, with units in them. GB are
 * decimal, GiB binary, Gbps bits. An absent field is not published or not found, never zero.
 */
import type { LinkKind } from './hardware';

export interface Sourced {
  readonly id: string;
  readonly sources: readonly string[];
  readonly as_of: string;
  readonly confidence?: string;
  readonly notes?: string;
}

export interface AcceleratorRecord extends Sourced {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly vendor: string;
  readonly architecture: string;
  readonly compute_capability?: string;
  readonly form_factor: string;
  readonly role: string;
  readonly memory: {
    readonly marketing_gb: number;
    readonly smi_total_gib?: number | null;
    readonly framework_total_gib?: number | null;
    readonly bandwidth_gb_s?: number | null;
    readonly type?: string;
  };
  /** Of the card's compute and bandwidth, where frameworks see one card as several devices. */
  readonly device_share?: number;
  /** Of one chip of AWS: its cores, and how many of them one device of the framework is by default (LNC). */
  readonly neuron_cores?: { readonly physical: number; readonly per_logical: number };
  readonly peak_tflops_dense: Readonly<Record<string, number | null | undefined>>;
  readonly measured_matmul_tflops?: Readonly<Record<string, number>>;
  readonly link: {
    readonly kind: string;
    readonly path: LinkKind;
    readonly generation?: number;
    readonly unidirectional_gb_s?: number | null;
    readonly max_domain_gpus: number;
  };
  readonly host_link?: { readonly kind: string; readonly unidirectional_gb_s: number };
  readonly pcie?: { readonly gen: number; readonly lanes: number; readonly unidirectional_gb_s: number };
  readonly supports: Readonly<Record<string, boolean | string | null>>;
}

/** How nodes reach each other. `nvlink` is a rack domain set up with IMEX. */
export type Transport = 'efa-gdr' | 'efa' | 'infiniband' | 'roce' | 'rdma-host' | 'tcpx' | 'tcp' | 'nvlink';

export interface InstanceRecord extends Sourced {
  readonly aliases?: readonly string[];
  readonly provider: string;
  readonly role: string;
  readonly accelerator?: string;
  /** Below one: a slice of one accelerator. */
  readonly accelerator_count?: number;
  readonly vcpu: number;
  readonly cpu?: string;
  readonly cpu_id?: string;
  readonly cpu_arch?: string;
  readonly sockets?: number;
  /** Machines with an operating system of their own, for racks listed as one instance. */
  readonly hosts?: number;
  /** The provider places it on differing hosts: memory and CPU are not promised. */
  readonly host_varies?: boolean;
  readonly host_memory_gib: number;
  readonly host_pcie_gen: number;
  readonly pcie_lanes?: number;
  readonly gpus_per_pcie_uplink?: number;
  readonly intra_node: {
    readonly kind: string;
    readonly path: LinkKind;
    readonly pair_label?: string | null;
    readonly tp_domain: number;
    readonly tp_domain_with_imex?: number;
    /** One GPU's links inside the node, where fewer than the chip has. */
    readonly unidirectional_gb_s?: number;
    /** What joins bridged pairs with each other. */
    readonly beyond_pair?: LinkKind;
  };
  readonly between_nodes: { readonly transport: Transport };
  readonly network_gbps?: number;
  readonly efa?: {
    readonly generation?: string | null;
    readonly interfaces?: number | null;
    /** null: not confirmed. */
    readonly gpudirect_rdma: boolean | null;
  };
  readonly fabric?: {
    readonly protocol: string;
    readonly nics: number;
    readonly gbps_per_nic: number;
    readonly gpudirect_rdma: boolean | string;
  };
  /** All EBS volumes of the instance together. */
  readonly ebs_gbps?: number;
  readonly local_nvme?: readonly { readonly count: number; readonly size_gb: number }[];
  readonly price_on_demand?: {
    readonly usd_per_hour: number;
    readonly region: string;
    readonly as_of: string;
    readonly source: string;
  };
}

export interface CpuRecord {
  readonly id: string;
  readonly name: string;
  readonly arch: string;
  readonly cores_per_socket: number;
  readonly memory_bandwidth_gb_s_per_socket: number;
  readonly cpu_adam: { readonly kernel: string; readonly simd: 'avx512' | 'avx2' | 'scalar' };
  readonly sources: readonly string[];
  readonly confidence?: string;
  readonly as_of: string;
}

export interface DriveRecord {
  readonly id: string;
  readonly instance: string;
  readonly read_gb_s: number;
  readonly write_gb_s: number;
  readonly measured?: boolean;
}

/** A cloud's storage service, with the ceilings that its provider names. */
export interface ServiceRecord extends Sourced {
  readonly service: string;
  readonly type: string;
  readonly latency?: string;
  readonly max_throughput_gb_s?: number;
  readonly max_iops?: string;
  readonly max_size?: string;
  readonly multi_az?: boolean;
}

/** Bus bandwidth that large collectives reach on a kind of path whose wire has the given rate. */
export interface PathRecord extends Sourced {
  readonly path: LinkKind;
  /** Only for this NVLink generation. */
  readonly link_generation?: number;
  /** Only for this EFA generation. */
  readonly efa_generation?: string;
  readonly max_wire_gb_s?: number;
  /** One process per node, or several. */
  readonly scope?: 'process' | 'node';
  readonly bus_gb_s: number;
  readonly low_gb_s: number;
  readonly high_gb_s: number;
  /** The wire it was seen on; another wire scales the rate. */
  readonly wire_gb_s: number;
  /** A faster wire does not help: the host is the limit. */
  readonly scale_up?: boolean;
  readonly scale_down?: boolean;
  readonly max_share_of_wire?: number;
  readonly latency_us: number;
  readonly basis: 'measured' | 'fitted' | 'modelled' | 'assumed';
}

/** Copies between host and device over one kind of link, one direction. */
export interface CopyRecord {
  readonly id: string;
  readonly link: string;
  readonly wire_gb_s: number;
  readonly pinned_gb_s: number;
  readonly per_tensor_gb_s: number;
  readonly per_tensor_low_gb_s: number;
  readonly per_tensor_high_gb_s: number;
  readonly basis: string;
  readonly sources: readonly string[];
  readonly notes: string;
}
