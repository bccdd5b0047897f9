import { deflateRawSync } from 'node:zlib';

/**
 * A text as a JavaScript string literal of a fifth of its size; `server/src/data/packed-text.ts` gives it back. Deflate,
 * because it is as quick to unpack as the texts are to scan; base64, because the bundle stays ASCII, which V8 reads faster.
 */
export function packedLiteral(text) {
  return `'${deflateRawSync(text, { level: 9 }).toString('base64')}'`;
}
