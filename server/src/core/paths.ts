import type { Path } from './source';

/**
 * Path arithmetic on {@link Path}: `/` between parts, no `.` or `..` inside. The root of a path (`/`, `C:/`, `scheme://authority/`,
 * or nothing for a relative path) is never climbed over.
 */

/** `join('/a/b', '../c.json')` is `/a/c.json`; an absolute second part stands alone. */
export function join(base: Path, relative: string): Path {
  // Plain names, as folders list them: the base is in order already, and folders are searched often.
  if (PLAIN_NAMES.test(relative) && base !== '') return base.endsWith('/') ? base + relative : `${base}/${relative}`;
  const part = slashes(relative);
  if (isAbsolute(part)) return normalise(part);
  return normalise(base === '' ? part : base.endsWith('/') ? base + part : `${base}/${part}`);
}

const PLAIN_NAMES = /^[^/\\:.][^/\\:]*(?:\/[^/\\:.][^/\\:]*)*$/;

/** The folder a path is in; the root of a root. */
export function dirname(path: Path): Path {
  const root = rootOf(path);
  const cut = path.lastIndexOf('/');
  return cut < root.length ? root : path.slice(0, cut);
}

/** The last part of a path; `''` for a root. */
export function basename(path: Path): string {
  const root = rootOf(path);
  const cut = path.lastIndexOf('/');
  return path.slice(Math.max(cut + 1, root.length));
}

/** With its dot and in lower case: `.json`; `''` where the name has none. */
export function extension(path: Path): string {
  const name = basename(path);
  const dot = name.lastIndexOf('.');
  return dot <= 0 ? '' : name.slice(dot).toLowerCase();
}

/** Forward slashes, no empty, `.` or `..` parts. `..` at a root stays at the root; a relative path keeps leading `..` parts. */
export function normalise(path: string): Path {
  const text = slashes(path);
  const root = rootOf(text);
  const parts: string[] = [];
  for (const part of text.slice(root.length).split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.length > 0 && parts[parts.length - 1] !== '..') parts.pop();
    else if (root === '') parts.push('..');
  }
  return root + parts.join('/');
}

/** How `path` is written from `folder`: `../c/d.json`; the path itself where the two share no root. */
export function relativeTo(folder: Path, path: Path): string {
  const root = rootOf(folder);
  if (root !== rootOf(path)) return path;
  const from = parts(folder, root);
  const to = parts(path, root);
  let shared = 0;
  while (shared < from.length && shared < to.length && from[shared] === to[shared]) shared++;
  return [...from.slice(shared).map(() => '..'), ...to.slice(shared)].join('/');
}

/** True for the folder itself and everything below it. */
export function isInside(folder: Path, path: Path): boolean {
  if (folder === path) return true;
  return path.startsWith(folder.endsWith('/') ? folder : `${folder}/`);
}

/** True for `/a`, `C:/a`, `C:\\a` and `//host/share`. */
export function isAbsolute(path: string): boolean {
  return rootOf(slashes(path)) !== '';
}

/** The part that cannot be climbed over. */
function rootOf(path: Path): string {
  if (path.startsWith('/')) return '/';
  const scheme = /^[A-Za-z][A-Za-z0-9+.-]+:\/\/[^/]*\/?/.exec(path);
  if (scheme !== null) return scheme[0].endsWith('/') ? scheme[0] : scheme[0];
  const drive = /^[A-Za-z]:\//.exec(path);
  return drive === null ? '' : drive[0];
}

function parts(path: Path, root: string): string[] {
  return path
    .slice(root.length)
    .split('/')
    .filter((part) => part !== '');
}

function slashes(path: string): string {
  return path.includes('\\') ? path.replaceAll('\\', '/') : path;
}
