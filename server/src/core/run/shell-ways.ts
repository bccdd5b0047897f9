import { type Known, unknown } from './known';

type Values = Map<string, Known<string>>;
/** Undefined where a variable has no value that is known here. */
type Value = Known<string> | undefined;

/** Words that begin and end what the shell may pass over, or does in a shell of its own. */
const OPENS: Readonly<Record<string, Kind>> = {
  if: 'if',
  do: 'loop',
  case: 'case',
  '(': 'shell',
  '{': 'group',
  '&&': 'list',
  '||': 'list',
};
const CLOSES: Readonly<Record<string, Kind>> = { fi: 'if', done: 'loop', esac: 'case', '}': 'group', ')': 'shell' };

/** `list` is what stands behind `&&` and `||`, up to the end of that line. */
type Kind = 'if' | 'loop' | 'case' | 'group' | 'shell' | 'list';

interface Fork {
  readonly kind: Kind;
  /** It may run after what is written behind it: a loop, the body of a function. */
  readonly runsAgain: boolean;
  /** How often everything had been forgotten where it began. */
  readonly forgotten: number;
  /** What the way that is being read has changed, with the values before the fork. */
  changed: Map<string, Value>;
  /** What the ways before it left of a variable, and how many of them did. */
  readonly left: Map<string, { readonly before: Value; value: Value; same: boolean; ways: number }>;
  ways: number;
  /** One of the ways is surely taken: there is an `else`. */
  whole: boolean;
}

/** Deeper than this nobody nests; a variable's value is not looked for further out. */
const MAX_DEPTH = 50;

/**
 * The ways through `if`, `case`, loops, functions and `&&` of a script. Inside one its own assignments hold; behind them only what
 * every way, and passing over all of them, leaves the same. What a way changes is taken back at its end, so that a script takes no
 * longer for the variables that it leaves alone.
 */
export class Ways {
  private readonly open: Fork[] = [];
  private forgotten = 0;

  constructor(private readonly values: Values) {}

  /** Gives a variable its value, or takes it away. */
  set(name: string, value: Value): void {
    const { changed } = this.open[this.open.length - 1] ?? {};
    if (changed && !changed.has(name)) changed.set(name, this.values.get(name));
    if (value) this.values.set(name, value);
    else this.values.delete(name);
  }

  /** Any variable may have changed: what was known before is not known on any way from here. */
  forget(): void {
    this.values.clear();
    this.forgotten++;
  }

  /** Whether a variable is read where it may be read again later, and did not get its value in there. */
  mayBeReadAgain(name: string): boolean {
    let again = false;
    for (let i = this.open.length - 1; i >= 0; i--) {
      const fork = this.open[i];
      if (fork?.changed.has(name) || this.open.length - i > MAX_DEPTH) break;
      again ||= fork?.runsAgain === true;
    }
    return again;
  }

  /** Takes in a word of the shell at the start of a command. `isFunction`: it begins the body of one. */
  word(raw: string, isFunction = false): void {
    const kind = OPENS[raw];
    const top = this.open[this.open.length - 1];
    if (kind === 'list' && top?.kind === 'list') {
      if (raw === '||') this.endWay(top);
    } else if (kind) this.begin(kind, isFunction);
    else if (!top) return;
    else if ((raw === 'elif' || raw === 'else') && top.kind === 'if') {
      this.endWay(top);
      top.whole ||= raw === 'else';
    } else if (CLOSES[raw] === top.kind) this.join(top);
  }

  private begin(kind: Kind, isFunction: boolean): void {
    const runsAgain = isFunction || kind === 'loop';
    const whole = kind === 'group' && !isFunction;
    const { forgotten } = this;
    this.open.push({ kind, runsAgain, forgotten, changed: new Map(), left: new Map(), ways: 0, whole });
  }

  /** The end of a line of commands joined by `&&` and `||`. */
  endList(): void {
    const top = this.open[this.open.length - 1];
    if (top?.kind === 'list') this.join(top);
  }

  /** `;;` between the patterns of a `case`. */
  nextPattern(): void {
    const top = this.open[this.open.length - 1];
    if (top?.kind === 'case') this.endWay(top);
  }

  private endWay(fork: Fork): void {
    fork.ways++;
    for (const [name, before] of fork.changed) {
      const value = this.values.get(name);
      const left = fork.left.get(name);
      if (!left) fork.left.set(name, { before, value, same: true, ways: 1 });
      else {
        left.same &&= isSame(left.value, value);
        left.ways++;
      }
      if (before && fork.forgotten === this.forgotten) this.values.set(name, before);
      else this.values.delete(name);
    }
    fork.changed = new Map();
  }

  private join(fork: Fork): void {
    this.endWay(fork);
    this.open.pop();
    const isStale = fork.forgotten !== this.forgotten;
    for (const [name, { before, value, same, ways }] of fork.left) {
      const onEach = fork.whole && ways === fork.ways;
      const holds = same && (onEach || (!isStale && isSame(before, value)));
      this.set(name, holds ? value : unknown(`${name} is assigned on some ways only`, (value ?? before)?.origin));
    }
  }
}

function isSame(a: Value, b: Value): boolean {
  return a === b || (a?.known === true && b?.known === true && a.value === b.value);
}
