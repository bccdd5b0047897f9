import { URI } from 'vscode-uri';
import type { Path } from '../core/source';

/** A scheme of two letters or more; one letter is a Windows drive. */
const SCHEME = /^[a-zA-Z][a-zA-Z0-9+.-]+:/;

/** The core's path for a URI: `file:` URIs become absolute paths with `/`, all others stay as they are. */
export function pathOf(uri: string): Path {
  if (!uri.startsWith('file:')) return uri;
  return URI.parse(uri).fsPath.replaceAll('\\', '/');
}

/** The URI of a core path, spelled as VS Code spells it, so that the client finds its own document again. */
export function uriOf(path: Path): string {
  return SCHEME.test(path) ? path : URI.file(path).toString();
}

/** True for paths that node:fs can read; others are asked from the client. */
export function isOnDisk(path: Path): boolean {
  return !SCHEME.test(path);
}
