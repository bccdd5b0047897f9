import type { Fact, Facts, Place } from './facts';
import { cpusOf } from './nccl-line';
import { cpuVendorOf, type NcclSystem, pcieOf } from './nccl-topology';

/** What the lines of one host say. */
export interface Host {
  /** Of the largest communicator. */
  readonly ranks: Set<string>;
  /** As channels name them; groups inside the run count from zero again. */
  readonly channelRanks: Set<string>;
  readonly devices: Set<string>;
  readonly affinities: Map<string, readonly string[]>;
  affinityAt: Fact<string> | undefined;
  system: NcclSystem | undefined;
  worstPath: Fact<string> | undefined;
}

/** A host of which nothing was read yet. */
export function newHost(): Host {
  return {
    ranks: new Set(),
    channelRanks: new Set(),
    devices: new Set(),
    affinities: new Map(),
    affinityAt: undefined,
    system: undefined,
    worstPath: undefined,
  };
}

/** How much of a host was read: the fullest one stands for all. */
export function sizeOf(host: Host): number {
  return (host.system?.gpus.size ?? 0) * 1000 + host.ranks.size + host.channelRanks.size;
}

/** Takes in the CPUs near one GPU. */
export function affinity(body: string, state: Host, place: Place): void {
  const found = /GPU (\d+) (?:to|is) ([\da-fA-F,-]+)/.exec(body);
  const cpus = found && cpusOf(found[2] ?? '');
  if (!found || !cpus || cpus.length === 0) return;
  state.affinities.set(found[1] ?? '', cpus);
  state.affinityAt ??= { value: body, origin: place.origin() };
}

/** CPUs near the GPUs; where GPUs are on some sockets only, the others are taken to be as large. */
export function vcpusOf({ affinities, affinityAt }: Host, numa: number | undefined): Fact<number> | undefined {
  if (!affinityAt || numa === undefined) return undefined;
  const lists = new Map([...affinities.values()].map((cpus) => [cpus.join(), cpus]));
  const all = new Set([...lists.values()].flat());
  const whole = lists.size >= numa || lists.size === 0 ? all.size : (all.size / lists.size) * numa;
  return Number.isInteger(whole) ? { value: whole, origin: affinityAt.origin } : undefined;
}

/** NUMA nodes of the host; undefined where a container hides them. */
export function numaOf({ cpus }: NcclSystem): Fact<number> | undefined {
  // Nodes of a rack show the CPUs of every machine: `system-numa`.
  const ids = cpus.map(({ value }) => value.slice(0, value.indexOf(' ')));
  const machine = ids[0]?.split('-')[0];
  const own = cpus.filter((_, index) => !ids[index]?.includes('-') || ids[index]?.split('-')[0] === machine);
  const [first] = own;
  return first && !first.value.startsWith('FFFF') ? { value: own.length, origin: first.origin } : undefined;
}

/** The slot that NCCL's figure for a GPU stands for. */
export function pcieFact(pci: Fact<number>): Facts['pcie'] {
  const value = pcieOf(pci.value);
  return value && { value, origin: pci.origin };
}

/** Who made the CPU. */
export function vendorFact(cpu: Fact<string>): Facts['cpuVendor'] {
  const value = cpuVendorOf(cpu.value.slice(cpu.value.indexOf(' ') + 1));
  return value && { value, origin: cpu.origin };
}
