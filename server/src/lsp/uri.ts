import type { Path } from '../core/source';
import { escapedUriOf, pathOfEscaped } from './uri-escapes';

/** A scheme of two letters or more; one letter is a Windows drive. */
const SCHEME = /^[a-zA-Z][a-zA-Z0-9+.-]+:/;

/** A path, or what stands behind `file://`, in which nothing is written otherwise than it is: nearly all, and a check converts thousands. */
const PLAIN_PATH = /^\/(?!\/)[\w./~-]*$/;
const FILE = 'file://';

/** The core's path for a URI: `file:` URIs become absolute paths with `/`, all others stay as they are. */
export function pathOf(uri: string): Path {
  if (!uri.startsWith('file:')) return uri;
  const plain = uri.slice(FILE.length);
  if (uri.startsWith(FILE) && PLAIN_PATH.test(plain)) return plain;
  return pathOfEscaped(uri).replaceAll('\\', '/');
}

/** The URI of a core path, spelled as VS Code spells it, so that the client finds its own document again. */
export function uriOf(path: Path): string {
  if (PLAIN_PATH.test(path)) return FILE + path;
  return SCHEME.test(path) ? path : escapedUriOf(path);
}

/**
 * Texts that an editor shows beside a file and that lie nowhere: an older version (`git:`), or what an edit would make of it. The files
 * of their run cannot be read beside them, so all that could be said of them would be wrong.
 */
const COPIES = /^(git|gitlens|shardlens-preview|vscode-local-history|chat-editing[a-z-]*):/;

/** True for the path of a text that only stands beside a file. */
export function isCopy(path: Path): boolean {
  return COPIES.test(path);
}

/** True for paths that node:fs can read; others are asked from the client. */
export function isOnDisk(path: Path): boolean {
  return !SCHEME.test(path);
}
