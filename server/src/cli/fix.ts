import { readFileSync, writeFileSync } from 'node:fs';
import type { TextEdit } from 'vscode-languageserver-protocol';
import type { Path } from '../core/source';
import { decode } from '../core/text/decode';
import { applyEdits } from '../core/text/edit';
import { LineIndex } from '../core/text/lines';
import type { Client } from './client';
import { UsageError } from './usage';

/** A fix may make room for another; more rounds than this would be two fixes undoing each other. */
const MAX_ROUNDS = 10;

/** Applies the safe fixes of each file until none is left. Byte-order mark, encoding and line ends stay. */
export async function applyFixes(client: Client, files: readonly Path[]): Promise<void> {
  let left = files;
  for (let round = 0; round < MAX_ROUNDS && left.length > 0; round++) {
    const changed: Path[] = [];
    const checked = await client.check(left);
    for (const [index, file] of left.entries()) {
      const hasFix = checked[index]?.fixes.some((fixes) => fixes.some(({ isPreferred }) => isPreferred));
      if (!hasFix) continue;
      // Asked for one at a time: the edits of one file may have changed what another's look like.
      const edits = await client.fixAll(file);
      for (const [path, list] of edits) applyTo(path, list);
      if (edits.size > 0) changed.push(file);
    }
    left = changed;
  }
}

/** Writes edits into a file as it is: byte-order mark, encoding and line ends stay. */
export function applyTo(path: Path, edits: readonly TextEdit[]): void {
  const bytes = readFileSync(path);
  const decoded = decode(bytes);
  if (!decoded.ok) throw new UsageError(`${path} cannot be fixed: it is not text that can be read.`);
  const lines = new LineIndex(decoded.text);
  const fixed = applyEdits(
    decoded.text,
    edits.map(({ range, newText }) => ({
      start: lines.offsetAt(range.start),
      end: lines.offsetAt(range.end),
      newText,
    })),
  );
  try {
    writeFileSync(path, encode(fixed, decoded));
  } catch (error) {
    throw new UsageError(`${path} cannot be written (${error instanceof Error ? error.message : String(error)}).`);
  }
}

function encode(text: string, { encoding, bom }: Extract<ReturnType<typeof decode>, { ok: true }>): Uint8Array {
  const marked = bom ? `\uFEFF${text}` : text;
  if (encoding === 'utf-8') return Buffer.from(marked, 'utf8');
  const bytes = Buffer.from(marked, 'utf16le');
  return encoding === 'utf-16be' ? bytes.swap16() : bytes;
}
