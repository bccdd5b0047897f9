import type { HardwareCatalog } from '../../catalogs';
import type { Accelerator } from '../hardware';
import type { InstanceRecord } from '../records';
import type { Draft } from './draft';
import type { Facts, Origin } from './facts';
import { candidates, identify } from './identify';

/** The machine that the facts are about, as far as the catalog has it. */
export interface Machine {
  readonly instance: InstanceRecord | undefined;
  readonly accelerator: Accelerator | undefined;
}

/** Which machine this is: as the user says by catalog id, else as it names itself, else by its GPU. */
export function whichMachine(
  facts: Facts,
  { catalog, hardware }: { readonly catalog: HardwareCatalog; readonly hardware: string | undefined },
  draft: Draft,
): Machine {
  const said = hardware === undefined ? undefined : catalog.resolve(hardware);
  if (said?.instance) return asInstance(said.instance, undefined, facts, catalog, draft);
  if (said?.accelerator) return asAccelerator(said.accelerator, undefined, draft);
  const named = facts.instance;
  const record = named && instanceNamed(named.value, facts, catalog);
  if (record?.accelerator !== undefined) return asInstance(record, named?.origin, facts, catalog, draft);
  if (named) {
    const near = nearestText(catalog.nearest(named.value, 3));
    draft.remark(`The machine names itself ${named.value}, which is not in the catalog${near}`, named.origin);
  }
  return byGpu(facts, catalog, draft);
}

/** `p4d.24xlarge`, or `P4d` as older plug-ins print it, where only one size of the family has as many GPUs. */
function instanceNamed(name: string, facts: Facts, catalog: HardwareCatalog): InstanceRecord | undefined {
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

function byGpu(facts: Facts, catalog: HardwareCatalog, draft: Draft): Machine {
  const nothing = { instance: undefined, accelerator: undefined };
  const { gpuName, gpuMemoryMiB } = facts;
  if (!gpuName) {
    draft.miss('accelerator', whyNoGpu(facts, catalog));
    return nothing;
  }
  const { accelerator, others, nearest } = identify(gpuName.value, gpuMemoryMiB?.value, catalog);
  if (!accelerator) {
    const size = gpuMemoryMiB ? ` with ${Math.round(gpuMemoryMiB.value / 1024)} GiB` : '';
    draft.miss('accelerator', `${gpuName.value}${size} is not in the catalog${nearestText(nearest)}`);
    return nothing;
  }
  if (others.length > 0) draft.remark(`${gpuName.value} could also be ${others.join(', ')}`, gpuName.origin);
  return asAccelerator(accelerator, gpuName.origin, draft);
}

function asInstance(
  instance: InstanceRecord,
  origin: Origin | undefined,
  { gpuName, gpuMemoryMiB }: Facts,
  catalog: HardwareCatalog,
  draft: Draft,
): Machine {
  const accelerator = instance.accelerator === undefined ? undefined : catalog.accelerator(instance.accelerator);
  draft.add('instance', instance.id, origin);
  const seen = gpuName && identify(gpuName.value, gpuMemoryMiB?.value, catalog);
  if (seen && seen.accelerator?.id !== instance.accelerator && !seen.others.includes(instance.accelerator ?? ''))
    draft.remark(
      `${instance.id} has ${accelerator?.name ?? 'another GPU'}, and ${gpuName.value} was read`,
      gpuName.origin,
    );
  return { instance, accelerator };
}

function asAccelerator(accelerator: Accelerator, origin: Origin | undefined, draft: Draft): Machine {
  draft.add('node.accelerator', accelerator.id, origin);
  return { instance: undefined, accelerator };
}

function nearestText(nearest: readonly string[]): string {
  return nearest.length > 0 ? `; the nearest there: ${nearest.join(', ')}` : '';
}

function whyNoGpu(facts: Facts, catalog: HardwareCatalog): string {
  const could = candidates(facts, catalog);
  const how = 'add the output of `nvidia-smi` (or `rocm-smi --showproductname`), or name it with --hardware';
  if (!could || could.length === 0 || could.length > 8) return `nothing that was read names the GPU; ${how}`;
  return `${seenLink(facts)} would fit ${could.map(({ id }) => id).join(', ')}; ${how}`;
}

/** What narrows the chip down, in words. */
function seenLink({ link, architecture }: Facts): string {
  const { links, modelGBps, wiring } = link?.value ?? {};
  const fabric = wiring?.startsWith('xgmi') ? 'xGMI' : 'NVLink';
  if (architecture) return architecture.value;
  if (links) return `${links} ${fabric}s`;
  if (modelGBps) return `${modelGBps} GB/s of ${fabric}`;
  return wiring ? fabric : 'The chip';
}
