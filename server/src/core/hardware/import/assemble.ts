import type { HardwareCatalog } from '../../catalogs';
import { buildCluster } from '../cluster';
import type { Accelerator, Cluster } from '../hardware';
import type { InstanceRecord } from '../records';
import type { Fact, Facts, Origin, Remark } from './facts';
import { candidates, identify } from './identify';
import { type Likeness, looksLike } from './looks-like';
import { insideOf } from './paths';

/** One value of the description and the words it was read from. */
export interface ImportedValue {
  /** Its place in the description: `between.transport`. */
  readonly key: string;
  readonly value: string | number;
  /** Undefined for what the user said with a flag. */
  readonly origin: Origin | undefined;
  readonly because: string | undefined;
}

export interface Imported {
  /** A cluster description (schemas/cluster.schema.json); undefined where it is not known which machine or GPU this is. */
  readonly description: Readonly<Record<string, unknown>> | undefined;
  /** The description as the estimates take it. */
  readonly cluster: Cluster | undefined;
  readonly values: readonly ImportedValue[];
  readonly unknown: readonly { readonly what: string; readonly because: string }[];
  readonly remarks: readonly Remark[];
  readonly looksLike: readonly Likeness[];
}

type Json = Record<string, unknown>;

/** Puts facts into the shape of a cluster description. `hardware` is what the user says it is, by catalog id. */
export function assemble(
  facts: Facts,
  { catalog, hardware }: { readonly catalog: HardwareCatalog; readonly hardware: string | undefined },
): Imported {
  return new Assembly(facts, catalog).run(hardware);
}

class Assembly {
  private readonly values: ImportedValue[] = [];
  private readonly unknown: { what: string; because: string }[] = [];
  private readonly remarks: Remark[] = [];
  private instance: InstanceRecord | undefined;
  private accelerator: Accelerator | undefined;

  constructor(
    private readonly facts: Facts,
    private readonly catalog: HardwareCatalog,
  ) {}

  run(hardware: string | undefined): Imported {
    this.machine(hardware);
    const { instance, accelerator, facts } = this;
    this.size();
    if (!instance) this.host();
    this.inside();
    this.between();
    const known = instance ?? accelerator;
    const built = known && !facts.mig ? this.checked(this.description()) : undefined;
    // A GPU that has a name and is not in the catalog is in none of its machines.
    const likely = accelerator ? [accelerator] : facts.gpuName ? [] : candidates(facts, this.catalog);
    return {
      description: built?.description,
      cluster: built?.cluster,
      values: this.values.filter(({ key }) => !built || has(built.description, key)),
      unknown: this.unknown,
      remarks: this.remarks,
      looksLike: instance ? [] : looksLike(facts, likely, this.catalog),
    };
  }

  /** Which machine this is: as the user says, else as it names itself, else by its GPU. */
  private machine(hardware: string | undefined): void {
    const { facts, catalog } = this;
    const said = hardware === undefined ? undefined : catalog.resolve(hardware);
    const named = facts.instance;
    const record = named && this.named(named.value);
    if (said?.instance) this.asInstance(said.instance, undefined);
    else if (said?.accelerator) this.asAccelerator(said.accelerator, undefined);
    else if (record?.accelerator !== undefined) this.asInstance(record, named?.origin);
    else {
      if (named) {
        const near = nearestText(catalog.nearest(named.value, 3));
        const message = `The machine names itself ${named.value}, which is not in the catalog${near}`;
        this.remarks.push({ message, origin: named.origin });
      }
      this.byName();
    }
  }

  /** `p4d.24xlarge`, or `P4d` as older plug-ins print it, where only one size of the family has as many GPUs. */
  private named(name: string): InstanceRecord | undefined {
    const { catalog, facts } = this;
    const exact = catalog.instance(name);
    if (exact) return exact;
    const least = facts.gpusPerNode?.value ?? facts.gpusInMachine?.value ?? 1;
    const family = `${name.toLowerCase()}.`;
    const sizes = catalog
      .instanceIds()
      .flatMap((id) => (id.startsWith(family) ? (catalog.instance(id) ?? []) : []))
      .filter((it) => (it.accelerator_count ?? 0) >= least);
    return sizes.length === 1 ? sizes[0] : undefined;
  }

