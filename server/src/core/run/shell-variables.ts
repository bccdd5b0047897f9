import { type Known, known, unknown } from './known';
import type { Command, Word } from './shell';
import { Ways } from './shell-ways';

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

/** Commands whose words are assignments; `export` is one too. */
const DECLARING: ReadonlySet<string> = new Set(['local', 'declare', 'typeset', 'readonly']);

/** What a script has assigned to its variables so far, as far as that is the same on every way through it. */
export class Variables {
  private readonly values = new Map<string, Known<string>>();
  private readonly ways = new Ways(this.values);
  private readonly exported = new Set<string>();

  private readonly places = new Map<string, Assigned>();

  /** The value of a variable that is expanded here. */
  use(name: string): Known<string> | undefined {
    const place = this.places.get(name);
    if (place) place.uses++;
    return this.values.get(name);
  }

  /** Where a variable got its value. */
  assigned(name: string): Assigned | undefined {
    return this.places.get(name);
  }

  /** A parenthesis outside of words: a shell of its own, whose assignments are lost behind it. */
  parenthesis(raw: '(' | ')'): void {
    this.ways.word(raw, false);
  }

  /** `;;` between the patterns of a `case`. */
  nextPattern(): void {
    this.ways.nextPattern();
  }

  /**
   * Takes in what a simple command assigns; returns the command where it is more than assignments. `onlyIf`: it runs only where
   * a test before it went one way.
   */
  run(line: readonly Word[], onlyIf = false): Command | undefined {
    for (const { raw } of line) {
      if (!OPENING.has(raw) && !BETWEEN.has(raw)) break;
      this.ways.word(raw, onlyIf);
    }
    const words = line.slice(line.findIndex(({ raw }) => !OPENING.has(raw)));
    if (line.every(({ raw }) => OPENING.has(raw))) return undefined;
    const exports = words[0]?.raw === 'export';
    const declares = exports || DECLARING.has(words[0]?.raw ?? '');
    const own = new Map<string, Known<string>>();
    let first = declares ? 1 : 0;
    for (; first < words.length; first++) {
      const assignment = assignmentOf(words[first]);
      if (assignment) own.set(assignment.name, assignment.value);
      else if (!declares) break;
      if (exports) this.exported.add(assignment?.name ?? words[first]?.raw ?? '');
      if (assignment) this.place(assignment);
    }
    for (const name of this.exported) {
      const place = this.places.get(name);
      if (place) place.isExported = true;
    }
    if (declares || first === words.length) {
      for (const [name, value] of own) this.assign(name, onlyIf ? inSomeCases(name, value) : value);
      return undefined;
    }
    if (words[0]?.raw === 'for' && words[1]) this.ways.set(words[1].raw, unknown('it is a loop variable'));
    if (words[first]?.raw === 'read') for (const word of words.slice(first + 1)) this.ways.set(word.raw, undefined);
    return { words: words.slice(first), environment: this.environmentWith(own) };
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
    }
    for (const [name, value] of own) environment.set(name, value);
    return environment;
  }
}

/** What a test decides is not known here. */
function inSomeCases(name: string, { origin }: Known<string>): Known<string> {
  return unknown(`${name} is assigned behind a test`, origin);
}

interface Assignment {
  readonly name: string;
  readonly value: Known<string>;
  /** The value as written, quotes included. */
  readonly start: number;
  readonly end: number;
}

/** `NAME=value` at the start of a command, or Make's `NAME := value` written without spaces. */
function assignmentOf(word: Word | undefined): Assignment | undefined {
  const match = word && /^([A-Za-z_]\w*)=/.exec(word.raw);
  if (!word || !match) return undefined;
  const name = match[1] ?? '';
  return {
    name,
    value: word.text.known ? known(word.text.value.slice(match[0].length), word.text.origin) : word.text,
    start: word.start + match[0].length,
    end: word.end,
  };
}
