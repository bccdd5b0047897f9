import type { Path } from '../../source';
import { type LineReader, type Origin, type Place, type Reading, wordsOf } from './facts';

/** A line longer than this is no line of the tools that are read; it is cut, so that one line cannot cost much. */
const LONGEST_LINE = 20_000;

const ESCAPE = String.fromCharCode(27);

// `nvidia-smi topo -m` underlines its header; loggers colour their prefixes.
const COLOURS = new RegExp(`${ESCAPE}\\[[0-9;?]*[A-Za-z]`, 'g');

/** Gives each line to every reader, in one pass over the text. */
export function readLines(path: Path, text: string, readers: readonly LineReader[]): Reading[] {
  const place = new LinePlace(path);
  let start = 0;
  while (start <= text.length) {
    const newline = text.indexOf('\n', start);
    const end = newline < 0 ? text.length : newline;
    place.line++;
    if (end > start) {
      const line = plain(text.slice(start, Math.min(end, start + LONGEST_LINE)));
      place.text = line;
      for (const reader of readers) reader.line(line, place);
    }
    if (newline < 0) break;
    start = newline + 1;
  }
  return readers.flatMap((reader) => reader.done() ?? []);
}

function plain(line: string): string {
  const uncoloured = line.includes(ESCAPE) ? line.replace(COLOURS, '') : line;
  return uncoloured.endsWith('\r') ? uncoloured.slice(0, -1) : uncoloured;
}

class LinePlace implements Place {
  line = 0;
  text = '';

  constructor(private readonly path: Path) {}

  origin(text?: string): Origin {
    return { path: this.path, line: this.line, text: wordsOf(text ?? this.text) };
  }
}
