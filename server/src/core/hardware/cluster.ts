import type { HardwareCatalog } from '../catalogs';
import { cpuMachine, whyNoAccelerator } from './cpu-names';
import { NOTHING_SAID, readDescription } from './description';
import type { ForcedPaths } from './forced';
import type { Cluster } from './hardware';
import { asNeuronCores, coresOfChip, type LogicalNeuronCore } from './neuron-cores';
import { type NodeShape, nodeOfAccelerator, nodeOfInstance } from './node';
import { describedNode } from './own-node';
import { place } from './place';

/** What a run is placed on. */
export interface ClusterSpec {
  /** A catalog id or alias, a name under `hardware` in shardlens.json, or a cluster description's JSON value. */
  readonly hardware: string | Readonly<Record<string, unknown>>;
  /** These win over the description's own. */
  readonly nodes?: number | undefined;
  readonly gpusPerNode?: number | undefined;
  /** NEURON_LOGICAL_NC_CONFIG of the launch environment. */
  readonly logicalCores?: LogicalNeuronCore | undefined;
  /** Paths that the launch environment makes the run take. */
  readonly forced?: ForcedPaths | undefined;
}

export interface ClusterSources {
  readonly catalog: HardwareCatalog;
  /** The records under `hardware` in shardlens.json: cluster descriptions by name. */
  readonly own?: Readonly<Record<string, unknown>> | undefined;
}

/** What could not be built, as a sentence for the user, and the names that may have been meant. */
export interface ClusterProblem {
  readonly problem: string;
  readonly nearest: readonly string[];
}

const NEAREST = 3;

/** Nodes × instance with the links inside a node and between nodes; what is not known is assumed low and listed. */
export function buildCluster(
  spec: ClusterSpec,
  sources: ClusterSources,
): { readonly cluster: Cluster } | ClusterProblem {
  for (const [name, value] of [
    ['nodes', spec.nodes],
    ['GPUs per node', spec.gpusPerNode],
  ] as const) {
    if (value !== undefined && (!Number.isSafeInteger(value) || value < 1))
      return { problem: `The number of ${name} is ${value}; it must be a whole number above zero.`, nearest: [] };
  }
  const own = typeof spec.hardware === 'string' ? ownRecord(sources.own, spec.hardware) : spec.hardware;
  if (own !== undefined) return fromDescription(own, spec, sources);
  return fromName(String(spec.hardware), spec, sources);
}

function ownRecord(own: ClusterSources['own'], name: string): unknown {
  return own !== undefined && Object.hasOwn(own, name) ? own[name] : undefined;
}

function fromName(name: string, spec: ClusterSpec, sources: ClusterSources): { cluster: Cluster } | ClusterProblem {
  const node = namedNode(name, spec, sources);
  return 'problem' in node ? node : place(node.node, NOTHING_SAID, spec, sources.catalog);
}

function namedNode(
  name: string,
  { gpusPerNode, logicalCores }: Pick<ClusterSpec, 'gpusPerNode' | 'logicalCores'>,
  { catalog, own }: ClusterSources,
): { node: NodeShape } | ClusterProblem {
  const match = catalog.resolve(name);
  if (match?.instance !== undefined) {
    const found = nodeOfInstance(match.instance, catalog);
    return 'problem' in found
      ? { problem: found.problem, nearest: [] }
      : { node: asNeuronCores(found.node, logicalCores) };
  }
  if (match?.accelerator !== undefined) {
    const cores = coresOfChip(match.accelerator, logicalCores) ?? 1;
    const gpus = match.count ?? Math.ceil((gpusPerNode ?? cores) / cores);
    const node = nodeOfAccelerator({ ...match, accelerator: match.accelerator }, gpus);
    return { node: asNeuronCores(node, logicalCores) };
  }
  const cpu = cpuMachine(name, catalog);
  if (cpu !== undefined) return { problem: whyNoAccelerator(cpu), nearest: [] };
  const owned = Object.keys(own ?? {}).filter((key) => key.toLowerCase().includes(name.toLowerCase()));
  return {
    problem: `No hardware is called "${name.length > 80 ? `${name.slice(0, 80)}…` : name}".`,
    nearest: [...owned, ...catalog.nearest(name, NEAREST)].slice(0, NEAREST),
  };
}

function fromDescription(
  value: unknown,
  spec: ClusterSpec,
  sources: ClusterSources,
): { cluster: Cluster } | ClusterProblem {
  const read = readDescription(value);
  if ('problem' in read) return { problem: read.problem, nearest: [] };
  const { description } = read;
  const { instance, node: given } = description;
  if (given !== undefined) {
    const node = describedNode(given, description, sources.catalog);
    if ('problem' in node) return node;
    return place(asNeuronCores(node.node, spec.logicalCores), description, spec, sources.catalog);
  }
  if (instance === undefined) return { problem: 'The cluster description names no instance.', nearest: [] };
  const asked = { ...spec, gpusPerNode: spec.gpusPerNode ?? description.gpusPerNode };
  const node = namedNode(instance, asked, sources);
  return 'problem' in node ? node : place(node.node, description, spec, sources.catalog);
}

/**
 * The nodes and GPUs per node that hardware gives by itself, before any default: a description's own, or the 8 of
 * `8xH100`. Callers that learn sizes from launch lines ask this first, since a target ranks above a launch line.
 */
export function statedSize(
  hardware: ClusterSpec['hardware'],
  { catalog, own }: ClusterSources,
): { readonly nodes: number | undefined; readonly gpusPerNode: number | undefined } {
  const value = typeof hardware === 'string' ? ownRecord(own, hardware) : hardware;
  if (value === undefined) {
    const match = catalog.resolve(String(hardware));
    const cores = match?.accelerator && coresOfChip(match.accelerator);
    return { nodes: undefined, gpusPerNode: match?.count && match.count * (cores ?? 1) };
  }
  const read = readDescription(value);
  if ('problem' in read) return { nodes: undefined, gpusPerNode: undefined };
  const { nodes, nodesPerMachine, gpusPerNode } = read.description;
  return { nodes: nodes ?? nodesPerMachine, gpusPerNode };
}
