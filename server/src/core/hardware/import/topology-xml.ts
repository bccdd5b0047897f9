import type { Path } from '../../source';
import type { Transport } from '../records';
import type { Fact, Facts, GpuLink, PcieLink, Reading, Wiring } from './facts';
import { acceleratorOfDevice } from './pci-ids';
import { type Tag, tagsOf } from './xml-tags';

/** Devices of one kind; more are in no machine. */
const MOST = 1024;

interface Gpu {
  readonly tag: Tag;
  /** Its PCI node, whose device number tells the model. */
  readonly slot: Tag | undefined;
  /** CPU and PCI nodes above it, the CPU first. */
  readonly above: readonly Tag[];
  readonly peers: Set<string>;
  links: number;
  switched: boolean;
}

/** Whether a text is the topology that `NCCL_TOPO_DUMP_FILE` writes. */
export function isTopologyXml(text: string): boolean {
  const start = text.slice(0, 4000);
  return /^\s*(?:<\?xml[^>]*>\s*)?(?:<!--[\s\S]*?-->\s*)?<system[\s>]/.test(start);
}

/** Reads a topology that NCCL or RCCL dumped, or one that a cloud ships for its machines. */
export function readTopologyXml(path: Path, text: string): Reading {
  const tree = new Tree();
  for (const tag of tagsOf(path, text)) tree.tag(tag);
  return { formats: ['NCCL topology XML'], facts: tree.facts(), remarks: [] };
}

/** A network device and the PCI node of its card. */
interface Card {
  readonly tag: Tag;
  readonly slot: Tag | undefined;
}

class Tree {
  private readonly open: Tag[] = [];
  private gpus: Gpu[] = [];
  private readonly bare: Gpu[] = [];
  private readonly cards: Tag[] = [];
  private readonly cpus: Tag[] = [];
  private readonly nets: Card[] = [];
  private gpu: Gpu | undefined;
  private link: Tag | undefined;
  private c2c: Tag | undefined;
  private xgmi = false;

  tag(tag: Tag): void {
    const { name } = tag;
    if (name.startsWith('/')) this.close(name.slice(1));
    else {
      this.enter(tag);
      if (this.open.length < 100) this.open.push(tag);
    }
  }

  private close(name: string): void {
    if (this.open.at(-1)?.name === name) this.open.pop();
    if (name === 'gpu') this.gpu = undefined;
  }

  private enter(tag: Tag): void {
    const { name, attributes } = tag;
    if (name === 'cpu') this.cpus.push(tag);
    else if (name === 'pci') this.device(tag);
    else if (name === 'gpu') {
      const above = this.open.filter(isAbove);
      this.gpu = { tag, slot: above.at(-1), above, peers: new Set(), links: 0, switched: false };
      if (this.gpus.length < MOST) this.gpus.push(this.gpu);
    } else if (name === 'net') this.nets.push({ tag, slot: this.open.findLast(({ name: above }) => above === 'pci') });
    else if (name === 'c2c') this.c2c ??= tag;
    else if (name === 'nvlink' || name === 'xgmi') this.join(tag, attributes);
  }

  /** Topologies that are shipped for a machine name its devices by class only: 03 is a GPU, 02 a network card. */
  private device(tag: Tag): void {
    const kind = tag.attributes.class?.slice(0, 4);
    const bare = { tag, slot: tag, above: [...this.open.filter(isAbove), tag], peers: new Set<string>() };
    if (kind === '0x03' && this.bare.length < MOST) this.bare.push({ ...bare, links: 0, switched: false });
    else if (kind === '0x02') this.cards.push(tag);
  }

  private join(tag: Tag, { target = '', count, tclass }: Tag['attributes']): void {
    if (!this.gpu || tclass === '0x060400' || tclass?.startsWith('0x06040')) return;
    this.link ??= tag;
    this.xgmi ||= tag.name === 'xgmi';
    this.gpu.links += Number(count) || 0;
    this.gpu.peers.add(target.toLowerCase());
    // Class 0680 is an NVSwitch, 03 a GPU.
    if (tclass?.startsWith('0x0680')) this.gpu.switched = true;
  }

  facts(): Facts {
    if (this.gpus.length === 0) this.gpus = this.bare;
    const [gpu] = this.gpus;
    const [cpu] = this.cpus;
    return {
      ...(gpu && { [gpu.tag.name === 'gpu' ? 'gpusPerNode' : 'gpusInMachine']: fact(this.gpus.length, gpu.tag) }),
      ...(gpu && modelOf(gpu)),
      link: this.linkOf(),
      pcie: gpu && slotOf(gpu),
      c2c: this.c2c && fact(true, this.c2c),
      ...(cpu && { numaNodes: fact(this.cpus.length, cpu), cpuVendor: vendorOf(cpu) }),
      ...this.networkOf(),
    };
  }

  private linkOf(): Fact<GpuLink> | undefined {
    const [gpu] = this.gpus;
    if (!gpu || this.gpus.length < 2) return undefined;
    const block = this.gpus.length;
    const base = { modelGBps: undefined, switched: gpu.switched };
    if (this.link) {
      const least = Math.min(...this.gpus.map(({ peers }) => peers.size));
      const all = this.gpus.every(({ switched }) => switched) || least >= block - 1;
      const name = this.xgmi ? ('xgmi' as const) : ('nvlink' as const);
      const wiring: Wiring = all ? name : `${name}-pairs`;
      const value = { ...base, wiring, links: gpu.links || undefined, block: all ? block : least + 1 };
      return fact(value, this.link);
    }
    // Without a `gpu` node NVLinks are not told, so nothing follows from their absence.
    if (gpu.tag.name !== 'gpu') return undefined;
    const cpus = new Set(this.gpus.map(({ above }) => above[0]));
    const roots = new Set(this.gpus.map(({ above }) => above[1]));
    // A bridge above two GPUs joins them without the CPU; the GPU's own PCI node is its slot.
    const bridged = roots.size === 1 && this.gpus.every(({ above }) => above.length > 2);
    const wiring = cpus.size > 1 ? 'sockets' : bridged ? 'pcie-switch' : 'host-bridge';
    return fact({ ...base, wiring, links: undefined, block: 1 }, gpu.tag);
  }

