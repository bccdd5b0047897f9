/** Pieces that stand in configs, and pieces that should not. */
const PIECES = [
  ...'{}[]:,"\'#\n\t-&*|>\\\0'.split(''),
  '\ud800',
  '\ufeff',
  '\r\n',
  '$' + '{X}',
  '{{ x }}',
  '<<: *a\n',
  '&a ',
  '---\n',
  '//',
  '/*',
  '# shardlens-ignore: duplicate-key, x\n',
  'null',
  'true',
  '"auto"',
  '-1',
  '0',
  '1e400',
  'NaN',
  '.inf',
  '1e-4',
  '0.5',
  '99999999999999999999',
  '"8"',
  '[]',
  '{}',
  '__proto__',
  'constructor',
  '"constructor"',
  '"__proto__"',
  'stage',
  'NVME',
];

/** Changes a text at one place: cuts, adds, doubles, or puts another value in the place of one. */
export function mutate(text: string, random: () => number): string {
  const at = Math.floor(random() * (text.length + 1));
  const end = Math.min(text.length, at + Math.floor(random() * 30));
  switch (Math.floor(random() * 7)) {
    case 0:
      return text.slice(0, at);
    case 1:
      return text.slice(0, at) + text.slice(end);
    case 2:
      return text.slice(0, at) + pick(PIECES, random) + text.slice(at);
    case 3:
      return text.slice(0, end) + text.slice(at);
    default:
      return mutateMeaning(text, random);
  }
}

/** Changes that mostly leave a text well formed: another number, word or order of lines. */
export function mutateMeaning(text: string, random: () => number): string {
  switch (Math.floor(random() * 3)) {
    case 0:
      return replaceOne(text, /-?\b\d+(?:\.\d+)?(?:e[+-]?\d+)?\b/gi, pick(PIECES, random), random);
    case 1:
      return replaceOne(text, /"[^"\n]*"|\b(?:true|false)\b/g, pick(PIECES, random), random);
    default:
      return swapLines(text, random);
  }
}

function replaceOne(text: string, pattern: RegExp, by: string, random: () => number): string {
  const matches = [...text.matchAll(pattern)];
  if (matches.length === 0) return text;
  const { index, 0: found } = pick(matches, random);
  return text.slice(0, index) + by + text.slice(index + found.length);
}

function swapLines(text: string, random: () => number): string {
  const lines = text.split('\n');
  const [a, b] = [Math.floor(random() * lines.length), Math.floor(random() * lines.length)];
  [lines[a], lines[b]] = [lines[b] ?? '', lines[a] ?? ''];
  return lines.join('\n');
}

/** One of the items. */
export function pick<T>(items: readonly T[], random: () => number): T {
  const item = items[Math.floor(random() * items.length)];
  if (item === undefined) throw new Error('nothing to pick from');
  return item;
}
