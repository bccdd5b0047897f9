// Builds the two bundles: dist/shardlens.js (language server and command line; runs alone under Node) and
// dist/extension.js (the VS Code client).
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import esbuild from 'esbuild';
import { generateAll } from './generate.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

/** Generates what is derived, then bundles. `sourcemap` is for development; the package carries none. */
export async function build({ sourcemap = false } = {}) {
  await generateAll();
  const shared = {
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    minify: true,
    sourcemap,
    legalComments: 'none',
    logLevel: 'warning',
    // The packages' ES modules bundle smaller than their UMD builds, whose `require` esbuild cannot follow.
    mainFields: ['module', 'main'],
  };
  const [server] = await Promise.all([
    esbuild.build({
      ...shared,
      entryPoints: ['server/src/main.ts'],
      outfile: 'dist/shardlens.js',
      banner: { js: '#!/usr/bin/env node' },
      metafile: true,
    }),
    esbuild.build({
      ...shared,
      entryPoints: ['client/src/extension.ts'],
      outfile: 'dist/extension.js',
      external: ['vscode'],
    }),
  ]);
  return server.metafile;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const metafile = await build({ sourcemap: process.argv.includes('--sourcemap') });
  if (process.argv.includes('--sizes')) console.log(await esbuild.analyzeMetafile(metafile));
}
