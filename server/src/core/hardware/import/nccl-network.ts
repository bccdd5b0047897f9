import type { Transport } from '../records';
import type { Fact, Facts, Place, Remark } from './facts';

/** What a log says about the network: the plug-in, its cards, and how channels between nodes went. */
export class NetworkLines {
  private used: Fact<string> | undefined;
  private provider: Fact<string> | undefined;
  private platform: Fact<string> | undefined;
  private foundNics: Fact<number> | undefined;
  private verbs: Fact<readonly string[]> | undefined;
  private direct: Fact<boolean> | undefined;
  private readonly groups = new Map<string, Set<string>>();
  private channel: Fact<string> | undefined;
  private throughGpu = 0;
  private throughHost: Fact<number> | undefined;
  private readonly devices = new Map<string, Set<string>>();
  private guessedSpeed = false;
  readonly remarks: Remark[] = [];

  line(body: string, host: string, place: Place): void {
    if (body.startsWith('Using network ')) this.used ??= { value: body.slice(14).trim(), origin: place.origin() };
    else if (body.includes('NET/OFI') || body.includes('NET/Plugin')) this.ofi(body, host, place);
    else if (body.startsWith('NET/')) this.net(body, place);
    else if (body.includes('GPU Direct RDMA')) this.gpudirect(body, place);
    else if (body.includes('Defaulting to 10 Gbps')) this.guessedSpeed = true;
  }

  /** `NET/IB/3(8)/GDRDMA/Shared` behind `via`. */
  channelVia(via: string, host: string, place: Place): void {
    const found = /^NET\/(.+?)\/(\d+)(?:\(\d+\))?(\/.*)?$/.exec(via.trim());
    if (!found) return;
    const [, plugin = '', device = '', rest = ''] = found;
    this.channel ??= { value: plugin, origin: place.origin() };
    if (rest.includes('GDRDMA')) this.throughGpu++;
    else this.throughHost ??= { value: 1, origin: place.origin() };
    const seen = this.devices.get(host);
    if (seen) seen.add(device);
    else this.devices.set(host, new Set([device]));
  }

  private ofi(body: string, host: string, place: Place): void {
    const provider = /Selected [Pp]rovider is (\w+)(?:.*\(found (\d+) nics\))?/.exec(body);
    if (provider) {
      this.provider ??= { value: provider[1] ?? '', origin: place.origin() };
      if (provider[2]) this.foundNics ??= { value: Number(provider[2]), origin: place.origin() };
      return;
    }
    const platform = /(?:Running on (\S+) platform|for platform : ([\w.-]+))/.exec(body);
    if (platform) this.platform ??= { value: (platform[1] ?? platform[2] ?? '').trim(), origin: place.origin() };
    const group = /NIC group (\d+) device #\d+ (\S+)/.exec(body);
    if (group) this.groupOf(host, group[1] ?? '', group[2] ?? '');
    if (/NCCL_TOPO_FILE environment variable is already set to\s*$/.test(body))
      this.remark('NCCL_TOPO_FILE is set to nothing, so the platform’s own topology file was not applied', place);
    if (body.includes('disabling GDR')) {
      this.direct ??= { value: false, origin: place.origin() };
      this.remark('The network plug-in switched GPUDirect RDMA off', place);
    }
  }

  private groupOf(host: string, group: string, card: string): void {
    const key = `${host} ${group}`;
    const cards = this.groups.get(key);
    if (cards) cards.add(card);
    else this.groups.set(key, new Set([card]));
  }

  private net(body: string, place: Place): void {
    if (body.includes('GPU Direct RDMA')) this.gpudirect(body, place);
    else if (body.startsWith('NET/IB') && body.includes(': Using ')) {
      const cards = body.match(/\[\d+\][\w.+-]+:\d+\/\w+/g) ?? [];
      if (cards.length > 0) this.verbs ??= { value: cards, origin: place.origin() };
    }
  }

  private gpudirect(body: string, place: Place): void {
    if (/GPU Direct RDMA (?:\(\w+\) )?Enabled/i.test(body)) this.direct = { value: true, origin: place.origin() };
    else if (/GPU Direct RDMA (?:\(\w+\) )?Disabled/i.test(body))
      this.direct ??= { value: false, origin: place.origin() };
  }

  private remark(message: string, place: Place): void {
    if (!this.remarks.some((it) => it.message === message)) this.remarks.push({ message, origin: place.origin() });
  }

