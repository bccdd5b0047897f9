import type { HardwareCatalog } from '../catalogs';
import type { Link, LinkKind } from './hardware';
import { linkShare } from './mesh';
import type { NodeShape } from './node';
import { given, pathRecord, reached, weaker } from './rates';
import type { Transport } from './records';

const GIGA = 1e9;

/** A group that sends nothing: one GPU, or one node. */
export function noLink(label: string): Link {
  return {
    kind: 'none',
    bytesPerSecond: Number.POSITIVE_INFINITY,
    low: Number.POSITIVE_INFINITY,
    high: Number.POSITIVE_INFINITY,
    ringBytesPerSecond: Number.POSITIVE_INFINITY,
    wireBytesPerSecond: Number.POSITIVE_INFINITY,
    latencySeconds: 0,
    basis: 'given',
    domain: 1,
    source: 'nothing is sent',
    label,
  };
}

export interface InsideChoice {
  readonly path: LinkKind;
  /** The cluster description names the path. */
  readonly said: boolean;
  /** Bus bandwidth that was measured on the machine, bytes/s. */
  readonly measured: number | undefined;
}

/** The link between the `gpus` used GPUs of one node. */
export function insideLink(node: NodeShape, gpus: number, choice: InsideChoice, catalog: HardwareCatalog): Link {
  if (gpus === 1) return noLink('one GPU');
  const { path, measured } = choice;
  const wire = insideWire(node, gpus, path);
  const generation = node.accelerator.link.generation;
  const record = pathRecord(catalog, path, wire, { generation, scope: 'node' });
  const rate = measured === undefined ? reached(record, wire) : given(measured, record);
  const open = node.inside.certainty === 'open' && !choice.said && measured === undefined;
  const sure = node.inside.certainty === 'record' || choice.said || measured !== undefined;
  return {
    kind: path,
    ...rate,
    high: open ? Math.max(rate.high, fastestPath(node)) : rate.high,
    basis: open ? 'assumed' : sure ? rate.basis : weaker(rate.basis),
    ringBytesPerSecond: rate.bytesPerSecond,
    wireBytesPerSecond: wire,
    domain: insideDomain(node, gpus, path),
    label: open ? 'PCIe, peer-to-peer not known (SHM assumed)' : insideLabel(path, wire, node),
  };
}

/** What the cards would reach with a bridge, or peer-to-peer over PCIe: 54 of 63 GB/s measured on Gen5. */
function fastestPath(node: NodeShape): number {
  return node.accelerator.link.bytesPerSecond ?? slotRate(node) * (54 / 63);
}

/** Every used GPU for a path that joins them all; the bridged pair, or the group the catalog gives, else. */
function insideDomain(node: NodeShape, gpus: number, path: LinkKind): number {
  const own = path === node.inside.path;
  if (path === 'nvlink-bridge') return own ? node.inside.domain : node.accelerator.link.maxDomain;
  return own ? Math.min(Math.max(node.inside.domain, 1), gpus) : gpus;
}

export interface BetweenChoice {
  readonly transport: Transport;
  /** Cards one node uses. */
  readonly nics: number | undefined;
  /** Raw rate of all cards that one node uses, bytes/s. */
  readonly wire: number | undefined;
  readonly measured: number | undefined;
  readonly known: boolean;
  readonly nodes: number;
}

/** The link between nodes that use `gpus` GPUs each; `inside` bounds what a ring through the node can carry. */
export function betweenLink(
  node: NodeShape,
  gpus: number,
  choice: BetweenChoice,
  inside: Link,
  catalog: HardwareCatalog,
): Link {
  const kind: LinkKind = choice.transport === 'nvlink' ? 'nvlink-rack' : choice.transport;
  if (kind === 'nvlink-rack') return rackLink(node, choice, catalog);
  // Without a known network, 25 Gbps: what one cloud card gives at least.
  const wire = choice.wire ?? 25 * (GIGA / 8);
  const record = pathRecord(catalog, kind, wire, {
    efaGeneration: node.between.efaGeneration,
    scope: gpus === 1 ? 'process' : 'node',
  });
  const raw = choice.measured === undefined ? reached(record, wire) : given(choice.measured, record);
  const isOpen = node.between.isUnconfirmed === true && choice.transport === node.between.transport;
  const isSure = choice.measured !== undefined || (choice.known && !isOpen);
  // An unknown network may be a quarter of that, or as fast as the best cards sold for one GPU, 400 Gbps.
  const low = choice.known ? raw.low : raw.low / 4;
  const high = choice.known ? raw.high : Math.max(raw.high, gpus * 50 * GIGA);
  return {
    kind,
    ...raw,
    bytesPerSecond: raw.bytesPerSecond / gpus,
    low: low / gpus,
    high: high / gpus,
    basis: isSure ? raw.basis : 'assumed',
    ringBytesPerSecond: Math.min(raw.bytesPerSecond, inside.bytesPerSecond),
    wireBytesPerSecond: wire / gpus,
    domain: choice.nodes,
    label: choice.known ? betweenLabel(kind, wire / gpus, gpus) : 'network not known, TCP assumed',
  };
}

