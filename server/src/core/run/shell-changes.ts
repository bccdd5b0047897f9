import type { Word } from './shell-words';

/** The variables that a command may change; 'any' where the script does not name them. */
export type Changes = readonly string[] | 'any';

const NONE: readonly string[] = [];
const NAME = /^["']?([A-Za-z_]\w*)(?:\[.*\])?["']?$/;

/** Commands whose words name the variables that they write. */
const NAMING: ReadonlySet<string> = new Set(['read', 'mapfile', 'readarray', 'getopts', 'unset']);

/** What a command other than an assignment changes: `read N`, `let N/=2`, `printf -v N`, `eval`, `source`. */
export function changesOf(line: readonly Word[]): Changes {
  const words = line[0]?.raw === 'builtin' || line[0]?.raw === 'command' ? line.slice(1) : line;
  const [first, ...rest] = words;
  const raw = first?.raw ?? '';
  if (raw === 'eval' || raw === 'source' || raw === '.')
    return isHarmless(rest.map((word) => word.raw).join(' ')) ? NONE : 'any';
  if (raw === 'let') return rest.flatMap((word) => namesIn(word.raw));
  if (NAMING.has(raw)) return named(rest);
  if (raw !== 'printf' || !rest[0]?.raw.startsWith('-v')) return NONE;
  return named(rest[0].raw === '-v' ? rest.slice(1, 2) : [{ raw: rest[0].raw.slice(2) }]);
}

/** A name that is itself computed can be any. */
function named(words: readonly Pick<Word, 'raw'>[]): Changes {
  const names: string[] = [];
  for (const { raw } of words) {
    if (/^["']?\$/.test(raw)) return 'any';
    const name = NAME.exec(raw)?.[1];
    if (name !== undefined) names.push(name);
  }
  return names;
}

/** What `(( … ))` and `$(( … ))` change: every variable in it, where there is an assignment. */
export function arithmeticChanges(expression: string): readonly string[] {
  return /\+\+|--|(?:^|[^=!<>])=(?!=)|<<=|>>=/.test(expression) ? namesIn(expression) : NONE;
}

function namesIn(text: string): string[] {
  return [...text.matchAll(/[A-Za-z_]\w*/g)].map(([name]) => name);
}

/** What sets up Python environments and modules leaves a training script's variables alone. */
function isHarmless(what: string): boolean {
  return (
    /(^|\/)(activate|conda\.sh|mamba\.sh|\.bashrc|\.bash_profile|\.profile)["']?(\s|$)|^["']?\/etc\//.test(what) ||
    /^["']?\$\(\s*\S*(conda|mamba|ssh-agent|pyenv|modulecmd)\b/.test(what)
  );
}

/** Commands that may be taken to succeed, so that what follows behind `&&` runs. */
const SURE: ReadonlySet<string> = new Set(
  ': . cd conda date declare echo export local mkdir module popd printf pushd pwd readonly set shopt sleep source touch true typeset ulimit umask unset'.split(
    ' ',
  ),
);

/** Whether what follows behind `&&` surely runs. */
export function surelySucceeds(line: readonly Word[]): boolean {
  const words = line[0] && /^(\{|then|do|else)$/.test(line[0].raw) ? line.slice(1) : line;
  const first = words[0];
  return first !== undefined && (SURE.has(first.raw) || words.every(isLiteralAssignment));
}

function isLiteralAssignment({ raw, text }: Word): boolean {
  return text.known && /^[A-Za-z_]\w*\+?=/.test(raw);
}

const ASSIGNED =
  /(?<![-\w$.])([A-Za-z_]\w*)(?:\[[^\]\n]{0,50}\])?[ \t]*(?:\+\+|--|(?:[-+*/%&|^:]|<<|>>)?=(?!=))|\+\+([A-Za-z_]\w*)/g;
const NAMED = /\b(?:for|select|read|mapfile|readarray|getopts|unset|printf|let|local|declare|typeset)\b([^\n;|&]*)/g;
const ANY = /(?:^|[\s;&|(])(?:(?:eval|source|\.)[ \t]+([^\n]*)|export[ \t]+"?\$)/g;

/**
 * Where a script changes each of its variables for the last time, found without reading it into commands. It errs towards later:
 * it serves to tell whether what a loop or a function reads may change before it is read again.
 */
export class LastChanges {
  private readonly last = new Map<string, number>();
  private any = -1;

  constructor(text: string) {
    for (const match of text.matchAll(ASSIGNED)) this.last.set(match[1] ?? match[2] ?? '', match.index);
    for (const { 1: rest = '', index } of text.matchAll(NAMED))
      for (const name of namesIn(rest)) this.last.set(name, Math.max(index, this.last.get(name) ?? -1));
    for (const { 1: rest, index } of text.matchAll(ANY))
      if (rest === undefined || !isHarmless(rest)) this.any = Math.max(this.any, index);
  }

  /** Whether a variable may change behind an offset. */
  isChangedBehind(name: string, offset: number): boolean {
    return Math.max(this.any, this.last.get(name) ?? -1) > offset;
  }
}
