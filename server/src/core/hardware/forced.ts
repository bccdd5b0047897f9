import type { ClusterDescription } from './description';
import type { Cluster, LinkKind } from './hardware';
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
  const set = (name: string, values: RegExp): boolean => {
    const value = variable(name)?.trim();
    if (value === undefined || !values.test(value)) return false;
    because.push(`${name}=${value}`);
    return true;
  };
  const inside = DIRECT.has(intra.kind) && (set('NCCL_P2P_DISABLE', ON) || set('NCCL_P2P_LEVEL', /^(LOC|0)$/i));
  const transport = nodes < 2 ? undefined : transportOf(inter.kind, set);
  const nics = transport === 'tcp' ? undefined : fewerCards(cluster, variable);
  if (nics !== undefined) because.push(`${EFA_COUNT}: ${nics}`);
  if (because.length === 0) return undefined;
  return { inside: inside ? 'shm' : undefined, transport, nics, because };
}

/** The resource by which a Kubernetes pod asks for EFA interfaces. */
const EFA_COUNT = 'vpc.amazonaws.com/efa';

/** A pod sees the interfaces that it asks for, whatever the machine has. */
function fewerCards({ inter, nodes, nicsPerNode }: Cluster, variable: Environment): number | undefined {
  const count = Number(variable(EFA_COUNT));
  const fewer = nodes > 1 && EFA.has(inter.kind) && count >= 1 && count < (nicsPerNode ?? 0);
  return fewer ? count : undefined;
}

const ON = /^(1|true|yes|on)$/i;
const OFF = /^(0|false|no|off)$/i;

function transportOf(kind: LinkKind, set: (name: string, values: RegExp) => boolean): Transport | undefined {
  const isVerbs = VERBS.has(kind);
  const isEfa = EFA.has(kind);
  if (!isVerbs && !isEfa) return undefined;
  if (set('NCCL_NET', /^socket$/i)) return 'tcp';
  if (isVerbs && set('NCCL_IB_DISABLE', ON)) return 'tcp';
  // Libfabric's tcp and sockets providers, or no plug-in at all: NCCL's own sockets are no slower.
  if (isEfa && (set('FI_PROVIDER', /^(tcp|sockets|tcp;ofi_rxm)$/i) || set('NCCL_NET_PLUGIN', /^none$/i))) return 'tcp';
  const direct = kind === 'efa-gdr' || kind === 'infiniband' || kind === 'roce';
  const off = direct && (set('NCCL_NET_GDR_LEVEL', /^(LOC|0)$/i) || (isEfa && set('FI_EFA_USE_DEVICE_RDMA', OFF)));
  return off ? (isEfa ? 'efa' : 'rdma-host') : undefined;
}

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