/** NVLink through the rack's switches; only where the cluster description says that IMEX joins the nodes. */
function rackLink(node: NodeShape, choice: BetweenChoice, catalog: HardwareCatalog): Link {
  const wire = node.accelerator.link.bytesPerSecond ?? 0;
  const record = pathRecord(catalog, 'nvlink-rack', wire, { scope: 'node' });
  const rate = choice.measured === undefined ? reached(record, wire) : given(choice.measured, record);
  return {
    kind: 'nvlink-rack',
    ...rate,
    ringBytesPerSecond: rate.bytesPerSecond,
    wireBytesPerSecond: wire,
    domain: Math.max(1, Math.floor((node.inside.rackDomain ?? node.gpus) / node.gpus)),
    label: `NVLink rack ${rateText(wire)}`,
  };
}

/** One GPU's data-sheet rate towards the other used GPUs, one direction. */
function insideWire(node: NodeShape, gpus: number, path: LinkKind): number {
  if (path === 'pcie-p2p' || path === 'shm') return slotRate(node);
  const all = node.inside.bytesPerSecond ?? slotRate(node);
  if (path !== 'nvlink-mesh' && path !== 'xgmi') return all;
  // In a mesh each peer has its own links: a smaller group uses its share of them.
  const { generation } = node.accelerator.link;
  return (all * linkShare(gpus, node.gpus, generation)) / linkShare(node.gpus, node.gpus, generation);
}

/** One direction of the slot a GPU sits in; PCIe doubles by generation, 15.75 GB/s for Gen3 x16. */
export function slotRate(node: NodeShape): number {
  const { pcieGeneration, pcieLanes } = node.host;
  const host = 15.75e9 * 2 ** (pcieGeneration - 3) * (pcieLanes / 16);
  return Math.min(host, node.accelerator.pcieBytesPerSecond ?? host);
}

const NAMES: Partial<Record<LinkKind, string>> = {
  'nvlink-switch': 'NVSwitch',
  'nvlink-rack': 'NVLink rack',
  'nvlink-mesh': 'NVLink mesh',
  'nvlink-bridge': 'NVLink bridge',
  xgmi: 'xGMI',
  neuronlink: 'NeuronLink',
  ici: 'ICI',
  'gaudi-roce': 'RoCE on chip',
};

/** `NVLink mesh 100 GB/s`: what joins the GPUs of a board, with one GPU's rate. */
export function meshLabel(path: LinkKind, wire: number): string {
  return `${NAMES[path] ?? path} ${rateText(wire)}`;
}

function insideLabel(path: LinkKind, wire: number, node: NodeShape): string {
  if (NAMES[path] !== undefined) return meshLabel(path, wire);
  if (path === 'pcie-p2p') return `PCIe Gen${node.host.pcieGeneration} peer-to-peer ${rateText(wire)}`;
  return 'PCIe without peer-to-peer (SHM)';
}

function betweenLabel(kind: LinkKind, perGpu: number, gpus: number): string {
  const rate = gpus === 1 ? rateText(perGpu) : `${rateText(perGpu)} per GPU`;
  const named: Partial<Record<LinkKind, string>> = {
    'efa-gdr': `EFA ${rate}, GPUDirect RDMA`,
    efa: `EFA ${rate}, no GPUDirect RDMA`,
    infiniband: `InfiniBand ${rate}`,
    roce: `RoCE ${rate}`,
    'rdma-host': `RDMA ${rate}, through host memory`,
    tcpx: `GPUDirect-TCPX ${rate}`,
  };
  return named[kind] ?? `TCP ${rate}`;
}

function rateText(bytesPerSecond: number): string {
  const gigabytes = bytesPerSecond / GIGA;
  return `${gigabytes >= 100 ? Math.round(gigabytes) : Number(gigabytes.toFixed(gigabytes < 10 ? 2 : 1))} GB/s`;
}
