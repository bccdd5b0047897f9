import type { HardwareCatalog } from '../catalogs';
import { type ClusterDescription, type NodeDescription, readDescription } from './description';
import type { Cluster, Link, LinkKind } from './hardware';
import { hostOfNode } from './host';
import { betweenLink, insideLink, noLink } from './links';
import { type NodeShape, nodeOfAccelerator, nodeOfInstance } from './node';
import type { Transport } from './records';

/** What a run is placed on. */
export interface ClusterSpec {
  /** A catalog id or alias, a name under `hardware` in shardlens.json, or a cluster description's JSON value. */
  readonly hardware: string | Readonly<Record<string, unknown>>;
  /** These win over the description's own. */
  readonly nodes?: number | undefined;
  readonly gpusPerNode?: number | undefined;
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

const GIB = 2 ** 30;
const GIGA = 1e9;
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
  const node = namedNode(name, spec.gpusPerNode, sources);
  return 'problem' in node ? node : place(node.node, NOTHING_SAID, spec, sources.catalog);
}

function namedNode(
  name: string,
  gpusPerNode: number | undefined,
  { catalog, own }: ClusterSources,
): { node: NodeShape } | ClusterProblem {
  const match = catalog.resolve(name);
  if (match?.instance !== undefined) {
    const found = nodeOfInstance(match.instance, catalog);
    return 'problem' in found ? { problem: found.problem, nearest: [] } : found;
  }
  if (match?.accelerator !== undefined) {
    const gpus = match.count ?? gpusPerNode ?? 1;
    return { node: nodeOfAccelerator({ ...match, accelerator: match.accelerator }, gpus) };
  }
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
    const node = describedNode(given, description, sources);
    return 'problem' in node ? node : place(node.node, description, spec, sources.catalog);
  }
  if (instance === undefined) return { problem: 'The cluster description names no instance.', nearest: [] };
  const node = namedNode(instance, spec.gpusPerNode ?? description.gpusPerNode, sources);
  return 'problem' in node ? node : place(node.node, description, spec, sources.catalog);
}

/** An own node: the accelerator's usual board, with what the description says about the machine. */
function describedNode(
  given: NodeDescription,
  { between }: ClusterDescription,
  { catalog }: ClusterSources,
): { node: NodeShape } | ClusterProblem {
  const match = catalog.resolve(given.accelerator);
  if (match?.accelerator === undefined)
    return {
      problem: `No accelerator is called "${given.accelerator}".`,
      nearest: catalog.nearest(given.accelerator, NEAREST),
    };
  const base = nodeOfAccelerator({ ...match, accelerator: match.accelerator }, given.count);
  const cpu = given.cpu === undefined ? undefined : catalog.cpu(given.cpu);
  const nics = between.nicsPerNode;
  return {
    node: {
      ...base,
      inside: { ...base.inside, known: true },
      between: {
        transport: between.transport ?? 'tcp',
        nics,
        bytesPerSecond:
          between.bytesPerSecondPerNic === undefined ? undefined : between.bytesPerSecondPerNic * (nics ?? 1),
        known: between.bytesPerSecondPerNic !== undefined,
      },
      host: {
        memoryBytes: given.hostMemoryGiB === undefined ? undefined : given.hostMemoryGiB * GIB,
        vcpus: given.vcpus,
        cpu,
        cpuName: cpu?.name ?? given.cpu,
        arch: cpu === undefined ? undefined : cpu.arch === 'arm64' ? 'arm64' : 'x86_64',
        sockets: given.sockets,
        pcieGeneration: given.pcieGeneration ?? base.host.pcieGeneration,
        pcieLanes: given.pcieLanes ?? 16,
        gpusPerUplink: given.gpusPerUplink ?? 1,
        nvme:
          given.nvmeGB === undefined && given.nvmeReadGBps === undefined
            ? undefined
            : {
                bytes: scaled(given.nvmeGB),
                read: scaled(given.nvmeReadGBps),
                write: scaled(given.nvmeWriteGBps),
                measured: given.nvmeReadGBps !== undefined,
              },
      },
      assumptions: unsaid(given, base),
    },
  };
}

