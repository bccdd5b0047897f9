import { type Dirent, readdirSync, statSync } from 'node:fs';
import type { Path } from '../core/source';

/** What is at a path; a link counts as what it leads to. */
export function kindOf(path: Path): 'missing' | 'folder' | 'file' | 'unreadable' {
  try {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (!stat) return 'missing';
    return stat.isDirectory() ? 'folder' : 'file';
  } catch {
    // A link that leads to itself, or a folder we may not enter.
    return 'unreadable';
  }
}

/** Folders of other tools' making: large, and never written by hand. */
const SKIPPED = new Set(['node_modules', '__pycache__', 'site-packages', 'venv']);

/** Nothing real nests deeper; a folder mounted into itself would. */
const MAX_DEPTH = 64;

/** Who is told what a walk meets. */
export interface Walker {
  /** A file, and all that its folder holds. */
  file(path: Path, entries: readonly Dirent[]): void;
  unreadable(folder: Path): void;
}

/** Tells of files below a folder that could be configs, in order of their path. Hidden folders and links to folders are not entered. */
export function walk(folder: Path, walker: Walker): void {
  walkInto(folder, 0, walker);
}

function walkInto(folder: Path, depth: number, walker: Walker): void {
  let entries: Dirent[];
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch {
    walker.unreadable(folder);
    return;
  }
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  const prefix = folder.endsWith('/') ? folder : `${folder}/`;
  for (const entry of entries) {
    const { name } = entry;
    if (name.startsWith('.')) continue;
    if (entry.isDirectory()) {
      if (!SKIPPED.has(name) && depth < MAX_DEPTH) walkInto(prefix + name, depth + 1, walker);
    } else if (couldBe(name) && (entry.isFile() || entry.isSymbolicLink())) walker.file(prefix + name, entries);
  }
}

/** By extension; lock files are large and never configs. */
function couldBe(name: string): boolean {
  return /\.(json|jsonc|yaml|yml)$/i.test(name) && !/^(package-lock|pnpm-lock|tsconfig|package)\b/.test(name);
}
