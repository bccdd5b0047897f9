import { type Known, unknown } from './known';

type Values = Map<string, Known<string>>;
/** Undefined where a variable has no value that is known here. */
type Value = Known<string> | undefined;

/** Words that begin and end what the shell may pass over, or does in a shell of its own. */
const OPENS: Readonly<Record<string, Kind>> = { if: 'if', do: 'loop', case: 'case', '(': 'shell' };
const CLOSES: Readonly<Record<string, Kind>> = { fi: 'if', done: 'loop', esac: 'case', '}': 'group', ')': 'shell' };

type Kind = 'if' | 'loop' | 'case' | 'group' | 'shell';

interface Fork {
  readonly kind: Kind;
  /** What the way that is being read has changed, with the values before the fork. */
  changed: Map<string, Value>;
  /** What the ways before it left of a variable, and how many of them did. */
  readonly left: Map<string, { readonly before: Value; value: Value; same: boolean; ways: number }>;
  ways: number;
  /** One of the ways is surely taken: there is an `else`. */
  whole: boolean;
}

/**
 * The ways through `if`, `case` and loops of a script. Inside one its own assignments hold; behind them only what every way, and
 * passing over all of them, leaves the same. What a way changes is taken back at its end, so that a script takes no longer for
 * the variables that it leaves alone.
 */
export class Ways {
  private readonly open: Fork[] = [];

  constructor(private readonly values: Values) {}

  /** Gives a variable its value, or takes it away. */
  set(name: string, value: Value): void {
    const { changed } = this.open[this.open.length - 1] ?? {};
    if (changed && !changed.has(name)) changed.set(name, this.values.get(name));
    if (value) this.values.set(name, value);
    else this.values.delete(name);
  }

  /** Takes in a word of the shell at the start of a command. `onlyIf`: behind `||` or a test. */
  word(raw: string, onlyIf: boolean): void {
    const kind = OPENS[raw] ?? (raw === '{' && onlyIf ? 'group' : undefined);
    if (kind) this.open.push({ kind, changed: new Map(), left: new Map(), ways: 0, whole: false });
    const top = this.open[this.open.length - 1];
    if (kind || !top) return;
    if ((raw === 'elif' || raw === 'else') && top.kind === 'if') {
      this.endWay(top);
      top.whole ||= raw === 'else';
    } else if (CLOSES[raw] === top.kind) this.join(top);
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
      if (before) this.values.set(name, before);
      else this.values.delete(name);
    }
    fork.changed = new Map();
  }

  private join(fork: Fork): void {
    this.endWay(fork);
    this.open.pop();
    for (const [name, { before, value, same, ways }] of fork.left) {
      const onEach = fork.whole && ways === fork.ways;
      const holds = same && (onEach || isSame(before, value));
      this.set(name, holds ? value : unknown(`${name} is assigned on some ways only`, (value ?? before)?.origin));
    }
  }
}

function isSame(a: Value, b: Value): boolean {
  return a === b || (a?.known === true && b?.known === true && a.value === b.value);
}
