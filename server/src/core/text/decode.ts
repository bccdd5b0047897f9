/** The platform's decoder (Node and browsers have it); declared here because the core is compiled without either's types. */
declare class TextDecoder {
  constructor(encoding: string, options: { fatal: boolean; ignoreBOM: boolean });
  decode(bytes: Uint8Array): string;
}

/** How a file's bytes were written. */
export type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be';

export type Decoded =
  | { readonly ok: true; readonly text: string; readonly encoding: Encoding; readonly bom: boolean }
  | {
      readonly ok: false;
      readonly why: 'binary' | 'encoding' | 'too-large';
      /** For the user: what is wrong, in one sentence. */
      readonly message: string;
    };

/** A config is a few KiB; beyond this a file is not decoded at all. */
const MAX_BYTES = 8 * 1024 * 1024;

/** How much of the start is searched for NUL bytes, as git does to tell binary from text. */
const BINARY_PROBE_BYTES = 8000;

/**
 * Bytes to text. UTF-8 with or without byte order mark, and UTF-16 with one; anything else is said to be what it is, because a
 * guessed encoding would change the user's text. The mark is not part of the text.
 */
export function decode(bytes: Uint8Array, maxBytes: number = MAX_BYTES): Decoded {
  if (bytes.length > maxBytes) {
    const size = Math.round(bytes.length / 1024 / 1024);
    return {
      ok: false,
      why: 'too-large',
      message: `The file has ${size} MiB; configs beyond ${Math.round(maxBytes / 1024 / 1024)} MiB are not read.`,
    };
  }
  const mark = markOf(bytes);
  if (mark === undefined && hasNul(bytes)) {
    return { ok: false, why: 'binary', message: 'The file holds NUL bytes, so it is not text.' };
  }
  const encoding = mark ?? 'utf-8';
  try {
    const text = new TextDecoder(encoding, { fatal: true, ignoreBOM: false }).decode(bytes);
    return { ok: true, text, encoding, bom: mark !== undefined };
  } catch {
    return {
      ok: false,
      why: 'encoding',
      message: `The file is not ${encoding.toUpperCase()}, which Python's reader expects.`,
    };
  }
}

function markOf(bytes: Uint8Array): Encoding | undefined {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return 'utf-8';
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be';
  return undefined;
}

function hasNul(bytes: Uint8Array): boolean {
  const nul = bytes.indexOf(0);
  return nul >= 0 && nul < BINARY_PROBE_BYTES;
}
