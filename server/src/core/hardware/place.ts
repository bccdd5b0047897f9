import type { HardwareCatalog } from '../catalogs';
import { formatGib } from '../text/format';
import type { ClusterSpec } from './cluster';
import type { ClusterDescription } from './description';
import { withForced } from './forced';
import type { Cluster, Link } from './hardware';
import { hostOfNode } from './host';
import { betweenLink, insideLink, noLink } from './links';
import type { NodeShape } from './node';
import type { Transport } from './records';
import { type Cards, cardsUsed, insidePath, whyImpossible } from './requested';

/** Puts the run on nodes of this shape. */
export function place(
  shape: NodeShape,
  described: ClusterDescription,
  given: Pick<ClusterSpec, 'nodes' | 'gpusPerNode' | 'forced'>,
  catalog: HardwareCatalog,
): { readonly cluster: Cluster } | { readonly problem: string; readonly nearest: readonly string[] } {
  const said = withForced(described, given.forced);
  const node = withHostMemory(shape, said.hostMemoryGiB);
  const nodes = given.nodes ?? said.nodes ?? said.nodesPerMachine ?? 1;
  const perMachine = Math.min(said.nodesPerMachine ?? 1, nodes);
  const gpus = given.gpusPerNode ?? said.gpusPerNode ?? Math.max(1, Math.floor(node.gpus / perMachine));
  const extent = { nodes, gpus, perMachine };
  const impossible = whyImpossible(node, said, extent);
  if (impossible !== undefined) return { problem: impossible, nearest: [] };

  const assumptions = [...node.assumptions];
  const path = insidePath(node, said, assumptions);
  if (gpus > 1 && typeof path !== 'string') return { problem: path.problem, nearest: [] };
  const intra =
    typeof path === 'string'
      ? insideLink(node, gpus, { path, said: said.inside.path !== undefined, measured: said.inside.measured }, catalog)
      : noLink('one GPU');
  const cards = cardsUsed(node, said, extent, assumptions);
  const beyond = nodes > 1 && beyondRack(node, gpus, nodes, cards);
  if (beyond) assumptions.push(`${nodes} nodes are more than one NVLink rack: racks joined by ${beyond.transport}`);
  const inter =
    nodes === 1 ? noLink('one node') : betweenLink(node, gpus, { ...(beyond || cards), nodes }, intra, catalog);
  if (gpus > 1 && intra.basis === 'assumed') assumptions.push(`Speed inside the node assumed: ${intra.label}`);
  if (inter.basis === 'assumed') assumptions.push(`Speed between nodes assumed: ${inter.label}`);
  if (inter.kind === 'roce' && node.instanceId === undefined)
    assumptions.push('RoCE between nodes: switches taken for lossless (PFC and ECN), without which it is slower');
  for (const variable of given.forced?.because ?? []) assumptions.push(`Path taken because of ${variable} at launch`);
  if (perMachine > 1) assumptions.push(`${perMachine} nodes share one machine: memory, CPU and drives divided equally`);
  const count = nodes === 1 ? `${gpus}` : `${nodes} × ${gpus}`;
  const tail = node.instanceId === undefined ? '' : ` (${node.instanceId})`;
  return {
    cluster: {
      label: `${count} × ${node.accelerator.name}${tail}`,
      id: node.id,
      accelerator: node.accelerator,
      meanings: node.meanings,
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

const GIB = 2 ** 30;

/** The machine with the memory that its description gives it. */
function withHostMemory(node: NodeShape, gib: number | undefined): NodeShape {
  if (gib === undefined) return node;
  const before = node.host.memoryBytes;
  const instead = before === undefined ? '' : `, not the ${formatGib(before)} of ${node.id}`;
  const line = `Host memory ${formatGib(gib * GIB)} as the cluster description says (\`hostMemoryGiB\`)${instead}`;
  const others = node.assumptions.flatMap((it) =>
    it.startsWith('Host memory not given') ? [] : it.replace('host memory and CPU not known', 'CPU not known'),
  );
  return { ...node, host: { ...node.host, memoryBytes: gib * GIB }, assumptions: [...others, line] };
}

/** IMEX joins the nodes of one rack; what lies beyond it is reached by the machine's own network. */
function beyondRack(node: NodeShape, gpus: number, nodes: number, cards: Cards): Cards | undefined {
  const rack = node.inside.rackDomain;
  if (cards.transport !== 'nvlink' || rack === undefined || nodes * gpus <= rack) return undefined;
  const { transport, nics, bytesPerSecond, known } = node.between;
  // A description that says `nvlink` has no word left for the network beyond.
  if (transport === 'nvlink') return { transport: 'tcp', nics, wire: undefined, measured: undefined, known: false };
  return { transport, nics, wire: bytesPerSecond, measured: undefined, known };
}

/** With IMEX the switches of a rack make its nodes one NVLink domain. */
function joinedRack(node: NodeShape, transport: Transport, intra: Link): Link {
  const rack = node.inside.rackDomain;
  return transport === 'nvlink' && rack !== undefined ? { ...intra, domain: rack } : intra;
}

function beyondPairs(node: NodeShape, gpus: number, intra: Link, catalog: HardwareCatalog): Link | undefined {
  if (intra.kind !== 'nvlink-bridge' || gpus <= intra.domain) return undefined;
  return insideLink(node, gpus, { path: node.inside.beyondPair, said: true, measured: undefined }, catalog);
}

function sharedPrice(node: NodeShape, perMachine: number): Cluster['pricePerNodeHour'] {
  const price = node.pricePerNodeHour;
  return price === undefined ? undefined : { ...price, usd: price.usd / perMachine };
}