  /** `cards` are those of the topology, with their rates in GB/s by the name of the device. */
  facts(cards: { readonly nics: Fact<number> | undefined; readonly rates: ReadonlyMap<string, Fact<number>> }): Facts {
    const plugin = this.channel ?? this.used;
    const gpudirect = this.directOf();
    const transport = plugin && this.transportOf(plugin.value.toLowerCase(), gpudirect?.value);
    return {
      instance: this.platform,
      gpudirect,
      transport: transport && plugin && { value: transport, origin: plugin.origin },
      ...this.cards(cards, plugin?.value.toLowerCase() ?? ''),
    };
  }

  /** What the channels show beats what was announced. */
  private directOf(): Fact<boolean> | undefined {
    const { channel, throughHost } = this;
    if (throughHost) return { value: false, origin: throughHost.origin };
    if (channel && this.throughGpu > 0) return { value: true, origin: channel.origin };
    return this.direct;
  }

  private transportOf(plugin: string, gpudirect: boolean | undefined): Transport | undefined {
    if (/tcpx|fastrak|fasttrak/.test(plugin)) return 'tcpx';
    if (plugin.includes('socket')) return 'tcp';
    if (/libfabric|ofi/.test(plugin)) {
      const provider = this.provider?.value ?? (this.platform ? 'efa' : undefined);
      if (provider === undefined || gpudirect === undefined) return undefined;
      if (provider.startsWith('efa')) return gpudirect ? 'efa-gdr' : 'efa';
      if (provider.startsWith('cxi')) return gpudirect ? 'roce' : 'rdma-host';
      return /tcp|sockets/.test(provider) ? 'tcp' : undefined;
    }
    if (gpudirect === undefined) return undefined;
    if (!gpudirect) return 'rdma-host';
    const isRoce = this.adaptersUsed().some((card) => /RoCE/i.test(card));
    return plugin.startsWith('gib') || isRoce ? 'roce' : 'infiniband';
  }

  /** Adapters that channels went over, as `[1]mlx5_2:1/IB`; all where no channel names one of the list. */
  private adaptersUsed(): readonly string[] {
    const all = this.verbs?.value ?? [];
    const used = new Set([...this.devices.values()].flatMap((devices) => [...devices]));
    const found = all.filter((card) => used.has(/^\[(\d+)\]/.exec(card)?.[1] ?? ''));
    return found.length > 0 ? found : all;
  }

  /** Plug-ins for EFA join several cards into one device: a channel's device then stands for all of its group. */
  private cards({ nics, rates: byDevice }: Parameters<NetworkLines['facts']>[0], plugin: string): Facts {
    const host = [...this.devices].sort((a, b) => b[1].size - a[1].size)[0];
    const groups = [...this.groups].filter(([key]) => key.startsWith(`${host?.[0] ?? ''} `) || host === undefined);
    const perGroup = groups[0]?.[1].size ?? 1;
    const all = this.foundNics ?? (this.verbs && { ...this.verbs, value: this.verbs.value.length }) ?? nics;
    const grouped = groups.length > 0 || this.foundNics === undefined || this.foundNics.value <= (nics?.value ?? 0);
    const isTcp = plugin.includes('socket');
    const rates = ratesUsed(byDevice, host?.[1]);
    // Where a socket's card does not tell its rate, NCCL takes 10 Gbit/s, older versions without a word.
    const guessed = this.guessedSpeed || (isTcp && (rates[0]?.value ?? 0) <= 1.25);
    const rate = guessed ? undefined : rates[0];
    const even = rates.every(({ value }) => value === rate?.value);
    return {
      nics: isTcp ? undefined : all,
      nicsUsed:
        host && this.channel && grouped ? { value: host[1].size * perGroup, origin: this.channel.origin } : undefined,
      nicGbps: rate && even && grouped ? { value: round((rate.value * 8) / perGroup), origin: rate.origin } : undefined,
    };
  }
}

/** Rates of the devices that channels went over; of all where the tree names its devices otherwise than the channels. */
function ratesUsed(
  rates: ReadonlyMap<string, Fact<number>>,
  devices: ReadonlySet<string> | undefined,
): readonly Fact<number>[] {
  const used = [...(devices ?? [])].flatMap((device) => rates.get(device) ?? rates.get(`0-${device}`) ?? []);
  return used.length > 0 && used.length === devices?.size ? used : [...rates.values()];
}

function round(gbps: number): number {
  return Math.round(gbps * 100) / 100;
}
