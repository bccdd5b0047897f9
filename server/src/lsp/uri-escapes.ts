import { URI } from 'vscode-uri';

/** The path of a `file:` URI that may have escapes, a drive or a server in it. */
export function pathOfEscaped(uri: string): string {
  return URI.parse(uri).fsPath;
}

/** The URI of a path with characters that have to be escaped. */
export function escapedUriOf(path: string): string {
  return URI.file(path).toString();
}