/** What the description leaves open and is assumed. */
function unsaid(given: NodeDescription, base: NodeShape): readonly string[] {
  const found = base.assumptions.filter((line) => line.startsWith('Taken as'));
  if (given.hostMemoryGiB === undefined) found.push('Host memory not given (`node.hostMemoryGiB`)');
  if (given.cpu === undefined) found.push('CPU not given (`node.cpu`): CPU-Adam speed is a guess');
  if (given.pcieGeneration === undefined) found.push(`PCIe Gen${base.host.pcieGeneration} to the host assumed`);
  return found;
}

const NOTHING_SAID: ClusterDescription = {
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

/** Puts the run on nodes of this shape. */
function place(
  node: NodeShape,
  said: ClusterDescription,
  spec: ClusterSpec,
  catalog: HardwareCatalog,
): { cluster: Cluster } | ClusterProblem {
  const nodes = spec.nodes ?? said.nodes ?? 1;
  const perMachine = said.nodesPerMachine ?? 1;
  const gpus = spec.gpusPerNode ?? said.gpusPerNode ?? Math.max(1, Math.floor(node.gpus / perMachine));
  const impossible = whyImpossible(node, said, gpus, perMachine);
  if (impossible !== undefined) return { problem: impossible, nearest: [] };

  const assumptions = [...node.assumptions];
  const path = insidePath(node, said, assumptions);
  if (gpus > 1 && typeof path !== 'string') return { problem: path.problem, nearest: [] };
  const intra =
    typeof path === 'string'
      ? insideLink(node, gpus, { path, measured: said.inside.measured }, catalog)
      : noLink('one GPU');
  const cards = cardsUsed(node, said, gpus, perMachine, nodes, assumptions);
  const inter = nodes === 1 ? noLink('one node') : betweenLink(node, gpus, { ...cards, nodes }, intra, catalog);
  if (gpus > 1 && intra.basis === 'assumed') assumptions.push(`Speed inside the node assumed: ${intra.label}`);
  if (inter.basis === 'assumed') assumptions.push(`Speed between nodes assumed: ${inter.label}`);
  if (perMachine > 1) assumptions.push(`${perMachine} nodes share one machine: memory, CPU and drives divided equally`);
  const count = nodes === 1 ? `${gpus}` : `${nodes} × ${gpus}`;
  const tail = node.instanceId === undefined ? '' : ` (${node.instanceId})`;
  return {
    cluster: {
      label: `${count} × ${node.accelerator.name}${tail}`,
      id: node.id,
      accelerator: node.accelerator,
      nodes,
      gpusPerNode: gpus,
      gpusInNode: node.gpus,
      host: hostOfNode(node, gpus, perMachine, catalog),
      intra: joinedRack(node, cards.transport, intra),
      beyondDomain: beyondPairs(node, gpus, intra, catalog),
      inter,
      pricePerNodeHour: sharedPrice(node, perMachine),
      assumptions,
      instanceId: node.instanceId,
      nodesPerMachine: perMachine,
      nicsPerNode: cards.nics,
      cpuThreadsPerProcess: said.cpuThreadsPerProcess,
      sources: node.sources,
    },
  };
}

/** With IMEX the switches of a rack make its nodes one NVLink domain. */
function joinedRack(node: NodeShape, transport: Transport, intra: Link): Link {
  const rack = node.inside.rackDomain;
  return transport === 'nvlink' && rack !== undefined ? { ...intra, domain: rack } : intra;
}

function beyondPairs(node: NodeShape, gpus: number, intra: Link, catalog: HardwareCatalog): Link | undefined {
  if (intra.kind !== 'nvlink-bridge' || gpus <= intra.domain) return undefined;
  return insideLink(node, gpus, { path: node.inside.beyondPair, measured: undefined }, catalog);
}

function whyImpossible(
  node: NodeShape,
  said: ClusterDescription,
  gpus: number,
  perMachine: number,
): string | undefined {
  const has = `${node.id} has ${node.gpus} ${node.gpus === 1 ? 'GPU' : 'GPUs'} per node`;
  if (perMachine > 1 && gpus * perMachine > node.gpus)
    return `${has}, which is not enough for ${perMachine} nodes of ${gpus} GPUs on one machine.`;
  if (gpus > node.gpus) return `${has}, not ${gpus}.`;
  const nics = node.between.nics;
  const asked = said.between.nicsPerNode ?? (said.between.nicsPerProcess ?? 0) * gpus;
  if (node.instanceId !== undefined && nics !== undefined && asked * perMachine > nics && said.node === undefined)
    return `${node.id} has ${nics} network cards, not ${asked * perMachine}.`;
  const wantsGdr = said.between.transport === 'efa-gdr' && node.between.transport === 'efa';
  if (wantsGdr) return `${node.id} has no GPUDirect RDMA; its transport is efa.`;
  const wantsEfa = said.between.transport === 'efa' || said.between.transport === 'efa-gdr';
  if (wantsEfa && node.instanceId !== undefined && !node.between.transport.startsWith('efa'))
    return `${node.id} has no EFA; its transport is ${node.between.transport}.`;
  if (said.between.transport === 'nvlink' && node.inside.rackDomain === undefined)
    return `${node.id} is in no NVLink rack, so its nodes cannot reach each other over NVLink.`;
  return undefined;
}

/** The path inside the node: what the description says, if the hardware has it. */
function insidePath(
  node: NodeShape,
  said: ClusterDescription,
  assumptions: string[],
): LinkKind | { readonly problem: string } {
  const asked = said.inside.path;
  const own = node.inside.path;
  if (asked === undefined) return own;
  if (asked === 'shm') return 'shm';
  if (asked === 'pcie-p2p') {
    if (node.accelerator.supports.gpudirect_p2p === false)
      assumptions.push(`PCIe peer-to-peer as described, although ${node.accelerator.name} has none from the vendor`);
    return 'pcie-p2p';
  }
  const board = own.startsWith('nvlink') || own === 'xgmi' ? own : node.accelerator.link.path;
  if (board.startsWith(asked)) return board;
  const wanted = asked === 'nvlink' ? 'NVLink' : 'xGMI';
  return {
    problem: `${node.accelerator.name} in ${node.id} has no ${wanted}; the path inside can be pcie-p2p or shm.`,
  };
}

interface Cards {
  readonly transport: NodeShape['between']['transport'];
  readonly nics: number | undefined;
  readonly wire: number | undefined;
  readonly measured: number | undefined;
  readonly known: boolean;
}

/** The network cards that one node uses: as described, else its share of the machine's. */
function cardsUsed(
  node: NodeShape,
  said: ClusterDescription,
  gpus: number,
  perMachine: number,
  nodes: number,
  assumptions: string[],
): Cards {
  const { between } = said;
  const total = node.between.nics;
  const perCard =
    between.bytesPerSecondPerNic ??
    (node.between.bytesPerSecond === undefined ? undefined : node.between.bytesPerSecond / (total ?? 1));
  const asked =
    between.nicsPerNode ?? (between.nicsPerProcess === undefined ? undefined : between.nicsPerProcess * gpus);
  // NCCL takes the cards near the GPUs it uses, so a part of the GPUs gets its part of the cards.
  const share = total === undefined ? undefined : Math.max(1, Math.floor((total * gpus) / node.gpus));
  const nics = asked ?? (between.bytesPerSecondPerNic === undefined || total !== undefined ? share : 1);
  if (nodes > 1 && asked === undefined && total !== undefined && nics !== undefined && nics < total && perMachine === 1)
    assumptions.push(`${nics} of ${total} network cards used, as ${gpus} of ${node.gpus} GPUs are`);
  const transport = between.transport ?? node.between.transport;
  if (nodes > 1 && node.inside.rackDomain !== undefined && transport !== 'nvlink' && node.instanceId !== undefined)
    assumptions.push(
      'Nodes of the NVLink rack joined by the network: IMEX not assumed (`transport: nvlink` says it is set up)',
    );
  return {
    transport,
    nics,
    wire: nics === undefined ? shareOfNetwork(node, gpus) : perCard === undefined ? undefined : perCard * nics,
    measured: between.measured,
    known: perCard !== undefined,
  };
}

/** For a node whose cards are not counted: the part of its network that goes with the used GPUs. */
function shareOfNetwork(node: NodeShape, gpus: number): number | undefined {
  const all = node.between.bytesPerSecond;
  return all === undefined ? undefined : (all * gpus) / node.gpus;
}

function sharedPrice(node: NodeShape, perMachine: number): Cluster['pricePerNodeHour'] {
  const price = node.pricePerNodeHour;
  return price === undefined ? undefined : { ...price, usd: price.usd / perMachine };
}

function scaled(gigabytes: number | undefined): number | undefined {
  return gigabytes === undefined ? undefined : gigabytes * GIGA;
}
