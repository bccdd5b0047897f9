import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { analyze } from '../../server/src/core/analyze';
import { loadCatalogs } from '../../server/src/data/index';
import { exampleFolders } from '../examples';
import { memoryWorkspace, ROOT } from '../memory-workspace';
import { faultsOf } from './faults';
import { mutate, pick } from './mutate';
import { seeded } from './random';

/** What `run.mjs` was asked for. */
export interface Job {
  readonly count: number;
  /** The first seed; each mutation has one of its own, so that a fault can be made again. */
  readonly seed: number;
  /** A folder of configs to mutate beside the examples. */
  readonly corpus: string | undefined;
}

/** Files larger than this are copies of other things, and slow. */
const MAX_BYTES = 64 * 1024;

/** Milliseconds an analysis with all that is shown of it may take on a busy machine. */
const BUDGET_MS = 5000;

/** Mutates and analyses; prints each fault with its seed, and ends with the number of them. */
export function run({ count, seed, corpus }: Job): number {
  const catalogs = loadCatalogs();
  const folders = [...Object.values(exampleFolders()), ...(corpus ? corpusFolders(corpus) : [])];
  const start = performance.now();
  let found = 0;
  let slowest = { milliseconds: 0, label: '' };
  for (let i = 0; i < count; i++) {
    const random = seeded(seed + i);
    const files = { ...pick(folders, random) };
    const names = Object.keys(files);
    const times = 1 + Math.floor(random() * 4);
    for (let time = 0; time < times; time++) {
      const name = pick(names, random);
      files[name] = mutate(files[name] ?? '', random);
    }
    const name = pick(names, random);
    const label = `seed ${seed + i}, ${name}`;
    const began = performance.now();
    const faults = faultsIn(files, name);
    const milliseconds = performance.now() - began;
    if (milliseconds > slowest.milliseconds) slowest = { milliseconds, label };
    if (milliseconds > BUDGET_MS) faults.push(`took ${Math.round(milliseconds)} ms`);
    for (const fault of faults) console.log(`${label}: ${fault}`);
    found += faults.length;
    if ((i + 1) % 10_000 === 0) console.log(`${i + 1} mutations, ${found} faults, ${secondsSince(start)} s`);

    function faultsIn(texts: Readonly<Record<string, string>>, first: string): string[] {
      try {
        const workspace = memoryWorkspace(texts);
        const file = workspace.source(`${ROOT}/${first}`);
        if (!file) return ['cannot be read'];
        return faultsOf(analyze(file, { workspace, catalogs }), { catalogs, workspace }, random);
      } catch (error) {
        return [error instanceof Error ? (error.stack ?? error.message) : String(error)];
      }
    }
  }
  console.log(`${count} mutations of ${folders.length} folders: ${found} faults in ${secondsSince(start)} s.`);
  console.log(`Slowest: ${slowest.label}, ${Math.round(slowest.milliseconds)} ms.`);
  return found;
}

function secondsSince(start: number): number {
  return Math.round((performance.now() - start) / 1000);
}

/** Each config of the corpus alone, and each folder of files that belong together. */
function corpusFolders(folder: string): Record<string, string>[] {
  const found: Record<string, string>[] = [];
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const at = path.join(folder, entry.name);
    if (entry.isDirectory()) found.push(...corpusFolders(at));
    else if (/\.(?:json|jsonc|ya?ml)$/i.test(entry.name) && statSync(at).size <= MAX_BYTES)
      found.push({ [entry.name]: readFileSync(at, 'utf8') });
  }
  return found;
}
