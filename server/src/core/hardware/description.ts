import { ACCELERATOR_KEYS, type AcceleratorDescription, readAccelerator } from './own-accelerator';
import { PlainRecord, type RecordProblem } from './plain-record';
import type { Transport } from './records';

/** A cluster description (schemas/cluster.schema.json), checked. Rates are in bytes per second here. */
export interface ClusterDescription {
  readonly name: string | undefined;
  readonly instance: string | undefined;
  readonly node: NodeDescription | undefined;
  readonly nodes: number | undefined;
  readonly gpusPerNode: number | undefined;
  readonly nodesPerMachine: number | undefined;
  readonly cpuThreadsPerProcess: number | undefined;
  /** Of one machine; over what the catalog says of an instance. */
  readonly hostMemoryGiB: number | undefined;
  readonly inside: { readonly path: InsidePath | undefined; readonly measured: number | undefined };
  readonly between: {
    readonly transport: Transport | undefined;
    readonly bytesPerSecondPerNic: number | undefined;
    readonly nicsPerNode: number | undefined;
    readonly nicsPerProcess: number | undefined;
    readonly measured: number | undefined;
  };
}

export type InsidePath = (typeof INSIDE)[number];

/** A machine that is in no catalog. */
export interface NodeDescription {
  /** By name, or described where the catalog does not have it. */
  readonly accelerator: string | AcceleratorDescription;
  readonly count: number;
  readonly hostMemoryGiB: number | undefined;
  readonly vcpus: number | undefined;
  readonly cpu: string | undefined;
  readonly sockets: number | undefined;
  readonly pcieGeneration: number | undefined;
  readonly pcieLanes: number | undefined;
  readonly gpusPerUplink: number | undefined;
  readonly nvmeGB: number | undefined;
  readonly nvmeReadGBps: number | undefined;
  readonly nvmeWriteGBps: number | undefined;
}

/** A description that says nothing: the machine as the catalog has it. */
export const NOTHING_SAID: ClusterDescription = {
  name: undefined,
  instance: undefined,
  node: undefined,
  nodes: undefined,
  gpusPerNode: undefined,
  nodesPerMachine: undefined,
  cpuThreadsPerProcess: undefined,
  hostMemoryGiB: undefined,
  inside: { path: undefined, measured: undefined },
  between: {
    transport: undefined,
    bytesPerSecondPerNic: undefined,
    nicsPerNode: undefined,
    nicsPerProcess: undefined,
    measured: undefined,
  },
};

const INSIDE = ['nvlink', 'xgmi', 'pcie-p2p', 'shm'] as const;
const TRANSPORTS = ['efa-gdr', 'efa', 'infiniband', 'roce', 'rdma-host', 'tcpx', 'tcp', 'nvlink'] as const;
const GIGA = 1e9;
const GBPS = 1e9 / 8;

const TOP = ['$schema', 'name', 'instance', 'node', 'nodes', 'gpusPerNode', 'nodesPerMachine'];
const TOP_KEYS = [...TOP, 'cpuThreadsPerProcess', 'hostMemoryGiB', 'inside', 'between'];
const NODE_KEYS = ['accelerator', 'count', 'hostMemoryGiB', 'vcpus', 'cpu', 'sockets', 'pcieGeneration', 'pcieLanes'];
const ALL_NODE_KEYS = [...NODE_KEYS, 'gpusPerUplink', 'nvmeGB', 'nvmeReadGBps', 'nvmeWriteGBps'];
const BETWEEN_KEYS = ['transport', 'gbpsPerNic', 'nicsPerNode', 'nicsPerProcess', 'measuredGBps'];

/** Reads a description from its JSON value; the first thing that is wrong is the problem. */
export function readDescription(
  value: unknown,
): { readonly description: ClusterDescription } | { readonly problem: string } {
  const { description, problems } = read(value);
  const [first] = problems;
  return first === undefined ? { description } : { problem: first.message };
}

/** Everything that is wrong in a description, each with its place. */
export function descriptionProblems(value: unknown): readonly RecordProblem[] {
  return read(value).problems;
}

function read(value: unknown): { description: ClusterDescription; problems: readonly RecordProblem[] } {
  const problems: RecordProblem[] = [];
  const top = new PlainRecord(value, '', 'the cluster description', TOP_KEYS, problems);
  const inside = top.section('inside', ['path', 'measuredGBps']);
  const between = top.section('between', BETWEEN_KEYS);
  const description: ClusterDescription = {
    name: top.text('name'),
    instance: top.text('instance'),
    node: top.get('node') === undefined ? undefined : nodeOf(top.section('node', ALL_NODE_KEYS)),
    nodes: top.whole('nodes'),
    gpusPerNode: top.whole('gpusPerNode'),
    nodesPerMachine: top.whole('nodesPerMachine'),
    cpuThreadsPerProcess: top.whole('cpuThreadsPerProcess'),
    hostMemoryGiB: top.positive('hostMemoryGiB'),
    inside: { path: inside.oneOf('path', INSIDE), measured: scaled(inside.positive('measuredGBps'), GIGA) },
    between: {
      transport: between.oneOf('transport', TRANSPORTS),
      bytesPerSecondPerNic: scaled(between.positive('gbpsPerNic'), GBPS),
      nicsPerNode: between.whole('nicsPerNode'),
      nicsPerProcess: between.whole('nicsPerProcess'),
      measured: scaled(between.positive('measuredGBps'), GIGA),
    },
  };
  if (problems.length === 0 && (description.instance === undefined) === (description.node === undefined))
    top.complain('', 'A cluster description names either `instance` or `node`, and not both.');
  return { description, problems };
}

function nodeOf(node: PlainRecord): NodeDescription {
  const accelerator = node.get('accelerator');
  if (accelerator === undefined) node.complain('', '`node` has no `accelerator`.');
  const isOwn = typeof accelerator === 'object' && accelerator !== null;
  return {
    accelerator: isOwn
      ? readAccelerator(node.section('accelerator', ACCELERATOR_KEYS))
      : (node.text('accelerator') ?? ''),
    count: node.whole('count') ?? 1,
    hostMemoryGiB: node.positive('hostMemoryGiB'),
    vcpus: node.whole('vcpus'),
    cpu: node.text('cpu'),
    sockets: node.whole('sockets'),
    pcieGeneration: node.oneOf('pcieGeneration', [3, 4, 5, 6] as const),
    pcieLanes: node.oneOf('pcieLanes', [1, 2, 4, 8, 16] as const),
    gpusPerUplink: node.whole('gpusPerUplink'),
    nvmeGB: node.positive('nvmeGB'),
    nvmeReadGBps: node.positive('nvmeReadGBps'),
    nvmeWriteGBps: node.positive('nvmeWriteGBps'),
  };
}

function scaled(value: number | undefined, factor: number): number | undefined {
  return value === undefined ? undefined : value * factor;
}
