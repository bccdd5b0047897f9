import type { Fact, Facts, LineReader, Place, Reading, Remark } from './facts';
import { affinity, type Host, newHost, numaOf, pcieFact, sizeOf, vcpusOf, vendorFact } from './nccl-host';
import { ncclLine } from './nccl-line';
import { NetworkLines } from './nccl-network';
import { linkOf, TopologyBlock } from './nccl-topology';
import { acceleratorOfDevice } from './pci-ids';

/** Path types between two GPUs, best first (NCCL graph/topo.h). */
const PATHS = ['LOC', 'NVL', 'NVB', 'C2C', 'PIX', 'PXB', 'P2C', 'PXN', 'PHB', 'SYS', 'NET', 'DIS'];

/** Variables of the run that made the log, under which a path says less about the machine. */
const TELLING =
  /^NCCL_(P2P_DISABLE|P2P_LEVEL|SHM_DISABLE|IB_DISABLE|NET|NET_GDR_LEVEL|IB_CUDA_SUPPORT|MNNVL_ENABLE|NVLS_ENABLE)$/;

interface Communicator {
  readonly ranks: number;
  readonly nodes: number | undefined;
  readonly local: number | undefined;
  readonly rack: boolean;
}

/** Reads what NCCL (and RCCL, its fork) prints with `NCCL_DEBUG=INFO`, versions 2.4 to 2.30; ranks and hosts may be mixed. */
export function ncclReader(): LineReader {
  return new NcclReader();
}

class NcclReader implements LineReader {
  private readonly hosts = new Map<string, Host>();
  private readonly open = new Map<string, TopologyBlock>();
  private readonly network = new NetworkLines();
  private readonly remarks: Remark[] = [];
  private readonly paths = new Map<string, Fact<string>>();
  private world: Fact<Communicator> | undefined;
  private version: Fact<string> | undefined;
  private gpuName: Fact<string> | undefined;

  line(text: string, place: Place): void {
    const it = ncclLine(text);
    if (!it) {
      this.outside(text, place);
      return;
    }
    const { body, host } = it;
    const key = `${host} ${it.thread}`;
    const state = this.hostOf(host);
    if (body.startsWith('=== System')) this.begin(key, body, place);
    else if (body.startsWith('=====')) this.end(key, state);
    else if (this.open.has(key) && /^ *(\+|CPU\/)/.test(body)) this.open.get(key)?.line(body, place);
    else if (body.includes(' via ')) this.channel(body, host, state, place);
    else if (body.startsWith('GPU/')) this.path(body, state, place);
    else if (body.includes('comm 0x')) this.communicator(body, state, place);
    else if (/^(?:Setting affinity for|ncclTopoGetCpuAffinity: Affinity for) GPU/.test(body))
      affinity(body, state, place);
    else if (body.includes(' set by environment to ')) this.variable(body, place);
    else this.rest(body, host, place);
  }

  /** Lines of nccl-tests, which name the GPUs, and NCCL's warnings. */
  private outside(text: string, place: Place): void {
    this.version ??= versionOf(text, place);
    const device = /^#\s+Rank\s+\d+ .*\bdevice\s+\d+ \[\S+\] (.+?)\s*$/.exec(text);
    if (device) this.gpuName ??= { value: device[1] ?? '', origin: place.origin() };
    if (text.includes('NCCL WARN') && text.includes('Failed to open libibverbs'))
      this.remark('NCCL found no libibverbs, so it could not use InfiniBand or RoCE cards', place);
  }

  private remark(message: string, place: Place): void {
    if (!this.remarks.some((it) => it.message === message)) this.remarks.push({ message, origin: place.origin() });
  }

  private rest(body: string, host: string, place: Place): void {
    this.network.line(body, host, place);
    if (body.includes('version')) this.version ??= versionOf(body, place);
  }

  private hostOf(name: string): Host {
    const known = this.hosts.get(name);
    if (known) return known;
    const host = newHost();
    this.hosts.set(name, host);
    return host;
  }

