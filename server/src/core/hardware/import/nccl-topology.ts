import type { Fact, GpuLink, PcieLink, Place } from './facts';

/** The system that one rank printed between `=== System` and `====`. */
export interface NcclSystem {
  readonly at: Fact<string>;
  readonly cpus: Fact<string>[];
  /** Bus id with what its branch of the tree carries, GB/s. */
  readonly gpus: Map<string, { readonly pciGBps: number; nvlinkGBps: number; xgmiGBps: number; peers: Set<string> }>;
  readonly nics: Set<string>;
  readonly nets: Map<string, Fact<number>>;
  switched: boolean;
  nvlink: Fact<number> | undefined;
  xgmi: Fact<number> | undefined;
  c2c: Fact<boolean> | undefined;
  pci: Fact<number> | undefined;
  /** PCI vendor and device of a GPU: `10de2324`. */
  chip: Fact<string> | undefined;
}

/** Reads the tree in the order of its lines: some logs lost their indentation, so a link belongs to the node above it. */
export class TopologyBlock {
  readonly system: NcclSystem;
  private branch: { readonly depth: number; readonly gbps: number }[] = [];
  private gpu: string | undefined;

  constructor(at: Fact<string>) {
    this.system = {
      at,
      cpus: [],
      gpus: new Map(),
      nics: new Set(),
      nets: new Map(),
      switched: false,
      nvlink: undefined,
      xgmi: undefined,
      c2c: undefined,
      pci: undefined,
      chip: undefined,
    };
  }

  line(body: string, place: Place): void {
    const cpu = /^CPU\/(\S+) \(([^)]+)\)/.exec(body);
    if (cpu) {
      this.branch = [];
      if (!this.system.cpus.some(({ value }) => value.startsWith(`${cpu[1]} `)))
        this.system.cpus.push({ value: `${cpu[1]} ${cpu[2]}`, origin: place.origin() });
      return;
    }
    const link = /^( *)\+ ([A-Z0-9]+)\[([\d.]+)\] - ([A-Z]+)\/(\S+)(?: \((.*)\))?/.exec(body);
    if (!link) return;
    const [, indent = '', type = '', rate = '', kind = '', id = '', tuple] = link;
    this.link({ depth: indent.length, type, gbps: Number(rate), kind, id, tuple }, place);
  }

  private link(it: TreeLink, place: Place): void {
    const { kind, id, gbps } = it;
    const { system } = this;
    if (it.type === 'NVL' || it.type === 'XGMI') this.joined(it, place);
    else if (it.type === 'C2C') this.superchip(it, place);
    else if (kind === 'NET') system.nets.set(id, { value: netGBps(it.tuple) ?? gbps, origin: place.origin() });
    else if (kind === 'NIC') system.nics.add(id);
    // RCCL puts the device between the switch and the GPU, which is then at no distance (`LOC`).
    else if (kind === 'GPU' || kind === 'DEV') this.device(it, place);
    else if (it.type === 'PCI' && kind === 'PCI') this.enter(it);
  }

  /** On Grace hosts the GPU hangs on its CPU without PCIe between them. */
  private superchip(it: TreeLink, place: Place): void {
    this.system.c2c ??= { value: true, origin: place.origin() };
    if (it.kind === 'GPU') this.device(it, place);
  }

  private device(it: TreeLink, place: Place): void {
    this.gpu = it.id;
    if (it.kind === 'DEV' && /^(10de|1002)[0-9a-f]{12}$/.test(it.tuple ?? ''))
      this.system.chip ??= { value: it.tuple?.slice(0, 8) ?? '', origin: place.origin() };
    if (it.type === 'PCI') this.enter(it);
    const pciGBps = Math.min(...this.branch.map(({ gbps }) => gbps));
    if (!this.system.gpus.has(it.id))
      this.system.gpus.set(it.id, { pciGBps, nvlinkGBps: 0, xgmiGBps: 0, peers: new Set() });
    if (Number.isFinite(pciGBps)) this.system.pci ??= { value: pciGBps, origin: place.origin() };
  }

  private enter(it: TreeLink): void {
    // A sibling or an uncle ends the branches below it; where all depths are alike there is only one branch.
    while ((this.branch.at(-1)?.depth ?? -1) >= it.depth) this.branch.pop();
    this.branch.push({ depth: it.depth, gbps: it.gbps });
  }

  private joined(it: TreeLink, place: Place): void {
    const { system } = this;
    const fact = { value: it.gbps, origin: place.origin() };
    const gpu = this.gpu === undefined ? undefined : system.gpus.get(this.gpu);
    if (it.kind === 'NVS') system.switched = true;
    if (it.kind !== 'CPU') gpu?.peers.add(it.id);
    if (it.type === 'XGMI') {
      system.xgmi ??= fact;
      if (gpu) gpu.xgmiGBps += it.gbps;
    } else {
      system.nvlink ??= fact;
      if (gpu && it.kind !== 'CPU') gpu.nvlinkGBps += it.gbps;
    }
  }
}

