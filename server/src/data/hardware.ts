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
} from '../core/hardware/records';
import { packedHardware } from '../generated/hardware';

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
  readonly paths: readonly PathRecord[];
  readonly copies: readonly CopyRecord[];
}

let loaded: HardwareCatalog | undefined;

/** The catalog of accelerators, instances and links; unpacked on the first call. */
export function loadHardwareCatalog(): HardwareCatalog {
  loaded ??= catalogOf(JSON.parse(packedHardware) as Packed);
  return loaded;
}

function catalogOf(packed: Packed): HardwareCatalog {
  const records = recordsOf<AcceleratorRecord>(packed.accelerators);
  const accelerators = records.map(acceleratorOf);
  const instances = recordsOf<InstanceRecord>(packed.instances);
  const cpus = new Map(recordsOf<CpuRecord>(packed.cpus).map((cpu) => [cpu.id, cpu]));
  const drives = new Map(recordsOf<DriveRecord>(packed.drives).map((drive) => [drive.instance, drive]));
  const byName = acceleratorIndex(records, accelerators);
  const instanceByName = new Map<string, InstanceRecord>();
  for (const record of instances) {
    for (const name of instanceSpellings(record)) if (!instanceByName.has(name)) instanceByName.set(name, record);
  }
  const shown = [
    ...accelerators.flatMap((a) => [typedName(a), a.name].map((name) => ({ shown: name, plain: plainName(name) }))),
    ...instances.map((i) => ({ shown: i.id, plain: plainName(i.id) })),
  ];

  const resolve = (text: string): HardwareMatch | undefined => {
    if (text.length > 200) return undefined;
    const instance = instanceByName.get(plainName(text));
    if (instance !== undefined) return { instance, accelerator: undefined, count: undefined, others: [] };
    const [first, ...others] = byName.get(plainName(text)) ?? [];
    if (first !== undefined)
      return { instance: undefined, accelerator: first, count: undefined, others: others.map((a) => a.id) };
    const counted = countedName(text);
    if (counted === undefined || counted.count < 1) return undefined;
    const inner = byName.get(plainName(counted.name));
    const [chip, ...rest] = inner ?? [];
    if (chip === undefined) return undefined;
    return { instance: undefined, accelerator: chip, count: counted.count, others: rest.map((a) => a.id) };
  };

  return {
    resolve,
    accelerator: (name) => byName.get(plainName(name))?.[0],
    instance: (name) => instanceByName.get(plainName(name)),
    nearest: (name, limit) => nearestNames(name, shown, limit),
    accelerators: () => accelerators,
    instanceIds: () => instances.map((i) => i.id),
    cpu: (id) => cpus.get(id),
    drives: (id) => drives.get(id),
    paths: () => packed.paths,
    copies: () => packed.copies,
    source: (key) => packed.sources[key],
  };
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