  private byName(): void {
    const { facts, catalog } = this;
    const { gpuName, gpuMemoryMiB } = facts;
    if (!gpuName) {
      this.unknown.push({ what: 'accelerator', because: whyNoGpu(facts, catalog) });
      return;
    }
    const { accelerator, others, nearest } = identify(gpuName.value, gpuMemoryMiB?.value, catalog);
    if (!accelerator) {
      const size = gpuMemoryMiB ? ` with ${Math.round(gpuMemoryMiB.value / 1024)} GiB` : '';
      const because = `${gpuName.value}${size} is not in the catalog${nearestText(nearest)}`;
      this.unknown.push({ what: 'accelerator', because });
      return;
    }
    if (others.length > 0)
      this.remarks.push({ message: `${gpuName.value} could also be ${others.join(', ')}`, origin: gpuName.origin });
    this.asAccelerator(accelerator, gpuName.origin);
  }

  private asInstance(record: InstanceRecord, origin: Origin | undefined): void {
    this.instance = record;
    this.accelerator = record.accelerator === undefined ? undefined : this.catalog.accelerator(record.accelerator);
    this.add('instance', record.id, origin);
    const { gpuName, gpuMemoryMiB } = this.facts;
    if (!gpuName) return;
    const seen = identify(gpuName.value, gpuMemoryMiB?.value, this.catalog);
    if (seen.accelerator?.id !== record.accelerator && !seen.others.includes(record.accelerator ?? ''))
      this.remarks.push({
        message: `${record.id} has ${this.accelerator?.name ?? 'another GPU'}, and ${gpuName.value} was read`,
        origin: gpuName.origin,
      });
  }

  private asAccelerator(accelerator: Accelerator, origin: Origin | undefined): void {
    this.accelerator = accelerator;
    this.add('node.accelerator', accelerator.id, origin);
  }

  private size(): void {
    const { nodes, gpusPerNode, gpusInMachine } = this.facts;
    const used = gpusPerNode ?? gpusInMachine;
    const most = this.instance?.accelerator_count;
    const count = gpusInMachine ?? gpusPerNode;
    if (!this.instance && count) this.take('node.count', count);
    if (nodes) this.take('nodes', nodes);
    else this.unknown.push({ what: 'nodes', because: 'only a log of a run tells how many took part' });
    if (used && most !== undefined && used.value > most)
      this.remarks.push({
        message: `${this.instance?.id} has ${most} GPUs, and ${used.value} were read`,
        origin: used.origin,
      });
    else if (used) this.take('gpusPerNode', used);
    else this.unknown.push({ what: 'GPUs per node', because: 'nothing that was read counts them' });
    if (nodes && nodes.value > 1 && used?.value === 1 && (most ?? count?.value ?? 1) > 1)
      this.remarks.push({
        message:
          'Each node uses one GPU of several: if the nodes are pods that share a machine, `nodesPerMachine` says so',
        origin: nodes.origin,
      });
  }

  private host(): void {
    const { hostMemoryGiB, vcpus, sockets, pcie, cpuName } = this.facts;
    if (hostMemoryGiB) this.take('node.hostMemoryGiB', hostMemoryGiB);
    else this.unknown.push({ what: 'host memory', because: '/proc/meminfo tells it (`cat /proc/meminfo`)' });
    if (vcpus) this.take('node.vcpus', vcpus);
    if (cpuName) this.take('node.cpu', { value: this.cpuId(cpuName.value), origin: cpuName.origin });
    else this.unknown.push({ what: 'CPU', because: '`lscpu` tells it' });
    if (sockets) this.take('node.sockets', sockets);
    // NCCL's 12 is Gen3 x16 and Gen4 x8 alike.
    if (pcie && (!pcie.value.modelled || pcie.value.generation > 3)) {
      const because = pcie.value.modelled ? 'as NCCL counts it; a virtual machine may hide the slot' : undefined;
      this.add('node.pcieGeneration', pcie.value.generation, pcie.origin, because);
      if (!pcie.value.modelled) this.add('node.pcieLanes', pcie.value.lanes, pcie.origin);
    }
  }

  /** The catalog's CPU of the same model number, else the name as it stands. */
  private cpuId(name: string): string {
    const { catalog } = this;
    const words =
      name
        .toLowerCase()
        .replace(/ v(\d)\b/, 'v$1')
        .match(/[a-z0-9]+/g) ?? [];
    const models = new Set<string>(words.filter((word) => /\d/.test(word) && word.length >= 4));
    const ids = new Set(catalog.instanceIds().flatMap((id) => catalog.instance(id)?.cpu_id ?? []));
    return [...ids].find((id) => id.split('-').some((part) => models.has(part))) ?? name;
  }