interface TreeLink {
  readonly depth: number;
  readonly type: string;
  readonly gbps: number;
  readonly kind: string;
  readonly id: string;
  readonly tuple: string | undefined;
}

/** `(0/guid/1/25.000000)`: the last figure is the card's rate. */
function netGBps(tuple: string | undefined): number | undefined {
  const rate = Number(tuple?.slice(tuple.lastIndexOf('/') + 1));
  return rate > 0 ? rate : undefined;
}

/** How the GPUs of a system are joined, where the tree says it. */
export function linkOf(system: NcclSystem, worstPath: Fact<string> | undefined): Fact<GpuLink> | undefined {
  const gpus = [...system.gpus.values()];
  if (gpus.length < 2) return undefined;
  const modelGBps = Math.max(...gpus.map(({ nvlinkGBps, xgmiGBps }) => Math.max(nvlinkGBps, xgmiGBps)));
  const base = { links: undefined, modelGBps: modelGBps > 0 ? modelGBps : undefined, switched: system.switched };
  const joined = system.nvlink ?? system.xgmi;
  if (joined) {
    const name = system.nvlink ? 'nvlink' : 'xgmi';
    const least = Math.min(...gpus.map(({ peers }) => peers.size));
    const all = system.switched || least >= gpus.length - 1 || worstPath?.value === 'NVL' || worstPath?.value === 'NVB';
    const wiring = all ? name : (`${name}-pairs` as const);
    return { value: { ...base, wiring, block: all ? gpus.length : least + 1 }, origin: joined.origin };
  }
  if (!worstPath) return undefined;
  const wiring = ON_PCIE[worstPath.value];
  return wiring && { value: { ...base, wiring, block: 1 }, origin: worstPath.origin };
}

const ON_PCIE: Readonly<Record<string, GpuLink['wiring']>> = {
  PIX: 'pcie-switch',
  PXB: 'pcie-switch',
  PHB: 'host-bridge',
  SYS: 'sockets',
};

/** NCCL counts lanes × speed / 80: 12 is Gen3 x16 and also Gen4 x8. Other figures come from links it could not read. */
export function pcieOf(gbps: number): PcieLink | undefined {
  const generation = ({ 12: 3, 24: 4, 48: 5, 96: 6 } as const)[Math.round(gbps)];
  return generation === undefined ? undefined : { generation, lanes: 16, modelled: true };
}

/** The `(arch/vendor/model)` of a CPU node; numbers as in NCCL's graph/topo.h. */
export function cpuVendorOf(tuple: string): 'Intel' | 'AMD' | 'Arm' | 'other' | undefined {
  const [arch, vendor] = tuple.split('/').map(Number);
  if (arch === 3) return 'Arm';
  if (arch !== 1) return arch === undefined || Number.isNaN(arch) ? undefined : 'other';
  return vendor === 1 ? 'Intel' : vendor === 2 ? 'AMD' : 'other';
}