  private begin(key: string, body: string, place: Place): void {
    this.open.set(key, new TopologyBlock({ value: body, origin: place.origin() }));
  }

  private end(key: string, state: Host): void {
    const block = this.open.get(key);
    this.open.delete(key);
    if (block && block.system.gpus.size > (state.system?.gpus.size ?? 0)) state.system = block.system;
  }

  private path(body: string, state: Host, place: Place): void {
    const colon = body.indexOf(' :');
    if (colon < 0) return;
    for (const [, path = ''] of body.slice(colon).matchAll(/GPU\/\S+ \(\d+\/[\d.]+\/([A-Z0-9]+)\)/g)) {
      if (path === 'LOC') continue;
      if (PATHS.indexOf(path) > PATHS.indexOf(state.worstPath?.value ?? 'LOC'))
        state.worstPath = { value: path, origin: place.origin() };
    }
  }

  private channel(body: string, host: string, state: Host, place: Place): void {
    const found =
      /^(?:Channel|Ring) [\d/]+ : (\d+)(?:\[(\w+)\])? -> (\d+)(?:\[\w+\])? (\[send\] |\[receive\] )?via (.+)$/.exec(
        body,
      );
    if (!found) return;
    const [, from = '', device, to = '', , via = ''] = found;
    // The one that receives prints the sender first: only there the first rank is another host's.
    const own = found[4]?.startsWith('[receive') ? to : from;
    state.channelRanks.add(own);
    if (own === from && device !== undefined) state.devices.add(device);
    if (via.startsWith('NET/')) this.network.channelVia(via, host, place);
    const kind = via.startsWith('P2P/MNNVL')
      ? 'rack'
      : via.startsWith('P2P/') && !via.startsWith('P2P/indirect')
        ? 'p2p'
        : via.startsWith('SHM')
          ? 'shm'
          : via.startsWith('NET/')
            ? 'net'
            : undefined;
    if (kind && !this.paths.has(kind)) this.paths.set(kind, { value: via.trim(), origin: place.origin() });
  }

  private communicator(body: string, state: Host, place: Place): void {
    const number = (name: string): number | undefined => {
      const found = new RegExp(`\\b${name} (\\d+)`, 'i').exec(body)?.[1];
      return found === undefined ? undefined : Number(found);
    };
    const ranks = number('nranks');
    const rank = number('rank');
    if (ranks === undefined) return;
    const device = number('cudaDev');
    if (device !== undefined) state.devices.add(String(device));
    const now = this.world?.value;
    const value = {
      ranks,
      nodes: number('nNodes') ?? (now?.ranks === ranks ? now.nodes : undefined),
      local: number('localRanks') ?? (now?.ranks === ranks ? now.local : undefined),
      rack: number('MNNVL') === 1 || (now?.ranks === ranks && now.rack),
    };
    if (ranks > (now?.ranks ?? 0)) for (const host of this.hosts.values()) host.ranks.clear();
    if (rank !== undefined && ranks >= (now?.ranks ?? 0)) state.ranks.add(String(rank));
    const better =
      !now || ranks > now.ranks || (ranks === now.ranks && (value.nodes !== now.nodes || value.rack !== now.rack));
    if (better) this.world = { value, origin: place.origin() };
  }

  private variable(body: string, place: Place): void {
    const found = /^(\w+) set by environment to (.*?)\.?\s*$/.exec(body);
    const name = found?.[1] ?? '';
    if (!TELLING.test(name)) return;
    this.remark(`The run had ${name}=${found?.[2] ?? ''}: its paths are those it takes under this variable`, place);
  }

