import type { HardwareCatalog } from '../../catalogs';
import type { Cluster } from '../hardware';
import { coresOfChip } from '../neuron-cores';
import { Draft, type ImportedValue } from './draft';
import type { Facts, Remark } from './facts';
import { candidates } from './identify';
import { type Likeness, looksLike } from './looks-like';
import { insideOf } from './paths';
import { type Machine, whichMachine } from './which-machine';

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

/** Puts facts into the shape of a cluster description. `hardware` is what the user says it is, by catalog id. */
export function assemble(
  facts: Facts,
  options: { readonly catalog: HardwareCatalog; readonly hardware: string | undefined },
): Imported {
  const { catalog } = options;
  const draft = new Draft();
  const machine = whichMachine(facts, options, draft);
  const { instance, accelerator } = machine;
  addSize(facts, machine, draft);
  if (!instance) addHost(facts, catalog, draft);
  addInside(facts, machine, draft);
  addBetween(facts, machine, draft);
  const made = (instance ?? accelerator) && !facts.mig ? draft.made(catalog) : undefined;
  // A GPU that has a name and is not in the catalog is in none of its machines.
  const likely = accelerator ? [accelerator] : facts.gpuName ? [] : candidates(facts, catalog);
  return {
    description: made?.description,
    cluster: made?.cluster,
    values: draft.values.filter(({ key }) => !made || made.description[key.split('.')[0] ?? ''] !== undefined),
    unknown: draft.unknown,
    remarks: draft.remarks,
    looksLike: instance ? [] : looksLike(facts, likely, catalog),
  };
}

function addSize({ nodes, gpusPerNode, gpusInMachine }: Facts, { instance, accelerator }: Machine, draft: Draft): void {
  // neuron-ls counts chips, and a run its cores.
  const coresPerChip = (accelerator && coresOfChip(accelerator)) ?? 1;
  const used = gpusPerNode ?? gpusInMachine;
  const most = instance?.accelerator_count;
  const count = gpusInMachine ?? gpusPerNode;
  if (!instance && count) draft.take('node.count', count);
  if (nodes) draft.take('nodes', nodes);
  else draft.miss('nodes', 'only a log of a run tells how many took part');
  if (used && most !== undefined && used.value > most)
    draft.remark(`${instance?.id} has ${most} GPUs, and ${used.value} were read`, used.origin);
  else if (used) draft.take('gpusPerNode', { ...used, value: used.value * coresPerChip });
  else draft.miss('GPUs per node', 'nothing that was read counts them');
  if (nodes && nodes.value > 1 && used?.value === 1 && (most ?? count?.value ?? 1) > 1)
    draft.remark(
      'Each node uses one GPU of several: if the nodes are pods that share a machine, `nodesPerMachine` says so',
      nodes.origin,
    );
}

function addHost(facts: Facts, catalog: HardwareCatalog, draft: Draft): void {
  const { hostMemoryGiB, vcpus, sockets, pcie, cpuName } = facts;
  if (hostMemoryGiB) draft.take('node.hostMemoryGiB', hostMemoryGiB);
  else draft.miss('host memory', '/proc/meminfo tells it (`cat /proc/meminfo`)');
  if (vcpus) draft.take('node.vcpus', vcpus);
  if (cpuName) draft.add('node.cpu', cpuId(cpuName.value, catalog), cpuName.origin);
  else draft.miss('CPU', '`lscpu` tells it');
  if (sockets) draft.take('node.sockets', sockets);
  // NCCL's 12 is Gen3 x16 and Gen4 x8 alike.
  if (!pcie || (pcie.value.modelled && pcie.value.generation <= 3)) return;
  const because = pcie.value.modelled ? 'as NCCL counts it; a virtual machine may hide the slot' : undefined;
  draft.add('node.pcieGeneration', pcie.value.generation, pcie.origin, because);
  if (!pcie.value.modelled) draft.add('node.pcieLanes', pcie.value.lanes, pcie.origin);
}

/** The catalog's CPU of the same model number, else the name as it stands. */
function cpuId(name: string, catalog: HardwareCatalog): string {
  const words =
    name
      .toLowerCase()
      .replace(/ v(\d)\b/, 'v$1')
      .match(/[a-z0-9]+/g) ?? [];
  const models = new Set<string>(words.filter((word) => /\d/.test(word) && word.length >= 4));
  const ids = new Set(catalog.instanceIds().flatMap((id) => catalog.instance(id)?.cpu_id ?? []));
  return [...ids].find((id) => id.split('-').some((part) => models.has(part))) ?? name;
}

function addInside(facts: Facts, { instance, accelerator }: Machine, draft: Draft): void {
  const found = insideOf(facts, accelerator);
  if (!found) return;
  if ('path' in found) draft.add('inside.path', found.path, found.origin, found.because);
  // A machine of the catalog has its usual path there.
  else if (!instance || facts.inside) draft.miss('path between the GPUs of a node', found.unknown);
  const { link } = facts;
  const isDark = accelerator?.link.path === 'nvlink-switch' && link && !link.value.wiring.startsWith('nvlink');
  if (isDark)
    draft.remark(
      `${accelerator.name} (${accelerator.formFactor}) comes with NVLink, and none was read: its links or the fabric manager may be down`,
      link.origin,
    );
}

function addBetween(facts: Facts, { instance }: Machine, draft: Draft): void {
  const { nodes, transport, nicsUsed, nics, nicGbps } = facts;
  const several = nodes !== undefined && nodes.value > 1;
  // A machine of the catalog has its network there; one node's run does not show another.
  if (instance && !several) return;
  if (transport) draft.take('between.transport', transport);
  else draft.miss('network between nodes', whyNoNetwork(facts, several));
  if (transport?.value === 'nvlink') return;
  const most = instance?.efa?.interfaces ?? instance?.fabric?.nics;
  const cards = nicsUsed ?? (instance ? undefined : nics);
  if (cards && (instance ? cards.value < (most ?? Number.POSITIVE_INFINITY) : transport))
    draft.take('between.nicsPerNode', cards);
  if (nicGbps && !instance && transport) draft.take('between.gbpsPerNic', nicGbps);
  else if (!instance && transport) draft.miss('rate of the network', 'no line tells it');
}

function whyNoNetwork({ gpudirect, ncclVersion }: Facts, several: boolean): string {
  if (!ncclVersion && !several) return 'a log of a run on several nodes tells it (NCCL_DEBUG=INFO)';
  return gpudirect
    ? 'the log does not name the network plug-in'
    : 'the log does not show whether the cards reach the GPUs directly';
}
