// Builds and packs dist/shardlens.vsix.
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { createVSIX } from '@vscode/vsce';
import { build } from './build.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

/** Returns the path of the package. Nothing of node_modules is packed: both bundles are whole. */
export async function packageExtension() {
  await build();
  const packagePath = path.join(root, 'dist', 'shardlens.vsix');
  await createVSIX({ cwd: root, packagePath, dependencies: false, allowMissingRepository: true });
  return packagePath;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(await packageExtension());
