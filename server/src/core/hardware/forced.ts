import type { ClusterDescription } from './description';
import type { Accelerator, Cluster, LinkKind } from './hardware';
import type { Transport } from './records';

/** Paths that a run takes because its environment says so, whatever the machine has. */
export interface ForcedPaths {
  readonly inside?: 'shm' | undefined;
  readonly transport?: Transport | undefined;
  /** Network cards that each node gets. */
  readonly nics?: number | undefined;
  /** Why, for the assumptions: `NCCL_P2P_DISABLE=1`. */
  readonly because: readonly string[];
}

const DIRECT = new Set<LinkKind>(['nvlink-switch', 'nvlink-rack', 'nvlink-mesh', 'nvlink-bridge', 'xgmi', 'pcie-p2p']);
const VERBS = new Set<LinkKind>(['infiniband', 'roce', 'rdma-host']);
const EFA = new Set<LinkKind>(['efa', 'efa-gdr']);

/** A variable of the launch line that is set to a plain value. */
export type Environment = (name: string) => string | undefined;

/**
 * What NCCL, its EFA plug-in and libfabric make of their variables on this machine; undefined where they change nothing.
 * Sources: NVIDIA/nccl docs env.rst (2.30), aws/aws-ofi-nccl README, ofiwg/libfabric fi_efa(7).
 */
export function forcedPaths(cluster: Cluster, variable: Environment): ForcedPaths | undefined {
  const { intra, inter, nodes } = cluster;
  const because: string[] = [];
  const isRead = hasNccl(cluster.accelerator);
  const set: Test = (name, accepts) => {
    const value = name.startsWith('NCCL_') && !isRead ? undefined : variable(name)?.trim();
    if (value === undefined || !accepts(value)) return false;
    because.push(`${name}=${value}`);
    return true;
  };
  const never = intra.kind === 'pcie-p2p' ? is(/^(LOC|0|NVL)$/i) : is(/^(LOC|0)$/i);
  const inside = DIRECT.has(intra.kind) && (set('NCCL_P2P_DISABLE', isNcclOn) || set('NCCL_P2P_LEVEL', never));
  const transport = nodes < 2 ? undefined : transportOf(inter.kind, set);
  const fewer = transport === 'tcp' ? undefined : fewerCards(cluster, variable);
  if (fewer !== undefined) because.push(fewer.because);
  const nics = fewer?.nics;
  if (because.length === 0) return undefined;
  return { inside: inside ? 'shm' : undefined, transport, nics, because };
}

/** The resource by which a Kubernetes pod asks for EFA interfaces. */
const EFA_COUNT = 'vpc.amazonaws.com/efa';

/** Fewer cards than the machine has: a pod sees the interfaces that it asks for, and NCCL the adapters that it is told. */
function fewerCards(cluster: Cluster, variable: Environment): { nics: number; because: string } | undefined {
  const { inter, nodes, nicsPerNode = 0 } = cluster;
  if (nodes < 2) return undefined;
  const named = hasNccl(cluster.accelerator) ? variable('NCCL_IB_HCA') : undefined;
  const nics = EFA.has(inter.kind)
    ? Number(variable(EFA_COUNT))
    : VERBS.has(inter.kind) && named !== undefined
      ? adaptersNamed(named, nicsPerNode)
      : undefined;
  if (nics === undefined || !(nics >= 1) || nics >= nicsPerNode) return undefined;
  return { nics, because: EFA.has(inter.kind) ? `${EFA_COUNT}: ${nics}` : `NCCL_IB_HCA=${named}` };
}

/**
 * How many adapters NCCL_IB_HCA leaves; undefined where that depends on the machine: `^mlx5_3` takes some away, `mlx5` names
 * all whose name begins so, and `mlx5_1` without `=` also means mlx5_10 and mlx5_11, which larger machines have.
 */
export function adaptersNamed(value: string, inMachine: number): number | undefined {
  const isExact = value.startsWith('=');
  const names = value
    .replace(/^=/, '')
    .split(',')
    .map((name) => name.trim().replace(/:\d+$/, ''))
    .filter((name) => name !== '');
  const isOpen = (name: string): boolean =>
    name.startsWith('^') ||
    (!isExact && (!/\d$/.test(name) || DRIVER.test(name) || (/\D1$/.test(name) && inMachine > 4)));
  return names.some(isOpen) ? undefined : new Set(names).size;
}

/** The number of a driver, not of an adapter. */
const DRIVER = /^mlx[45]$/;

const OWN_LIBRARY = new Set(['AWS', 'Google', 'Intel', 'Qualcomm']);

/** NVIDIA's collectives are NCCL's, and AMD's RCCL reads the same variables; these vendors have libraries of their own. */
export function hasNccl({ vendor }: Pick<Accelerator, 'vendor'>): boolean {
  return !OWN_LIBRARY.has(vendor);
}

/** NCCL reads its switches as C reads numbers, so that \`true\` is 0 (NVIDIA/nccl src/misc/param.cc ncclLoadParam, strtoll). */
export function isNcclOn(value: string): boolean {
  return Number(/^\s*[+-]?\d+/.exec(value)?.[0] ?? 0) !== 0;
}

function is(values: RegExp): (value: string) => boolean {
  return (value) => values.test(value);
}

type Test = (name: string, accepts: (value: string) => boolean) => boolean;

function transportOf(kind: LinkKind, set: Test): Transport | undefined {
  const isVerbs = VERBS.has(kind);
  const isEfa = EFA.has(kind);
  if (!isVerbs && !isEfa) return undefined;
  if (set('NCCL_NET', is(/^socket$/i))) return 'tcp';
  if (isVerbs && set('NCCL_IB_DISABLE', isNcclOn)) return 'tcp';
  // Libfabric's tcp and sockets providers, or no plug-in at all: NCCL's own sockets are no slower.
  const withoutEfa = isEfa && (set('FI_PROVIDER', is(/^(tcp|sockets|tcp;ofi_rxm)$/i)) || set('NCCL_NET_PLUGIN', NONE));
  // ParallelCluster gives its nodes ordinary network cards instead.
  if (withoutEfa || (isEfa && set('Efa.Enabled', OFF))) return 'tcp';
  const direct = kind === 'efa-gdr' || kind === 'infiniband' || kind === 'roce';
  const off = direct && (set('NCCL_NET_GDR_LEVEL', is(/^(LOC|0)$/i)) || (isEfa && set('FI_EFA_USE_DEVICE_RDMA', OFF)));
  return off ? (isEfa ? 'efa' : 'rdma-host') : undefined;
}

const OFF = is(/^(0|false|no|off)$/i);
const NONE = is(/^none$/i);

/** The description as the run uses it. Sockets use one interface; a bandwidth measured on another path says nothing. */
export function withForced(said: ClusterDescription, forced: ForcedPaths | undefined): ClusterDescription {
  if (!forced) return said;
  const { inside, transport } = forced;
  const nics = transport === 'tcp' ? 1 : forced.nics;
  const cards = nics === undefined ? {} : { nicsPerNode: nics, nicsPerProcess: undefined };
  return {
    ...said,
    inside: inside ? { path: inside, measured: undefined } : said.inside,
    between:
      transport || nics
        ? { ...said.between, ...cards, ...(transport && { transport }), measured: undefined }
        : said.between,
  };
}
