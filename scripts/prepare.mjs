// `npm ci` and `npm install` build the bundles. Where npm prepares a copy of the repository for a global install (as pre-commit
// asks it to), it puts the development packages beside that install and not beside this file, so they are fetched here first.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

if (!isThere('esbuild')) {
  const {
    npm_config_global: _global,
    npm_config_prefix: _prefix,
    npm_config_local_prefix: _local,
    ...env
  } = process.env;
  const { status } = spawnSync('npm', ['ci', '--ignore-scripts', '--global=false', '--no-audit', '--no-fund'], {
    cwd: root,
    env,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  if (status !== 0) process.exit(status ?? 1);
}
const { build } = await import('./build.mjs');
await build();

function isThere(name) {
  try {
    import.meta.resolve(name);
    return true;
  } catch {
    return false;
  }
}
