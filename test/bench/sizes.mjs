import { statSync } from 'node:fs';
import path from 'node:path';
import { row } from './measure.mjs';
import { root, server } from './paths.mjs';

/** Megabytes are decimal, as stores and downloads show them. */
export function sizes() {
  const megabytes = (file) => statSync(file).size / 1e6;
  return [
    row('server bundle with the catalogs', megabytes(server), 'MB', 1.5),
    row('package (.vsix)', megabytes(path.join(root, 'dist', 'shardlens.vsix')), 'MB', 2),
  ];
}
