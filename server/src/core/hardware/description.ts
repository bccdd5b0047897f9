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
  readonly accelerator: string;
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
const TOP_KEYS = [...TOP, 'cpuThreadsPerProcess', 'inside', 'between'];
const NODE_KEYS = ['accelerator', 'count', 'hostMemoryGiB', 'vcpus', 'cpu', 'sockets', 'pcieGeneration', 'pcieLanes'];
const ALL_NODE_KEYS = [...NODE_KEYS, 'gpusPerUplink', 'nvmeGB', 'nvmeReadGBps', 'nvmeWriteGBps'];
const BETWEEN_KEYS = ['transport', 'gbpsPerNic', 'nicsPerNode', 'nicsPerProcess', 'measuredGBps'];

type Plain = Readonly<Record<string, unknown>>;

/** Reads a description from its JSON value; the first thing that is wrong is the problem. */
export function readDescription(
  value: unknown,
): { readonly description: ClusterDescription } | { readonly problem: string } {
  const problems: string[] = [];
  const top = section(value, 'the cluster description', TOP_KEYS, problems);
  const inside = section(top.inside === undefined ? {} : top.inside, 'inside', ['path', 'measuredGBps'], problems);
  const between = section(top.between === undefined ? {} : top.between, 'between', BETWEEN_KEYS, problems);
  const description: ClusterDescription = {
    name: text(top, 'name', problems),
    instance: text(top, 'instance', problems),
    node: top.node === undefined ? undefined : nodeOf(top.node, problems),
    nodes: whole(top, 'nodes', problems),
    gpusPerNode: whole(top, 'gpusPerNode', problems),
    nodesPerMachine: whole(top, 'nodesPerMachine', problems),
    cpuThreadsPerProcess: whole(top, 'cpuThreadsPerProcess', problems),
    inside: {
      path: oneOf(inside, 'path', INSIDE, problems),
      measured: scaled(positive(inside, 'measuredGBps', problems), GIGA),
    },
    between: {
      transport: oneOf(between, 'transport', TRANSPORTS, problems),
      bytesPerSecondPerNic: scaled(positive(between, 'gbpsPerNic', problems), GBPS),
      nicsPerNode: whole(between, 'nicsPerNode', problems),
      nicsPerProcess: whole(between, 'nicsPerProcess', problems),
      measured: scaled(positive(between, 'measuredGBps', problems), GIGA),
    },
  };
  if (problems.length === 0 && (description.instance === undefined) === (description.node === undefined))
    problems.push('A cluster description names either `instance` or `node`, and not both.');
  const [problem] = problems;
  return problem === undefined ? { description } : { problem };
}

function nodeOf(value: unknown, problems: string[]): NodeDescription {
  const node = section(value, 'node', ALL_NODE_KEYS, problems);
  const accelerator = text(node, 'accelerator', problems);
  if (accelerator === undefined && problems.length === 0) problems.push('`node` has no `accelerator`.');
  return {
    accelerator: accelerator ?? '',
    count: whole(node, 'count', problems) ?? 1,
    hostMemoryGiB: positive(node, 'hostMemoryGiB', problems),
    vcpus: whole(node, 'vcpus', problems),
    cpu: text(node, 'cpu', problems),
    sockets: whole(node, 'sockets', problems),
    pcieGeneration: oneOf(node, 'pcieGeneration', [3, 4, 5, 6] as const, problems),
    pcieLanes: oneOf(node, 'pcieLanes', [1, 2, 4, 8, 16] as const, problems),
    gpusPerUplink: whole(node, 'gpusPerUplink', problems),
    nvmeGB: positive(node, 'nvmeGB', problems),
    nvmeReadGBps: positive(node, 'nvmeReadGBps', problems),
    nvmeWriteGBps: positive(node, 'nvmeWriteGBps', problems),
  };
}

function section(value: unknown, name: string, keys: readonly string[], problems: string[]): Plain {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    problems.push(`${name === 'the cluster description' ? name : `\`${name}\``} is not a JSON object.`);
    return {};
  }
  const strange = Object.keys(value).find((key) => !keys.includes(key));
  if (strange !== undefined)
    problems.push(
      `\`${strange}\` is not a key of ${name}; it knows ${keys.filter((k) => k !== '$schema').join(', ')}.`,
    );
  return value as Plain;
}

function text(from: Plain, key: string, problems: string[]): string | undefined {
  const value = from[key];
  if (value === undefined) return undefined;
  if (typeof value === 'string' && value !== '') return value;
  problems.push(`\`${key}\` is ${shown(value)}, where a name is expected.`);
  return undefined;
}

function positive(from: Plain, key: string, problems: string[]): number | undefined {
  const value = from[key];
  if (value === undefined) return undefined;
  // Beyond the whole numbers that a computer counts, figures made of it would be none.
  if (typeof value === 'number' && value > 0 && value <= Number.MAX_SAFE_INTEGER) return value;
  problems.push(`\`${key}\` is ${shown(value)}, where a number above zero is expected.`);
  return undefined;
}

function whole(from: Plain, key: string, problems: string[]): number | undefined {
  const value = positive(from, key, problems);
  if (value === undefined || Number.isSafeInteger(value)) return value;
  problems.push(`\`${key}\` is ${value}, where a whole number is expected.`);
  return undefined;
}

function oneOf<T extends string | number>(
  from: Plain,
  key: string,
  choices: readonly T[],
  problems: string[],
): T | undefined {
  const value = from[key];
  if (value === undefined) return undefined;
  const found = choices.find((choice) => choice === value);
  if (found === undefined) problems.push(`\`${key}\` is ${shown(value)}; it can be ${choices.join(', ')}.`);
  return found;
}

function scaled(value: number | undefined, factor: number): number | undefined {
  return value === undefined ? undefined : value * factor;
}

function shown(value: unknown): string {
  const json = JSON.stringify(value) ?? String(value);
  return json.length > 40 ? `${json.slice(0, 40)}…` : json;
}
