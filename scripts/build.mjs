// Builds the bundles: dist/shardlens.js (language server and command line; runs alone under Node), dist/extension.js (the
// VS Code client), and dist/breakdown.js with its style sheet (the breakdown view; runs in a webview or a page).
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import esbuild from 'esbuild';
import { generateAll } from './generate.mjs';
import { launched } from './launched.mjs';
import { loadLate } from './load-late.mjs';
import { packModelDefaults } from './model-defaults.mjs';
import { packLibraries } from './packed-libraries.mjs';
import { leanProtocolTypes } from './protocol-types.mjs';
import { packRulePages } from './rule-pages.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

/** Generates what is derived, then bundles. `sourcemap` is for development, and leaves out the cache of compiled code. */
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
    // The same code as ES modules, of which what nobody calls can be left out.
    alias: { yaml: path.join(root, 'node_modules/yaml/browser/dist/index.js') },
  };
  const [server] = await Promise.all([
    esbuild.build({
      ...shared,
      entryPoints: ['server/src/main.ts'],
      outfile: 'dist/shardlens.js',
      // Said once, not by each of its seven hundred modules.
      banner: { js: '"use strict";' },
      tsconfigRaw: { compilerOptions: { target: 'ES2022', verbatimModuleSyntax: true, alwaysStrict: false } },
      // A source map leads to the rules as they stand in the source.
      plugins: sourcemap
        ? []
        : [packRulePages(root), packModelDefaults, packLibraries(root, shared, [leanProtocolTypes(root)]), loadLate],
      write: sourcemap,
      metafile: true,
    }),
    esbuild.build({
      ...shared,
      entryPoints: ['client/src/extension.ts'],
      outfile: 'dist/extension.js',
      external: ['vscode'],
    }),
    esbuild.build({
      ...shared,
      entryPoints: ['client/view/main.ts', 'client/view/breakdown.css'].map((file) => ({ in: file, out: 'breakdown' })),
      outdir: 'dist',
      platform: 'browser',
      target: 'es2022',
      format: 'iife',
      mainFields: ['browser', 'module', 'main'],
    }),
  ]);
  if (!sourcemap) await writeServer(server.outputFiles[0].text, shared);
  return server.metafile;
}

/** In one step: a test or a server that starts meanwhile must not see half of it. */
async function writeServer(code, options) {
  const file = path.join(root, 'dist', 'shardlens.js');
  mkdirSync(path.dirname(file), { recursive: true });
  // The banner says it for all; the libraries' modules each say it again.
  const lean = code.replace(/(?<=[{;])"use strict";/g, '');
  writeFileSync(`${file}.new`, `#!/usr/bin/env node\n${await launched(lean, options)}`);
  renameSync(`${file}.new`, file);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const metafile = await build({ sourcemap: process.argv.includes('--sourcemap') });
  if (process.argv.includes('--sizes')) console.log(await esbuild.analyzeMetafile(metafile));
}
