/** A number that was rounded to be written: everything it may have been. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

const UNITS: Readonly<Record<string, number>> = {
  T: 1e12,
  M: 1e6,
  K: 1e3,
  '%': 0.01,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  GB: 1e9,
};

/**
 * What a formula of the bill comes to in bytes, as `2 B × 8.0 B parameters ÷ 4 ranks`; undefined for one that is no arithmetic.
 * Words are units and are left out; what stands in brackets or behind a comma or semicolon and begins with a word is a remark.
 */
export function evaluated(formula: string): Interval | undefined {
  const plain = formula
    .replace(/\([a-z][^)]*\)/gi, '')
    .replace(/[;,] [a-z][^×÷+−()]*/gi, '')
    .replace(/, (\d+ of \d+)/g, ' × $1')
    .replace(/(\d) of (\d)/g, '$1 ÷ $2')
    .replace(/% of/g, '% ×');
  const tokens = [
    ...plain.matchAll(/(\d[\d,]*(?:\.\d+)?(?:e\d+)?)(?: ?(T|M|K|%|GiB|MiB|GB|B)(?![a-z]))?( [a-z]+)?|[×÷+−()]/gi),
  ];
  const known = tokens.flatMap(([text = '', number, unit, noun]): (Interval | string)[] =>
    number === undefined ? [text] : [numberOf(number, unit, noun)],
  );
  const left = plain.replace(/(\d[\d,]*(?:\.\d+)?(?:e\d+)?)|[×÷+−()]|[\p{L}%\s'’-]+/gu, '');
  if (left !== '' || !known.some((it) => typeof it !== 'string')) return undefined;
  const rest = [...known];
  const value = sum(rest);
  return rest.length === 0 ? value : undefined;
}

/** `2 B ×` is bytes, `8.0 B parameters` thousands of millions. */
function numberOf(text: string, unit: string | undefined, noun: string | undefined): Interval {
  const scale = unit === 'B' ? (noun === undefined ? 1 : 1e9) : unit === undefined ? 1 : (UNITS[unit] ?? 1);
  const value = Number(text.replaceAll(',', ''));
  const decimals = /\.(\d+)/.exec(text)?.[1]?.length ?? 0;
  const isRounded = decimals > 0 || text.includes(',') || scale !== 1;
  const half = isRounded ? 0.5 * 10 ** -decimals : 0;
  return { low: (value - half) * scale, high: (value + half) * scale };
}

function sum(tokens: (Interval | string)[]): Interval | undefined {
  let value = product(tokens);
  while (value && (tokens[0] === '+' || tokens[0] === '−')) {
    const isPlus = tokens.shift() === '+';
    const next = product(tokens);
    if (!next) return undefined;
    value = isPlus
      ? { low: value.low + next.low, high: value.high + next.high }
      : { low: value.low - next.high, high: value.high - next.low };
  }
  return value;
}

function product(tokens: (Interval | string)[]): Interval | undefined {
  let value = atom(tokens);
  while (value && (tokens[0] === '×' || tokens[0] === '÷')) {
    const isTimes = tokens.shift() === '×';
    const next = atom(tokens);
    if (!next) return undefined;
    value = isTimes
      ? { low: value.low * next.low, high: value.high * next.high }
      : { low: value.low / next.high, high: value.high / next.low };
  }
  return value;
}

function atom(tokens: (Interval | string)[]): Interval | undefined {
  const token = tokens.shift();
  if (token !== '(') return typeof token === 'string' ? undefined : token;
  const value = sum(tokens);
  return tokens.shift() === ')' ? value : undefined;
}
