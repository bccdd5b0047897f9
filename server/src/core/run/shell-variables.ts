import { type Known, known, unknown } from './known';
import type { Command } from './shell';
import { type Changes, changesOf, LastChanges } from './shell-changes';
import { Ways } from './shell-ways';
import type { Word } from './shell-words';

/** Where a script assigns a variable, and what else depends on it; complete once the script is read to its end. */
export interface Assigned {
  readonly name: string;
  readonly start: number;
  readonly end: number;
  /** How often it is assigned. */
  times: number;
  /** Words that it is expanded in. */
  uses: number;
  isExported: boolean;
}

/** Words of the shell behind which a command begins: `then BS=8` assigns as `BS=8` on a line of its own does. */
const OPENING: ReadonlySet<string> = new Set(['if', 'then', 'elif', 'else', 'while', 'until', 'do', '{', '!']);
/** Words of the shell that stand alone, or begin a command of their own. */
const BETWEEN: ReadonlySet<string> = new Set(['fi', 'done', 'esac', '}', 'case']);

/** Commands whose words are assignments. */
const DECLARING: ReadonlySet<string> = new Set(['export', 'local', 'declare', 'typeset', 'readonly']);
/** Those of them that leave a variable as it is where they only name it. */
const KEEPING: ReadonlySet<string> = new Set(['export', 'readonly']);

/** The words of an array; the value that stands for the array is the key. */
export const elementsOf = new WeakMap<Known<string>, readonly Word[]>();

/** Whether a word belongs to the shell, with a command behind it. */
export function isOpening({ raw, expanded }: Word): boolean {
  return !expanded && (OPENING.has(raw) || BETWEEN.has(raw));
}

/** What a script has assigned to its variables so far, as far as that is the same on every way through it. */
export class Variables {
  private readonly values = new Map<string, Known<string>>();
  readonly ways = new Ways(this.values);
  private readonly exported = new Set<string>();
  private last: LastChanges | undefined;

  private readonly places = new Map<string, Assigned>();

  constructor(private readonly text: string) {}

  /** The value of a variable that is expanded at this offset. */
  use(name: string, offset: number): Known<string> | undefined {
    const place = this.places.get(name);
    if (place) place.uses++;
    const value = this.values.get(name);
    if (!value || !this.ways.mayBeReadAgain(name)) return value;
    this.last ??= new LastChanges(this.text);
    if (!this.last.isChangedBehind(name, offset)) return value;
    return unknown(`${name} may change before this runs`, value.origin);
  }

  /** Where a variable got its value. */
  assigned(name: string): Assigned | undefined {
    return this.places.get(name);
  }

  /** Variables that are changed in a way that is not followed here. */
  change(names: Changes): void {
    if (names === 'any') this.ways.forget();
    else for (const name of names) this.ways.set(name, unknown(`${name} is computed by the shell`));
  }

  /** Takes in what a simple command assigns; returns the command where it is more than assignments. */
  run(line: readonly Word[]): Omit<Command, 'folder'> | undefined {
    const words = line.slice(line.findIndex((word) => word.expanded || !OPENING.has(word.raw)));
    if (line.every((word) => !word.expanded && OPENING.has(word.raw))) return undefined;
    const declaring = DECLARING.has(words[0]?.raw ?? '') ? words[0]?.raw : undefined;
    const own = new Map<string, Known<string>>();
    let first = declaring ? 1 : 0;
    for (; first < words.length; first++) {
      const assignment = assignmentOf(words[first]);
      if (assignment) own.set(assignment.name, assignment.value);
      else if (!declaring) break;
      else this.declare(declaring, words[first]);
      if (declaring === 'export') this.exported.add(assignment?.name ?? words[first]?.raw ?? '');
      if (assignment) this.place(assignment);
    }
    for (const name of this.exported) {
      const place = this.places.get(name);
      if (place) place.isExported = true;
    }
    if (declaring || first === words.length) {
      // `declare -i` computes what it assigns.
      const computes = declaring && words.some(({ raw }) => /^-[A-Za-z]*i/.test(raw));
      for (const [name, value] of own) this.assign(name, computes ? unknown(`${name} is computed`) : value);
      return undefined;
    }
    if (/^(for|select)$/.test(words[0]?.raw ?? '') && words[1])
      this.ways.set(words[1].raw, unknown('it is a loop variable'));
    const environment = this.environmentWith(own);
    this.change(changesOf(words.slice(first)));
    return { words: words.slice(first), environment };
  }

  /** A word of `local`, `export` and their like that is no assignment: an option, a name, or anything: `export $(cat .env)`. */
  private declare(how: string, word: Word | undefined): void {
    const raw = word?.raw ?? '';
    const quoted = /^["']([A-Za-z_]\w*)\+?=/.exec(raw)?.[1];
    if (quoted !== undefined) this.change([quoted]);
    else if (/[$`]/.test(raw)) this.change('any');
    else if (!KEEPING.has(how) && /^[A-Za-z_]\w*$/.test(raw)) this.change([raw]);
  }

  private place({ name, start, end }: Assignment): void {
    const before = this.places.get(name);
    if (before) before.times++;
    else this.places.set(name, { name, start, end, times: 1, uses: 0, isExported: false });
  }

  /** A second, different value means a branch or a loop: then the variable is not known. */
  private assign(name: string, value: Known<string>): void {
    const before = this.values.get(name);
    const same = !before || (before.known && value.known && before.value === value.value);
    this.ways.set(name, same ? value : unknown(`${name} is assigned more than once`, value.origin));
  }

  private environmentWith(own: ReadonlyMap<string, Known<string>>): Map<string, Known<string>> {
    const environment = new Map<string, Known<string>>();
    for (const name of this.exported) {
      const value = this.values.get(name);
      if (value) environment.set(name, value);
      // It was assigned here, and something may have changed it since.
      else if (this.places.has(name)) environment.set(name, unknown(`${name} may have been changed`));
    }
    for (const [name, value] of own) environment.set(name, value);
    return environment;
  }
}

interface Assignment {
  readonly name: string;
  readonly value: Known<string>;
  /** The value as written, quotes included. */
  readonly start: number;
  readonly end: number;
}

/** `NAME=value` at the start of a command, or Make's `NAME := value` written without spaces; `NAME+=` and `NAME[0]=` are not followed. */
function assignmentOf(word: Word | undefined): Assignment | undefined {
  const match = word && !word.expanded && /^([A-Za-z_]\w*)(\[[^\]]*\])?(\+?)=/.exec(word.raw);
  if (!word || !match) return undefined;
  const name = match[1] ?? '';
  const value = word.text.known ? known(word.text.value.slice(match[0].length), word.text.origin) : word.text;
  const isPart = match[2] !== undefined || match[3] === '+';
  return {
    name,
    value: isPart ? unknown(`${name} is put together by the shell`, value.origin) : value,
    start: word.start + match[0].length,
    end: word.end,
  };
}
