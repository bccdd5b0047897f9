import { brotliCompressSync, constants } from 'node:zlib';

/**
 * A text as a JavaScript string literal of a sixth of its size; `server/src/data/packed-text.ts` gives it back. Brotli, because
 * it is as quick to unpack as Deflate and a sixth smaller; base64, because the bundle stays ASCII, which V8 reads faster. The size
 * of the text stands before it, with a letter where there is more in it than ASCII.
 */
export function packedLiteral(text) {
  const bytes = Buffer.from(text);
  const params = {
    [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
    [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
  };
  const isAscii = bytes.length === text.length;
  return `'${bytes.length}${isAscii ? '' : 'u'}:${brotliCompressSync(bytes, { params }).toString('base64')}'`;
}
