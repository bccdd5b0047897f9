import type { HardwareCatalog, HardwareMatch } from '../core/catalogs';
import { acceleratorOf } from '../core/hardware/accelerator';
import type { Accelerator } from '../core/hardware/hardware';
import {
  acceleratorSpellings,
  countedName,
  instanceSpellings,
  nearestNames,
  plainName,
  typedName,
} from '../core/hardware/names';
import type {
  AcceleratorRecord,
  CopyRecord,
  CpuRecord,
  DriveRecord,
  InstanceRecord,
  PathRecord,
  ServiceRecord,
} from '../core/hardware/records';
import { packedHardware } from '../generated/hardware';
import { unpackText } from './packed-text';

interface Table {
  readonly columns: readonly string[];
  readonly pool: readonly unknown[];
  readonly rows: readonly (readonly unknown[])[];
}

interface Packed {
  readonly sources: Readonly<Record<string, string>>;
  readonly accelerators: Table;
  readonly instances: Table;
  readonly cpus: Table;
  readonly drives: Table;
  readonly services: Table;
  readonly paths: readonly PathRecord[];
  readonly copies: readonly CopyRecord[];
}

let loaded: HardwareCatalog | undefined;

/** The catalog of accelerators, instances and links; unpacked on the first call. */
export function loadHardwareCatalog(): HardwareCatalog {
  loaded ??= catalogOf(JSON.parse(unpackText(packedHardware)) as Packed);
  return loaded;
}

/** The tables of spellings are made only for a text that is not an id: most configs name one. */
function catalogOf(packed: Packed): HardwareCatalog {
  const records = recordsOf<AcceleratorRecord>(packed.accelerators);
  const instances = recordsOf<InstanceRecord>(packed.instances);
  const instanceById = new Map(instances.map((record) => [record.id.toLowerCase(), record]));
  const recordById = new Map(records.map((record) => [record.id, record]));
  // Most runs of a project name one machine, whose accelerator is asked for again and again.
  const made = new Map<string, Accelerator>();
  const accelerators = once(() => records.map(acceleratorOf));
  const byName = once(() => acceleratorIndex(records, accelerators()));
  const instanceByName = once(() => instanceIndex(instances));
  const cpus = once(() => new Map(recordsOf<CpuRecord>(packed.cpus).map((cpu) => [cpu.id, cpu])));
  const drives = once(() => new Map(recordsOf<DriveRecord>(packed.drives).map((drive) => [drive.instance, drive])));

  const instance = (name: string): InstanceRecord | undefined =>
    instanceById.get(name.toLowerCase()) ?? instanceByName().get(plainName(name));
  const accelerator = (name: string): Accelerator | undefined => {
    const record = recordById.get(name);
    if (record === undefined) return byName().get(plainName(name))?.[0];
    const found = made.get(name) ?? acceleratorOf(record);
    made.set(name, found);
    return found;
  };
  const resolve = (text: string): HardwareMatch | undefined => {
    if (text.length > LONGEST_NAME) return undefined;
    const found = instance(text);
    if (found !== undefined) return { instance: found, accelerator: undefined, count: undefined, others: [] };
    const whole = matchOf(byName().get(plainName(text)), undefined);
    if (whole !== undefined) return whole;
    const counted = countedName(text);
    if (counted === undefined || counted.count < 1) return undefined;
    return matchOf(byName().get(plainName(counted.name)), counted.count);
  };

  return {
    resolve,
    accelerator,
    instance,
    nearest: (name, limit) => nearestNames(name, shownNames(accelerators(), instances), limit),
    accelerators,
    instanceIds: () => instances.map((i) => i.id),
    cpu: (id) => cpus().get(id),
    drives: (id) => drives().get(id),
    service: (id) =>
      recordsOf<ServiceRecord>(packed.services).find((service) => service.id === id.trim().toLowerCase()),
    paths: () => packed.paths,
    copies: () => packed.copies,
    source: (key) => (Object.hasOwn(packed.sources, key) ? packed.sources[key] : undefined),
  };
}

const LONGEST_NAME = 200;

function matchOf(found: readonly Accelerator[] | undefined, count: number | undefined): HardwareMatch | undefined {
  const [accelerator, ...others] = found ?? [];
  if (accelerator === undefined) return undefined;
  return { instance: undefined, accelerator, count, others: others.map((a) => a.id), otherAccelerators: others };
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

function instanceIndex(instances: readonly InstanceRecord[]): ReadonlyMap<string, InstanceRecord> {
  const index = new Map<string, InstanceRecord>();
  for (const record of instances) {
    for (const name of instanceSpellings(record)) if (!index.has(name)) index.set(name, record);
  }
  return index;
}

function shownNames(
  accelerators: readonly Accelerator[],
  instances: readonly InstanceRecord[],
): readonly { readonly shown: string; readonly plain: string }[] {
  const names = [...accelerators.flatMap((a) => [typedName(a), a.name]), ...instances.map((i) => i.id)];
  return names.map((name) => ({ shown: name, plain: plainName(name) }));
}

/** Accelerators by spelling; a sure spelling (id, name, alias) beats a loose one, and the first of the catalog the rest. */
function acceleratorIndex(
  records: readonly AcceleratorRecord[],
  accelerators: readonly Accelerator[],
): ReadonlyMap<string, readonly Accelerator[]> {
  const index = new Map<string, Accelerator[]>();
  const add = (name: string, accelerator: Accelerator): void => {
    const known = index.get(name) ?? [];
    if (!known.includes(accelerator)) index.set(name, [...known, accelerator]);
  };
  const spellings = records.map(acceleratorSpellings);
  for (const kind of ['sure', 'loose'] as const) {
    accelerators.forEach((accelerator, i) => {
      for (const name of spellings[i]?.[kind] ?? []) add(name, accelerator);
    });
  }
  return index;
}

function recordsOf<T>({ columns, pool, rows }: Table): readonly T[] {
  return rows.map((row) => {
    const record: Record<string, unknown> = {};
    row.forEach((cell, i) => {
      const column = columns[i];
      if (column === undefined || cell === null) return;
      record[column] = Array.isArray(cell) ? pool[Number(cell[0])] : cell;
    });
    return record as T;
  });
}
