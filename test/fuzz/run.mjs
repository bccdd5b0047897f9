// The long fuzz: node test/fuzz/run.mjs [--count N] [--seed N] [--corpus FOLDER]
// Mutates the examples, and the configs of a folder, and analyses each. Prints every fault with the seed that makes it again
// (--count 1 --seed N), and ends with status 1 when there was one.
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import esbuild from 'esbuild';
import { generateAll } from '../../scripts/generate.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const { values } = parseArgs({
  options: { count: { type: 'string' }, seed: { type: 'string' }, corpus: { type: 'string' } },
});

await generateAll();
const temporary = mkdtempSync(path.join(tmpdir(), 'shardlens-fuzz-'));
const outfile = path.join(temporary, 'job.cjs');
try {
  await esbuild.build({
    entryPoints: [path.join(here, 'job.ts')],
    bundle: true,
    platform: 'node',
    format: 'cjs',
    mainFields: ['module', 'main'],
    // The examples are found from where this file stands.
    define: { 'import.meta.url': JSON.stringify(new URL('../examples.ts', import.meta.url).href) },
    outfile,
  });
  const { run } = createRequire(import.meta.url)(outfile);
  const faults = run({
    count: Number(values.count ?? 10_000),
    seed: Number(values.seed ?? 1),
    corpus: values.corpus && path.resolve(values.corpus),
  });
  process.exitCode = faults > 0 ? 1 : 0;
} finally {
  rmSync(temporary, { recursive: true, force: true });
}
