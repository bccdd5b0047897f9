import { brotliDecompressSync } from 'node:zlib';

/** The text that `scripts/packed-text.mjs` packed. Unpacked in one piece: without its size Node makes one for every 16 KiB. */
export function unpackText(packed: string): string {
  const colon = packed.indexOf(':');
  const bytes = Buffer.from(packed.slice(colon + 1), 'base64');
  return brotliDecompressSync(bytes, { chunkSize: Number(packed.slice(0, colon)) }).toString('utf8');
}
