import type { HardwareCatalog, HardwareMatch } from '../core/catalogs';
import { acceleratorOf } from '../core/hardware/accelerator';
import type { Accelerator } from '../core/hardware/hardware';
import { countedName, nearestNames, plainName, typedName } from '../core/hardware/names';
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
import { Names, Table } from './hardware-table';
import { unpackText } from './packed-text';

/** The parts of the catalog in the order in which `scripts/generate/hardware.mjs` writes them, each parsed when asked for. */
const PARTS = [
  'columns',
  'sources',
  'paths',
  'copies',
  'accelerators',
  'instances',
  'cpus',
  'drives',
  'services',
  'acceleratorIds',
  'acceleratorNames',
  'instanceIds',
  'instanceNames',
] as const;
type Part = (typeof PARTS)[number];
type TablePart = 'accelerators' | 'instances' | 'cpus' | 'drives' | 'services';

let loaded: HardwareCatalog | undefined;

/** The catalog of accelerators, instances and links; unpacked on the first call. */
export function loadHardwareCatalog(): HardwareCatalog {
  loaded ??= catalogOf(unpackText(packedHardware).split('\n\n\n'));
  return loaded;
}

function catalogOf(parts: readonly string[]): HardwareCatalog {
  const textOf = (part: Part): string => parts[PARTS.indexOf(part)] ?? '';
  const json = <T>(part: Part) => once(() => JSON.parse(textOf(part)) as T);
  const columns = json<Readonly<Record<TablePart, readonly string[]>>>('columns');
  const table = <T>(part: TablePart) =>
    once(() => {
      const [pool = '', rows = ''] = textOf(part).split('\n\n');
      return new Table<T>({ columns: columns()[part], pool: pool.split('\n'), rows: rows.split('\n') });
    });
  const names = (part: Part) => once(() => new Names(textOf(part)));

  const records = table<AcceleratorRecord>('accelerators');
  const instances = table<InstanceRecord>('instances');
  const cpus = once(
    () =>
      new Map(
        table<CpuRecord>('cpus')()
          .all()
          .map((cpu) => [cpu.id, cpu]),
      ),
  );
  const drives = once(
    () =>
      new Map(
        table<DriveRecord>('drives')()
          .all()
          .map((drive) => [drive.instance, drive]),
      ),
  );
  const services = once(
    () =>
      new Map(
        table<ServiceRecord>('services')()
          .all()
          .map((service) => [service.id, service]),
      ),
  );
  const sources = json<Readonly<Record<string, string>>>('sources');
  const paths = json<readonly PathRecord[]>('paths');
  const copies = json<readonly CopyRecord[]>('copies');
  const acceleratorIds = names('acceleratorIds');
  const acceleratorNames = names('acceleratorNames');
  const instanceIds = names('instanceIds');
  const instanceNames = names('instanceNames');

  // Most runs of a project name one machine, whose accelerator is asked for again and again.
  const made = new Map<number, Accelerator>();
  const acceleratorAt = (place: number): Accelerator[] => {
    const record = made.has(place) ? undefined : records().at(place);
    if (record) made.set(place, acceleratorOf(record));
    return [made.get(place) ?? []].flat();
  };
  const accelerators = once(() =>
    records()
      .all()
      .flatMap((_, place) => acceleratorAt(place)),
  );
  const named = (text: string): readonly Accelerator[] =>
    acceleratorNames().places(plainName(text)).flatMap(acceleratorAt);

  const instance = (name: string): InstanceRecord | undefined => {
    const [place] = [...instanceIds().places(name.toLowerCase()), ...instanceNames().places(plainName(name))];
    return place === undefined ? undefined : instances().at(place);
  };
  const accelerator = (name: string): Accelerator | undefined => {
    const [place] = acceleratorIds().places(name);
    return place === undefined ? named(name)[0] : acceleratorAt(place)[0];
  };
  const resolve = (text: string): HardwareMatch | undefined => {
    if (text.length > LONGEST_NAME) return undefined;
    const found = instance(text);
    if (found !== undefined) return { instance: found, accelerator: undefined, count: undefined, others: [] };
    const whole = matchOf(named(text), undefined);
    if (whole !== undefined) return whole;
    const counted = countedName(text);
    if (counted === undefined || counted.count < 1) return undefined;
    return matchOf(named(counted.name), counted.count);
  };

  return {
    resolve,
    accelerator,
    instance,
    nearest: (name, limit) => nearestNames(name, shownNames(accelerators(), instances().all()), limit),
    accelerators,
    instanceIds: () =>
      instances()
        .all()
        .map(({ id }) => id),
    cpu: (id) => cpus().get(id),
    drives: (id) => drives().get(id),
    service: (id) => services().get(id.trim().toLowerCase()),
    paths,
    copies,
    source: (key) => (Object.hasOwn(sources(), key) ? sources()[key] : undefined),
  };
}

const LONGEST_NAME = 200;

function matchOf(found: readonly Accelerator[], count: number | undefined): HardwareMatch | undefined {
  const [accelerator, ...others] = found;
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

function shownNames(
  accelerators: readonly Accelerator[],
  instances: readonly InstanceRecord[],
): readonly { readonly shown: string; readonly plain: string }[] {
  const names = [...accelerators.flatMap((a) => [typedName(a), a.name]), ...instances.map((i) => i.id)];
  return names.map((name) => ({ shown: name, plain: plainName(name) }));
}