  private networkOf(): Facts {
    // Sockets are there on every machine; cards with GPUDirect or a GUID of their own are what training uses.
    const cards = this.nets.filter(
      ({ tag: { attributes } }) => attributes.gdr === '1' || !/^(eth|en|bond|ib|docker|lo)/.test(attributes.name ?? ''),
    );
    const [card] = cards;
    const [bare] = this.cards;
    if (!card) return bare && this.nets.length === 0 ? { nics: fact(this.cards.length, bare) } : {};
    const { gdr, speed } = card.tag.attributes;
    const gbps = Number(speed) / 1000;
    const transport = gdr === undefined ? undefined : transportOf(card, gdr === '1');
    return {
      nics: fact(cards.length, card.tag),
      nicGbps: gbps > 0 ? fact(gbps, card.tag) : undefined,
      gpudirect: gdr === undefined ? undefined : fact(gdr === '1', card.tag),
      transport: transport && fact(transport, card.slot ?? card.tag),
    };
  }
}

/** Vendor 1d0f is Amazon; class 0207 an InfiniBand card, 0200 an Ethernet card that does RDMA. */
function transportOf({ slot, tag }: Card, gpudirect: boolean): Transport | undefined {
  const { vendor, class: kind } = slot?.attributes ?? {};
  if (vendor === '0x1d0f') return gpudirect ? 'efa-gdr' : 'efa';
  if (!/^(mlx|ib|bnxt|irdma|ionic)/.test(tag.attributes.name ?? '')) return undefined;
  if (!gpudirect) return 'rdma-host';
  return kind?.startsWith('0x0207') ? 'infiniband' : kind?.startsWith('0x0200') ? 'roce' : undefined;
}

function isAbove({ name }: Tag): boolean {
  return name === 'cpu' || name === 'pci';
}

function fact<T>(value: T, tag: Tag): Fact<T> {
  return { value, origin: tag.origin };
}

function modelOf({ tag, slot }: Gpu): Facts {
  const { vendor, device } = slot?.attributes ?? {};
  const plain = (id: string): string => id.replace(/^0x/, '');
  // Topologies that are shipped for a machine may have no numbers.
  const isNumbered = slot && vendor && device && !/^0x(0000|ffff)$/.test(vendor);
  const name = isNumbered && (acceleratorOfDevice(vendor, device) ?? `PCI device ${plain(vendor)}:${plain(device)}`);
  return {
    computeCapability: capabilityOf(tag),
    architecture: architectureOf(tag),
    gpuName: name && slot ? fact(name, slot) : undefined,
  };
}

/** What RCCL writes of the chip: `gfx942`, or its number in older releases (910 is gfx90a), and the catalog's architecture. */
const AMD: Readonly<Record<string, string>> = {
  '910': 'CDNA2',
  gfx90a: 'CDNA2',
  '940': 'CDNA3',
  '942': 'CDNA3',
  gfx942: 'CDNA3',
  gfx950: 'CDNA4',
};

function architectureOf(tag: Tag): Fact<string> | undefined {
  const value = AMD[tag.attributes.gcn ?? ''];
  return value === undefined ? undefined : fact(value, tag);
}

/** `sm="90"` is compute capability 9.0; RCCL writes its own numbers in `gcn`. */
function capabilityOf(tag: Tag): Fact<string> | undefined {
  const { sm, gcn } = tag.attributes;
  const value = Number(sm);
  if (gcn !== undefined || !(value >= 30)) return undefined;
  return fact(`${Math.floor(value / 10)}.${value % 10}`, tag);
}

const SPEEDS: readonly (readonly [string, PcieLink['generation']])[] = [
  ['64', 6],
  ['32', 5],
  ['16', 4],
  ['8', 3],
];

/** The narrowest of the links between CPU and GPU whose speed is told. */
function slotOf({ above }: Gpu): Fact<PcieLink> | undefined {
  let worst: Fact<PcieLink> | undefined;
  for (const tag of above) {
    const { link_speed: speed = '', link_width: width } = tag.attributes;
    const generation = SPEEDS.find(([start]) => new RegExp(`^${start}(\\.0)? ?GT`).test(speed))?.[1];
    const lanes = ([1, 2, 4, 8, 16] as const).find((count) => count === Number(width));
    if (generation === undefined || lanes === undefined) continue;
    const rate = 2 ** generation * lanes;
    if (!worst || rate < 2 ** worst.value.generation * worst.value.lanes)
      worst = fact({ generation, lanes, modelled: false }, tag);
  }
  return worst;
}

function vendorOf(tag: Tag): Facts['cpuVendor'] {
  const { arch, vendor = '' } = tag.attributes;
  if (arch === 'arm64' || arch === 'aarch64') return fact('Arm', tag);
  if (vendor.includes('Intel')) return fact('Intel', tag);
  return vendor === '' ? undefined : fact(vendor.includes('AMD') ? 'AMD' : 'other', tag);
}
