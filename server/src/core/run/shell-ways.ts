import { type Known, type Origin, unknown } from './known';

type Values = Map<string, Known<string>>;

/** Words that begin and end what the shell may pass over, and those between its ways. */
const OPENS: Readonly<Record<string, Kind>> = { if: 'if', do: 'loop', case: 'case', '(': 'shell' };
const CLOSES: Readonly<Record<string, Kind>> = { fi: 'if', done: 'loop', esac: 'case', '}': 'group', ')': 'shell' };

type Kind = 'if' | 'loop' | 'case' | 'group' | 'shell';

interface Fork {
  readonly kind: Kind;
  readonly before: Values;
  /** What each way that was read to its end left. */
  readonly ends: Values[];
  /** One of the ways is surely taken: there is an `else`. */
  whole: boolean;
}

/**
 * The ways through `if`, `case` and loops of a script. Inside one its own assignments hold; behind them only what every way, and
 * passing over all of them, leaves the same.
 */
export class Ways {
  private readonly open: Fork[] = [];

  /** Takes in a word of the shell at the start of a command; gives the values that hold behind it. `onlyIf`: behind `||` or a test. */
  word(raw: string, values: Values, onlyIf: boolean): Values {
    const kind = OPENS[raw] ?? (raw === '{' && onlyIf ? 'group' : undefined);
    if (kind) {
      this.open.push({ kind, before: new Map(values), ends: [], whole: false });
      return values;
    }
    const top = this.open[this.open.length - 1];
    if ((raw === 'elif' || raw === 'else') && top?.kind === 'if') return nextWay(top, values, raw === 'else');
    if (CLOSES[raw] === undefined || top?.kind !== CLOSES[raw]) return values;
    this.open.pop();
    return joined([...top.ends, values, ...(top.whole ? [] : [top.before])]);
  }

  /** `;;` between the patterns of a `case`. */
  nextPattern(values: Values): Values {
    const top = this.open[this.open.length - 1];
    return top?.kind === 'case' ? nextWay(top, values, false) : values;
  }
}

function nextWay(fork: Fork, values: Values, isLast: boolean): Values {
  fork.ends.push(values);
  fork.whole ||= isLast;
  return new Map(fork.before);
}

function joined(ways: readonly Values[]): Values {
  const names = new Set(ways.flatMap((values) => [...values.keys()]));
  const result: Values = new Map();
  for (const name of names) {
    const found = ways.map((values) => values.get(name));
    const [first] = found;
    const same = found.every((it) => it === first || (it?.known && first?.known && it.value === first.value));
    result.set(name, same && first ? first : unknown(`${name} is assigned on some ways only`, originOf(found)));
  }
  return result;
}

function originOf(found: readonly (Known<string> | undefined)[]): Origin | undefined {
  return found.find((it) => it !== undefined)?.origin;
}
