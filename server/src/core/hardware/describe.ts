import type { HardwareCatalog } from '../catalogs';
import { buildCluster } from './cluster';
import { type CpuMachine, cpuMachine, whyNoAccelerator } from './cpu-names';
import type { Accelerator, Cluster } from './hardware';
import type { CpuRecord, InstanceRecord, ServiceRecord } from './records';

/** One line of `shardlens hardware list`. */
export interface HardwareRow {
  readonly id: string;
  readonly kind: 'accelerator' | 'instance';
  readonly vendor: string;
  /** `8 × A100-40GB` or the accelerator's name. */
  readonly what: string;
  /** Memory of one accelerator as torch sees it. */
  readonly memoryBytes: number | null;
  /** The path inside a node, as `NVSwitch 300 GB/s`. */
  readonly inside: string | null;
  readonly between: string | null;
  readonly role: string;
}

/** `shardlens hardware show`: sections of label and value, and the notes and sources below them. */
export interface HardwareDetail {
  readonly id: string;
  readonly title: string;
  readonly sections: readonly { readonly title: string; readonly lines: readonly (readonly [string, string])[] }[];
  readonly notes: readonly string[];
  readonly sources: readonly string[];
  readonly confidence: string;
  readonly asOf: string;
}

/** Accelerators first, then instances, each in the catalog's order. */
export function hardwareRows(catalog: HardwareCatalog): readonly HardwareRow[] {
  const accelerators = catalog.accelerators().map(
    (a): HardwareRow => ({
      id: a.id,
      kind: 'accelerator',
      vendor: a.vendor,
      what: a.name,
      memoryBytes: a.memoryBytes,
      inside: null,
      between: null,
      role: a.role,
    }),
  );
  const instances = catalog.instanceIds().flatMap((id) => {
    const record = catalog.instance(id);
    return record === undefined ? [] : [instanceRow(record, catalog)];
  });
  return [...accelerators, ...instances];
}

function instanceRow(record: InstanceRecord, catalog: HardwareCatalog): HardwareRow {
  const built = buildCluster({ hardware: record.id, nodes: 2 }, { catalog });
  const base = { id: record.id, kind: 'instance', vendor: record.provider, role: record.role } as const;
  if ('problem' in built) return { ...base, what: record.role, memoryBytes: null, inside: null, between: null };
  const { cluster } = built;
  return {
    ...base,
    what: `${cluster.gpusInNode} × ${cluster.accelerator.name}`,
    memoryBytes: cluster.accelerator.memoryBytes,
    inside: cluster.gpusInNode === 1 ? null : cluster.intra.label,
    between: cluster.inter.label,
  };
}

/** What `name` stands for, in full; or the nearest names where nothing is called so. */
export function hardwareDetail(
  name: string,
  catalog: HardwareCatalog,
): { readonly detail: HardwareDetail } | { readonly problem: string; readonly nearest: readonly string[] } {
  const match = catalog.resolve(name);
  if (match?.instance !== undefined) return { detail: instanceDetail(match.instance, catalog) };
  if (match?.accelerator !== undefined) {
    const also = match.others.length === 0 ? [] : [`${name} could also mean ${match.others.join(', ')}.`];
    return { detail: acceleratorDetail(match.accelerator, catalog, also) };
  }
  const machine = cpuMachine(name, catalog);
  if (machine?.cpu !== undefined) return { detail: cpuDetail(machine, machine.cpu, catalog) };
  const service = catalog.service(name);
  if (service !== undefined) return { detail: serviceDetail(service, catalog) };
  return { problem: `No hardware is called "${name.slice(0, 80)}".`, nearest: catalog.nearest(name, 3) };
}

function acceleratorDetail(a: Accelerator, catalog: HardwareCatalog, also: readonly string[]): HardwareDetail {
  return {
    id: a.id,
    title: `${a.vendor} ${a.name}`,
    sections: [{ title: 'Accelerator', lines: acceleratorLines(a) }],
    notes: [...also, ...(a.notes === undefined ? [] : [a.notes])],
    sources: sourceLines(a.sources, catalog),
    confidence: a.confidence,
    asOf: a.asOf,
  };
}

function instanceDetail(record: InstanceRecord, catalog: HardwareCatalog): HardwareDetail {
  const one = buildCluster({ hardware: record.id, nodes: 2 }, { catalog });
  const sections =
    'problem' in one
      ? []
      : [
          { title: 'Accelerator', lines: acceleratorLines(one.cluster.accelerator) },
          { title: 'Host', lines: hostLines(one.cluster) },
          { title: 'Links', lines: linkLines(one.cluster) },
        ];
  const built = 'problem' in one ? [one.problem] : one.cluster.assumptions;
  return {
    id: record.id,
    title: 'problem' in one ? record.id : `${one.cluster.gpusInNode} × ${one.cluster.accelerator.name} (${record.id})`,
    sections,
    notes: [...built, ...(record.notes === undefined ? [] : [record.notes])],
    sources: sourceLines(record.sources, catalog),
    confidence: record.confidence ?? 'low',
    asOf: record.as_of,
  };
}

