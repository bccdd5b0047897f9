import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from '../scripts/build.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const lock = path.join(root, 'dist', '.building');

/** The server's bundle, built anew where a source is newer. Test files run side by side: one builds, the others wait. */
export async function bundle(): Promise<string> {
  const file = path.join(root, 'dist', 'shardlens.js');
  mkdirSync(path.dirname(file), { recursive: true });
  while (isStale(file)) {
    try {
      mkdirSync(lock);
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
      if (changedAt(lock) < Date.now() - 60_000) rmSync(lock, { recursive: true, force: true });
      continue;
    }
    try {
      if (isStale(file)) await build();
    } finally {
      rmSync(lock, { recursive: true, force: true });
    }
  }
  return file;
}

function isStale(file: string): boolean {
  const built = changedAt(file);
  return ['server', 'client', 'schemas', 'snippets', 'package.json'].some(
    (part) => newest(path.join(root, part)) > built,
  );
}

function newest(file: string): number {
  const stat = statSync(file, { throwIfNoEntry: false });
  if (!stat) return 0;
  // Generated files are written by the build itself.
  if (!stat.isDirectory()) return file.includes('generated') || file.endsWith('rules/index.ts') ? 0 : stat.mtimeMs;
  return Math.max(0, ...readdirSync(file).map((name) => newest(path.join(file, name))));
}

function changedAt(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