  done(): Reading | undefined {
    for (const key of this.open.keys()) this.end(key, this.hostOf(key.slice(0, key.lastIndexOf(' '))));
    if (this.hosts.size === 0 && !this.version) return undefined;
    const host = [...this.hosts.values()].sort((a, b) => sizeOf(b) - sizeOf(a))[0];
    const system = host?.system;
    const numa = system && numaOf(system);
    const sizes = this.sizes();
    return {
      formats: ['NCCL log'],
      remarks: [...this.remarks, ...this.network.remarks],
      facts: {
        ...this.network.facts({
          nics: system && system.nics.size > 0 ? { value: system.nics.size, origin: system.at.origin } : undefined,
          rates: system?.nets ?? new Map(),
        }),
        ...sizes,
        ...this.rack(sizes.nodes?.value),
        ...(system && { link: linkOf(system, host?.worstPath) }),
        inside: this.insideOf(),
        pcie: system?.pci && pcieFact(system.pci),
        c2c: system?.c2c,
        cpuVendor: system?.cpus[0] && vendorFact(system.cpus[0]),
        numaNodes: numa,
        vcpus: host && vcpusOf(host, numa?.value),
        ncclVersion: this.version,
        gpuName: this.gpuName ?? (system?.chip && chipName(system.chip)),
      },
    };
  }

  /** Nodes as the launcher counts them. A rack of joined nodes is one node to NCCL: there the hosts of the log are counted. */
  private sizes(): Facts {
    const { world } = this;
    if (!world) return {};
    const { ranks, nodes, local, rack } = world.value;
    const at = <T>(value: T): Fact<T> => ({ value, origin: world.origin });
    if (nodes !== undefined && local !== undefined && !rack) return { nodes: at(nodes), gpusPerNode: at(local) };
    const named = [...this.hosts].filter(([name]) => name !== '').map(([, host]) => host);
    const isTold = named.some((host) => host.ranks.size > 0);
    const counts = named.map((host) => (isTold ? host.ranks : host.channelRanks).size).filter((count) => count > 0);
    const most = Math.max(...counts);
    if (counts.length === 1 && most === ranks && !this.paths.has('net') && !this.paths.has('rack'))
      return { nodes: at(1), gpusPerNode: at(ranks) };
    const sum = counts.reduce((total, count) => total + count, 0);
    const even = counts.every((count) => count === most);
    if (sum === ranks && even) return { nodes: at(counts.length), gpusPerNode: at(most) };
    const devices = Math.max(...named.map((host) => host.devices.size));
    return rack && devices > 0 && ranks % devices === 0 ? { nodes: at(ranks / devices), gpusPerNode: at(devices) } : {};
  }

  /** `P2P/MNNVL` is NVLink through a rack's switches; within one machine it says no more than NVLink. */
  private rack(nodes: number | undefined): Facts {
    const rack = this.paths.get('rack');
    if (!rack) return {};
    const link = { wiring: 'nvlink', links: undefined, modelGBps: undefined, switched: true, block: 1 } as const;
    const joined = { link: { value: link, origin: rack.origin } };
    return nodes === 1 ? joined : { ...joined, transport: { value: 'nvlink', origin: rack.origin } };
  }

  /** The slowest of the paths that ranks of one node took: a ring is as slow as its slowest link. */
  private insideOf(): Facts['inside'] {
    const shm = this.paths.get('shm');
    if (shm) return { value: 'shm', origin: shm.origin };
    const direct = this.paths.get('p2p') ?? this.paths.get('rack');
    return direct && { value: 'p2p', origin: direct.origin };
  }
}

/** The catalog's name of a chip by its PCI ids, else the ids, for which the catalog has nothing. */
function chipName({ value, origin }: Fact<string>): Fact<string> {
  const [vendor, device] = [value.slice(0, 4), value.slice(4)];
  return { value: acceleratorOfDevice(vendor, device) ?? `PCI device ${vendor}:${device}`, origin };
}

function versionOf(text: string, place: Place): Fact<string> | undefined {
  const found = /\b(R?NCCL|RCCL) version[ :]+(\d[\w.+-]*)/.exec(text);
  return found ? { value: `${found[1]} ${found[2]}`, origin: place.origin() } : undefined;
}
