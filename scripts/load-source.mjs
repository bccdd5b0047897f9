import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import esbuild from 'esbuild';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

/**
 * What TypeScript modules export, named from the repository's root without their endings: bundled from the sources as they
 * stand, so that a script never meets a stale build. `define` and `minify` are esbuild's.
 */
export async function loadSource(modules, { define = {}, minify = false, generate = true } = {}) {
  // Generators load sources too, so that this module cannot wait for them to be loaded.
  if (generate) await (await import('./generate.mjs')).generateAll();
  const built = await esbuild.build({
    absWorkingDir: root,
    stdin: {
      contents: modules.map((module) => `export * from './${module}';`).join('\n'),
      resolveDir: root,
      loader: 'ts',
    },
    bundle: true,
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    mainFields: ['module', 'main'],
    define,
    minify,
    logLevel: 'warning',
    write: false,
  });
  const module = { exports: {} };
  const run = new Function('module', 'exports', 'require', built.outputFiles[0].text);
  run(module, module.exports, createRequire(import.meta.url));
  return module.exports;
}