  private inside(): void {
    const found = insideOf(this.facts, this.accelerator);
    if (!found) return;
    if ('path' in found) this.add('inside.path', found.path, found.origin, found.because);
    // A machine of the catalog has its usual path there.
    else if (!this.instance || this.facts.inside)
      this.unknown.push({ what: 'path between the GPUs of a node', because: found.unknown });
  }

  private between(): void {
    const { nodes, transport, nicsUsed, nics, nicGbps } = this.facts;
    const several = nodes !== undefined && nodes.value > 1;
    // A machine of the catalog has its network there; one node's run does not show another.
    if (this.instance && !several) return;
    if (transport) this.take('between.transport', transport);
    else this.unknown.push({ what: 'network between nodes', because: whyNoNetwork(this.facts, several) });
    if (transport?.value === 'nvlink') return;
    const most = this.instance?.efa?.interfaces ?? this.instance?.fabric?.nics;
    const cards = nicsUsed ?? (this.instance ? undefined : nics);
    if (cards && (this.instance ? cards.value < (most ?? Number.POSITIVE_INFINITY) : transport))
      this.take('between.nicsPerNode', cards);
    if (nicGbps && !this.instance && transport) this.take('between.gbpsPerNic', nicGbps);
    else if (!this.instance && transport)
      this.unknown.push({ what: 'rate of the network', because: 'no line tells it' });
  }

  private take(key: string, fact: Fact<string | number>): void {
    this.add(key, fact.value, fact.origin);
  }

  private add(key: string, value: string | number, origin: Origin | undefined, because?: string): void {
    this.values.push({ key, value, origin, because });
  }

  private description(): Json {
    const description: Json = {};
    for (const { key, value } of this.values) {
      const [first = '', second] = key.split('.');
      if (second === undefined) description[first] = value;
      else description[first] = { ...((description[first] as Json | undefined) ?? {}), [second]: value };
    }
    const { node, instance, nodes, gpusPerNode, inside, between } = description;
    const ordered = { instance, node, nodes, gpusPerNode, inside, between };
    return Object.fromEntries(Object.entries(ordered).filter(([, value]) => value !== undefined));
  }

  /** What the estimates would refuse is left out, and said: a description that cannot be used helps no one. */
  private checked(description: Json): { description: Json; cluster: Cluster | undefined } | undefined {
    const tries: readonly (readonly string[])[] = [[], ['inside'], ['between'], ['inside', 'between']];
    for (const without of tries) {
      const kept = Object.fromEntries(Object.entries(description).filter(([key]) => !without.includes(key)));
      const built = buildCluster({ hardware: kept }, { catalog: this.catalog });
      if ('cluster' in built) return { description: kept, cluster: built.cluster };
      if (without.length === 0) this.remarks.push({ message: built.problem.replace(/\.$/, ''), origin: undefined });
    }
    return undefined;
  }
}

function has(description: Json, key: string): boolean {
  return description[key.split('.')[0] ?? ''] !== undefined;
}

function nearestText(nearest: readonly string[]): string {
  return nearest.length > 0 ? `; the nearest there: ${nearest.join(', ')}` : '';
}

function whyNoGpu(facts: Facts, catalog: HardwareCatalog): string {
  const could = candidates(facts, catalog);
  const how = 'add the output of `nvidia-smi` (or `rocm-smi --showproductname`), or name it with --hardware';
  if (!could || could.length === 0 || could.length > 8) return `nothing that was read names the GPU; ${how}`;
  const { links, modelGBps, wiring } = facts.link?.value ?? {};
  const fabric = wiring?.startsWith('xgmi') ? 'xGMI' : 'NVLink';
  const seen = links
    ? `${links} ${fabric}s`
    : modelGBps
      ? `${modelGBps} GB/s of ${fabric}`
      : wiring
        ? fabric
        : 'The chip';
  return `${seen} would fit ${could.map(({ id }) => id).join(', ')}; ${how}`;
}

function whyNoNetwork({ gpudirect, ncclVersion }: Facts, several: boolean): string {
  if (!ncclVersion && !several) return 'a log of a run on several nodes tells it (NCCL_DEBUG=INFO)';
  return gpudirect
    ? 'the log does not name the network plug-in'
    : 'the log does not show whether the cards reach the GPUs directly';
}