/** A host without accelerators: what preprocessing and an offload host depend on. */
function cpuDetail(machine: CpuMachine, cpu: CpuRecord, catalog: HardwareCatalog): HardwareDetail {
  const { simd, kernel } = cpu.cpu_adam;
  const adam = simd === 'scalar' ? `no SIMD kernel of DeepSpeed for it: ${kernel}` : simd;
  return {
    id: cpu.id,
    title: machine.name === cpu.name ? cpu.name : `${machine.name}: ${cpu.name}`,
    sections: [
      {
        title: 'Host',
        lines: [
          ['Architecture', cpu.arch],
          ['Cores', `${cpu.cores_per_socket} per socket`],
          ['Memory bandwidth', `${trimmed(cpu.memory_bandwidth_gb_s_per_socket)} GB/s per socket`],
          ['CPU-Adam', adam],
        ],
      },
    ],
    notes: [
      whyNoAccelerator(machine),
      'To tokenise on it, dataset_num_proc may be as many as its cores; transparent huge pages (madvise) spare page faults in large arrays.',
    ],
    sources: sourceLines(cpu.sources, catalog),
    confidence: cpu.confidence ?? 'low',
    asOf: cpu.as_of,
  };
}

/** Storage behind `output_dir` and data sets. */
function serviceDetail(record: ServiceRecord, catalog: HardwareCatalog): HardwareDetail {
  const { max_throughput_gb_s: most, max_iops: operations, latency, max_size: size, multi_az: zones } = record;
  return {
    id: record.id,
    title: record.service,
    sections: [
      {
        title: 'Storage',
        lines: [
          ['Kind', record.type],
          ['Throughput', most === undefined ? 'no ceiling published' : `${trimmed(most)} GB/s at most`],
          ...(operations === undefined ? [] : [['Operations', operations] as const]),
          ...(latency === undefined ? [] : [['Latency', latency] as const]),
          ...(size === undefined ? [] : [['Size', size] as const]),
          ['Zones', zones === true ? 'several' : 'one'],
        ],
      },
    ],
    notes: record.notes === undefined ? [] : [record.notes],
    sources: sourceLines(record.sources, catalog),
    confidence: record.confidence ?? 'low',
    asOf: record.as_of,
  };
}

type Lines = readonly (readonly [string, string])[];

function acceleratorLines(a: Accelerator): Lines {
  const flops = (['fp32', 'tf32', 'fp16', 'bf16', 'fp8', 'fp4'] as const).flatMap((format) => {
    const peak = a.peakFlops[format];
    return peak === null ? [] : [`${format} ${trimmed(peak / 1e12)}`];
  });
  const measured = a.measuredBf16Flops;
  return [
    ['Name', a.name],
    ['Architecture', `${a.architecture}${a.computeCapability === undefined ? '' : ` (${a.computeCapability})`}`],
    ['Memory', `${gib(a.memoryBytes)} GiB usable, ${trimmed(a.memoryBytesPerSecond / 1e9)} GB/s`],
    ['Dense peak, TFLOPS', flops.length === 0 ? 'not published' : flops.join(', ')],
    ...(measured === undefined ? [] : [['Measured bf16, TFLOPS', trimmed(measured / 1e12)] as const]),
    ...(a.role === 'training' ? [] : [['Role', a.role] as const]),
  ];
}

function hostLines({ host, pricePerNodeHour: price }: Cluster): Lines {
  const memory = host.memoryBytes === undefined ? 'not known' : `${gib(host.memoryBytes)} GiB`;
  const cpu = [host.cpuName ?? 'CPU not known', host.vcpus === undefined ? '' : `${host.vcpus} vCPU`, host.simd ?? ''];
  const nvme = host.nvmeBytes === undefined ? 'none listed' : `${trimmed(host.nvmeBytes / 1e9)} GB`;
  return [
    ['Memory', memory],
    ['CPU', cpu.filter((part) => part !== '').join(', ')],
    ['To each GPU', `${host.pcieLabel}: ${rate(host.pcieBytesPerSecondPerGpu)} pinned, all GPUs busy`],
    ['Local NVMe', nvme],
    ...(price === undefined ? [] : [['On demand', `${price.usd} USD/h (${price.region}, ${price.asOf})`] as const]),
  ];
}

function linkLines({ intra, inter, beyondDomain, gpusInNode }: Cluster): Lines {
  const line = (link: Cluster['intra']): string =>
    `${link.label}; collectives reach ${rate(link.bytesPerSecond)} per GPU (${rate(link.low)} to ${rate(link.high)}, ${link.basis})`;
  return [
    ['Inside a node', gpusInNode === 1 ? 'one GPU' : line(intra)],
    ...(beyondDomain === undefined ? [] : [[`Beyond ${intra.domain} GPUs`, line(beyondDomain)] as const]),
    ['Between nodes', line(inter)],
  ];
}

function sourceLines(keys: readonly string[], catalog: HardwareCatalog): readonly string[] {
  return keys.map((key) => `${key}: ${catalog.source(key) ?? 'no description'}`);
}

function gib(bytes: number): string {
  return trimmed(bytes / 2 ** 30);
}

function rate(bytesPerSecond: number): string {
  return `${trimmed(bytesPerSecond / 1e9)} GB/s`;
}

function trimmed(value: number): string {
  return String(Number(value.toFixed(value < 10 ? 2 : 1)));
}
