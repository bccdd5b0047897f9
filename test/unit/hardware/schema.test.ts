import { readdirSync, readFileSync } from 'node:fs';
import Ajv from 'ajv';
import { describe, expect, it } from 'vitest';
import { packedHardware } from '../../../server/src/generated/hardware';

const read = (path: string): unknown => JSON.parse(readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8'));
const ajv = new Ajv({
  allErrors: true,
  strict: true,
  allowUnionTypes: true,
  allowMatchingProperties: true,
  strictRequired: false,
});
const checksHardware = ajv.compile(read('schemas/hardware.schema.json') as object);
const checksCluster = ajv.compile(read('schemas/cluster.schema.json') as object);

interface Entry {
  readonly id?: string;
  readonly sources?: readonly string[];
  readonly as_of?: string;
  readonly [key: string]: unknown;
}
interface Data {
  readonly sources: Readonly<Record<string, string>>;
  readonly accelerators: readonly Entry[];
  readonly instances: readonly Entry[];
  readonly cpus: readonly Entry[];
  readonly [key: string]: unknown;
}
const data = read('server/data/hardware.json') as Data;

/** Every object below `value` that names sources. */
function sourced(value: unknown): readonly Entry[] {
  if (Array.isArray(value)) return value.flatMap(sourced);
  if (typeof value !== 'object' || value === null) return [];
  const entry = value as Entry;
  const own = Array.isArray(entry.sources) ? [entry] : [];
  return [...own, ...Object.values(entry).flatMap(sourced)];
}

describe('server/data/hardware.json', () => {
  it('follows its schema', () => {
    checksHardware(data);
    expect(checksHardware.errors ?? []).toEqual([]);
  });

  it('names only sources that it explains', () => {
    const { sources, ...rest } = data;
    const named = sourced(rest).flatMap((entry) => entry.sources ?? []);
    expect(named.length).toBeGreaterThan(300);
    expect([...new Set(named)].filter((key) => sources[key] === undefined)).toEqual([]);
    const prices = data.instances.map((i) => i.price_on_demand as { source: string } | undefined);
    expect(prices.filter((p) => p !== undefined && sources[p.source] === undefined)).toEqual([]);
  });

  it('holds what the catalog promises, each id once', () => {
    expect(data.accelerators.length).toBe(81);
    expect(data.instances.length).toBe(190);
    expect(data.cpus.length).toBe(19);
    for (const name of ['accelerators', 'instances', 'networks', 'storage', 'cpus', 'measured_paths', 'host_copies']) {
      const ids = (data[name] as readonly Entry[]).map((entry) => entry.id);
      expect(new Set(ids).size, name).toBe(ids.length);
    }
  });

  it('refers only to accelerators and CPUs that exist', () => {
    const accelerators = new Set(data.accelerators.map((a) => a.id));
    const cpus = new Set(data.cpus.map((c) => c.id));
    for (const instance of data.instances) {
      if (typeof instance.accelerator === 'string') expect(accelerators, instance.id).toContain(instance.accelerator);
      if (typeof instance.cpu_id === 'string') expect(cpus, instance.id).toContain(instance.cpu_id);
    }
  });

  it('counts A100 bandwidth one way: PCIe and NVLink totals are twice the direction', () => {
    for (const accelerator of data.accelerators) {
      const link = accelerator.link as Record<string, number | null>;
      if (typeof link.bidirectional_gb_s !== 'number') continue;
      expect(link.unidirectional_gb_s, accelerator.id).toBeCloseTo(link.bidirectional_gb_s / 2, 6);
    }
  });

  it('is packed to less than 50 KB', () => {
    expect(packedHardware.length).toBeLessThan(50_000);
  });
});

describe('the schema of the catalog', () => {
  const broken = (change: (copy: { accelerators: Record<string, unknown>[] }) => void): boolean => {
    const copy = structuredClone(data) as unknown as { accelerators: Record<string, unknown>[] };
    change(copy);
    return checksHardware(copy);
  };

  it.each<[string, (first: Record<string, unknown>) => void]>([
    ['a record without sources', (first) => delete first.sources],
    ['a record with an empty list of sources', (first) => Object.assign(first, { sources: [] })],
    ['a record without a date', (first) => delete first.as_of],
    ['a figure without a unit', (first) => Object.assign(first.memory as object, { bandwidth: 900 })],
    ['a figure in another unit', (first) => Object.assign(first.link as object, { unidirectional_mb_s: 900 })],
    ['a negative figure', (first) => Object.assign(first.memory as object, { bandwidth_gb_s: -1 })],
  ])('refuses %s', (_, change) => {
    expect(broken((copy) => copy.accelerators[0] !== undefined && change(copy.accelerators[0]))).toBe(false);
  });
});

describe('the schema of a cluster description', () => {
  const folder = 'examples/llama-3-8b-zero3-offload/clusters';
  const files = readdirSync(new URL(`../../../${folder}`, import.meta.url));

  it.each(files)('accepts the example %s', (file) => {
    checksCluster(read(`${folder}/${file}`));
    expect(checksCluster.errors ?? []).toEqual([]);
  });

  it.each<[string, unknown]>([
    ['neither instance nor node', { nodes: 2 }],
    ['both instance and node', { instance: 'p4d.24xlarge', node: { accelerator: 'H100' } }],
    ['an unknown key', { instance: 'p4d.24xlarge', node_count: 2 }],
    ['an unknown transport', { instance: 'p4d.24xlarge', between: { transport: 'ethernet' } }],
    ['no nodes', { instance: 'p4d.24xlarge', nodes: 0 }],
  ])('refuses %s', (_, value) => {
    expect(checksCluster(value)).toBe(false);
  });
});
