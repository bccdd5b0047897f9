import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { recognise } from '../../../server/src/core/dialects/index';
import { parseSource } from '../../../server/src/core/syntax/parse';
import { toPlain } from '../../../server/src/core/syntax/plain';
import { decode } from '../../../server/src/core/text/decode';
import { type Case, DIALECTS, type Recorder } from './cases';

/** Ranks tried until a stated batch divides; the first is what most such files are run on. */
const WORLD_SIZES = [8, 4, 2, 1, 16, 32, 64, 128, 6, 3, 12, 24, 48];

/** Each config of a folder, however deep, as a case of its own at a world size it can have. */
export function corpusCases(recorder: Recorder, folder: string): Case[] {
  const dialects: readonly string[] = DIALECTS[recorder];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(json|ya?ml)$/.test(name))
    .sort()
    .flatMap((name) => {
      const text = decode(readFileSync(path.join(folder, name)));
      if (!text.ok) return [];
      const entry = path.basename(name);
      const source = parseSource(`/${entry}`, text.text);
      const dialect = recognise(source)?.dialect;
      if (!dialect || !dialects.includes(dialect)) return [];
      const plain = toPlain(source.tree.root, /json$/.test(entry) ? 'hjson' : 'yaml');
      return [{ id: name, files: { [entry]: text.text }, entry, dialect, world_size: worldSize(plain) }];
    });
}

/** DeepSpeed's triangle, train = micro × accumulation × ranks, and Accelerate's own number of processes. */
function worldSize(config: unknown): number {
  const values = (typeof config === 'object' && config !== null ? config : {}) as Record<string, unknown>;
  const { num_processes: processes, train_batch_size: train } = values;
  if (typeof processes === 'number' && processes > 0) return processes;
  const micro = values.train_micro_batch_size_per_gpu;
  const steps = values.gradient_accumulation_steps;
  if (typeof train !== 'number') return WORLD_SIZES[0] ?? 8;
  const each = (typeof micro === 'number' ? micro : 1) * (typeof steps === 'number' ? steps : 1);
  const fits = (ranks: number): boolean =>
    typeof micro === 'number' && typeof steps === 'number' ? each * ranks === train : train % (each * ranks) === 0;
  return WORLD_SIZES.find(fits) ?? 8;
}
