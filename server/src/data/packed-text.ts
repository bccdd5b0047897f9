import { brotliDecompressSync } from 'node:zlib';

/** The text that `scripts/packed-text.mjs` packed. Unpacked in one piece: without its size Node makes one for every 16 KiB. */
export function unpackText(packed: string): string {
  const colon = packed.indexOf(':');
  const isAscii = packed[colon - 1] !== 'u';
  const bytes = Buffer.from(packed.slice(colon + 1), 'base64');
  const text = brotliDecompressSync(bytes, { chunkSize: Number.parseInt(packed, 10) });
  // Of what is ASCII, V8 need not look at each character.
  return text.toString(isAscii ? 'latin1' : 'utf8');
}
