import { describe, expect, it } from 'vitest';
import { analyze } from '../../server/src/core/analyze';
import { bill, billMarkdown } from '../../server/src/core/features/breakdown';
import { lenses } from '../../server/src/core/features/lens';
import { reportEstimate, reportRun } from '../../server/src/core/features/report';
import { loadCatalogs } from '../../server/src/data/index';
import { memoryWorkspace, ROOT } from '../memory-workspace';
import { seeded } from './random';

/**
 * Invariant 2 of server/ARCHITECTURE.md for what is well formed and makes no sense: any value of a model's config.json, of a cluster description
 * or of shardlens.json replaced by another. No figure that comes of it is NaN or endless, since a number that is none must be said to
 * be unknown.
 */

const catalogs = loadCatalogs();

const WEIRD: readonly unknown[] = [
  ...[null, true, false, '', 'x', 'auto', '4096', [], [0], {}, { a: 1 }, 0, -1, 1, 0.5, 3, 1e15, 1e308, -1e308],
];

const DS = {
  bf16: { enabled: true },
  zero_optimization: { stage: 3, offload_optimizer: { device: 'cpu' } },
  train_micro_batch_size_per_gpu: 1,
  gradient_accumulation_steps: 2,
};

const SETTINGS = {
  target: 'box',
  targets: { box: { hardware: 'c.json', nodes: 2, gpusPerNode: 4 } },
  model: './m',
  sequenceLength: 512,
  files: { 'ds*.json': { consumer: 'trainer' } },
};

const CLUSTERS: readonly object[] = [
  {
    instance: 'p4d.24xlarge',
    nodes: 2,
    gpusPerNode: 4,
    inside: { path: 'shm' },
    between: { transport: 'tcp', nicsPerNode: 1 },
  },
  {
    name: 'own',
    node: {
      ...{ accelerator: 'RTX 4090', count: 4, hostMemoryGiB: 256, vcpus: 32, cpu: 'epyc-7r13', sockets: 1 },
      ...{ pcieGeneration: 4, pcieLanes: 16, gpusPerUplink: 2, nvmeGB: 4000, nvmeReadGBps: 6, nvmeWriteGBps: 3 },
    },
    nodes: 2,
    gpusPerNode: 4,
    cpuThreadsPerProcess: 8,
    between: { transport: 'infiniband', gbpsPerNic: 200, nicsPerNode: 4, nicsPerProcess: 1, measuredGBps: 20 },
  },
];

describe('files that make no sense', () => {
  const records = catalogs.models.ids().flatMap((id) => catalogs.models.find(id) ?? []);
  it.each([1, 2, 3, 4])(
    'give no figure that is none (part %i)',
    (part) => {
      for (let i = 0; i < 500; i++) tryOnce(part * 1_000_000 + i, records);
    },
    120_000,
  );
});

function tryOnce(seed: number, records: readonly { readonly config: unknown }[]): void {
  const random = seeded(seed);
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
  const files = {
    'ds.json': structuredClone(DS) as unknown,
    'shardlens.json': structuredClone(SETTINGS) as unknown,
    'c.json': structuredClone(pick(CLUSTERS)) as unknown,
    'm/config.json': structuredClone(pick(records).config),
  };
  const times = 1 + Math.floor(random() * 3);
  for (let i = 0; i < times; i++) change(files[pick(Object.keys(files) as (keyof typeof files)[])], pick);
  const texts = Object.fromEntries(
    Object.entries(files).map(([name, value]) => [name, JSON.stringify(value, null, 2)]),
  );
  const workspace = memoryWorkspace(texts);
  const file = workspace.source(`${ROOT}/ds.json`);
  if (!file) throw new Error('no file');
  const analysis = analyze(file, { workspace, catalogs });
  const label = `seed ${seed}`;
  const figures = analysis.run ? [reportRun(analysis.run), reportEstimate(analysis)] : [];
  allFinite(figures, label);
  const tables = bill(analysis, catalogs);
  const shown = JSON.stringify([analysis.findings(), lenses(analysis, catalogs), tables ? billMarkdown(tables) : '']);
  expect(shown, label).not.toMatch(/NaN|Infinity|undefined|analysis-incomplete/);
}

/** Replaces or removes one value somewhere below. */
function change(value: unknown, pick: <T>(items: readonly T[]) => T): void {
  let at = value;
  for (;;) {
    if (typeof at !== 'object' || at === null) return;
    const keys = Object.keys(at);
    if (keys.length === 0) return;
    const key = pick(keys);
    const child = (at as Record<string, unknown>)[key];
    if (typeof child === 'object' && child !== null && Object.keys(child).length > 0 && pick([true, true, false])) {
      at = child;
      continue;
    }
    if (pick([true, true, true, false])) (at as Record<string, unknown>)[key] = pick(WEIRD);
    else delete (at as Record<string, unknown>)[key];
    return;
  }
}

function allFinite(value: unknown, label: string): void {
  if (typeof value === 'number') expect(Number.isFinite(value), label).toBe(true);
  else if (typeof value === 'object' && value !== null)
    for (const [key, it] of Object.entries(value)) allFinite(it, `${label} ${key}`);
}
