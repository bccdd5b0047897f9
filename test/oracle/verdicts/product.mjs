// The product's core as the oracle's scripts need it: the cases, and how our findings stand to a verdict.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import esbuild from 'esbuild';
import { generateAll } from '../../../scripts/generate.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');

const ENTRY = `
export { casesFor, joined } from './test/oracle/verdicts/cases';
export { compare } from './test/oracle/verdicts/compare';
export { corpusCases } from './test/oracle/verdicts/corpus';
`;

/** Bundles the sources as they stand and loads them, so that the oracle never meets a stale build. */
export async function loadProduct() {
  await generateAll();
  const folder = mkdtempSync(path.join(tmpdir(), 'shardlens-oracle-'));
  const outfile = path.join(folder, 'product.cjs');
  try {
    await esbuild.build({
      stdin: { contents: ENTRY, resolveDir: root, loader: 'ts' },
      bundle: true,
      platform: 'node',
      format: 'cjs',
      target: 'node20',
      mainFields: ['module', 'main'],
      logLevel: 'warning',
      outfile,
    });
    return (await import(pathToFileURL(outfile).href)).default;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
