// The long fuzz: node test/fuzz/run.mjs [--count N] [--seed N] [--corpus FOLDER]
// Mutates the examples, and the configs of a folder, and analyses each. Prints every fault with the seed that makes it again
// (--count 1 --seed N), and ends with status 1 when there was one.
import path from 'node:path';
import { parseArgs } from 'node:util';
import { loadSource } from '../../scripts/load-source.mjs';

const { values } = parseArgs({
  options: { count: { type: 'string' }, seed: { type: 'string' }, corpus: { type: 'string' } },
});

// The examples are found from where this file stands.
const define = { 'import.meta.url': JSON.stringify(new URL('../examples.ts', import.meta.url).href) };
const { run } = await loadSource(['test/fuzz/job'], { define });
const faults = run({
  count: Number(values.count ?? 10_000),
  seed: Number(values.seed ?? 1),
  corpus: values.corpus && path.resolve(values.corpus),
});
process.exitCode = faults > 0 ? 1 : 0;
