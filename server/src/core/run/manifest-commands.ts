/** The header of a block scalar: `- |`, `args: |-`, `- >`. Folded text (`>`) joins its lines, as the shell would not. */
const BLOCK = /^([ \t]*)(?:-[ \t]+)*(?:[\w-]+:[ \t]*)?\|[+-]?[ \t]*(?:#.*)?$/;

/**
 * The shell text in a manifest's block scalars, every character at its own place and all around it blank; undefined where no block
 * starts anything. Commands that are lists of words are left alone: an edit of one flag would have to write two of their lines.
 */
export function shellOf(manifest: string): string | undefined {
  if (!LAUNCHES.test(manifest)) return undefined;
  let shell = '';
  let inside: number | undefined;
  let found = false;
  for (const line of manifest.split(/(?<=\n)/)) {
    const depth = /^[ \t]*/.exec(line)?.[0].length ?? 0;
    const isEmpty = line.trim() === '';
    if (inside !== undefined && !isEmpty && depth <= inside) inside = undefined;
    const keeps = inside !== undefined;
    shell += keeps ? line : line.replace(/[^\r\n]/g, ' ');
    found ||= keeps && LAUNCHES.test(line);
    const header = keeps ? undefined : BLOCK.exec(line.trimEnd());
    if (header) inside = header[1]?.length ?? 0;
  }
  return found ? shell : undefined;
}

const LAUNCHES = /\b(?:torchrun|accelerate|deepspeed|torch\.distributed)\b/;
