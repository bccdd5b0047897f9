import { brotliDecompressSync } from 'node:zlib';

/** The text that `scripts/packed-text.mjs` packed. */
export function unpackText(packed: string): string {
  return brotliDecompressSync(Buffer.from(packed, 'base64')).toString('utf8');
}
