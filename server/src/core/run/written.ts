import { originOf, type Setting, setting } from '../settings';
import type { Config, Path } from '../source';
import { toPlain } from '../syntax/plain';
import { type Known, known, type Origin, unknown } from './known';
import type { Assigned } from './shell-variables';

/** A value somebody wrote for one key: in a config file, or as a flag of a launch line. */
export interface Written {
  readonly key: string;
  /** What Python has after reading; a flag's value is text, a bare flag is `true`. */
  readonly plain: unknown;
  readonly origin: Origin;
  /** Text of a flag is converted by argparse, text in a file is not. */
  readonly from: 'file' | 'flag';
  /** Filled by a template engine or a shell variable: proves nothing. */
  readonly templated: boolean;
  /** Of a flag: written out in the script, not through a variable, so that an edit can replace it. */
  readonly literal?: boolean;
  /** Of a flag whose value is one variable: where the script assigns it. */
  readonly variable?: Assigned;
}

/** The written value of a key of a config; undefined where the key is absent. */
export function writtenIn(config: Config | undefined, path: string): Written | undefined {
  const found = config && setting(config, path);
  return found && writtenOf(found);
}

/** A setting as something written, so that it reads like a flag. */
export function writtenOf(found: Setting): Written {
  const { node } = found;
  return {
    key: found.path,
    plain: node?.kind === 'scalar' ? node.scalar.value : toPlain(node, 'json'),
    origin: originOf(found),
    from: 'file',
    templated: node?.kind === 'scalar' && node.templated,
  };
}

/** True where "auto" is written. */
export function isAutoText(written: Written | undefined): written is Written {
  return written?.plain === 'auto' && !written.templated;
}

/** A number as the framework takes it: Python's int or float; digits in text where argparse or pydantic converts them. */
export function numberFrom(written: Written): Known<number> {
  if (written.templated) return filledLater(written);
  const { plain } = written;
  if (typeof plain === 'number' && Number.isFinite(plain)) return known(plain, written.origin);
  if (typeof plain === 'string') {
    const text = plain.trim();
    const converts = written.from === 'flag' ? /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i : /^\d+$/;
    if (converts.test(text)) return known(Number(text), written.origin);
  }
  return unknown(`${written.key} is not written as a number`, written.origin);
}

/** A whole number of at least `least`. */
export function countFrom(written: Written, least = 1): Known<number> {
  const number = numberFrom(written);
  if (!number.known || (Number.isSafeInteger(number.value) && number.value >= least)) return number;
  const isTooLarge = Number.isInteger(number.value) && number.value >= least;
  // Sums over such a count would leave the numbers that a computer has.
  if (isTooLarge) return unknown(`${written.key} is ${number.value}, more than any run has`, written.origin);
  return unknown(`${written.key} is ${number.value}, not a whole number of at least ${least}`, written.origin);
}

const TRUE_WORDS = new Set(['true', '1', 'yes', 'y', 'on', 't']);
const FALSE_WORDS = new Set(['false', '0', 'no', 'n', 'off', 'f']);

/** A boolean, or one of the words that `str_to_bool` of transformers and accelerate takes. */
export function booleanFrom(written: Written): Known<boolean> {
  if (written.templated) return filledLater(written);
  const { plain } = written;
  if (typeof plain === 'boolean') return known(plain, written.origin);
  if (plain === 1 || plain === 0) return known(plain === 1, written.origin);
  if (typeof plain === 'string') {
    const word = plain.trim().toLowerCase();
    if (TRUE_WORDS.has(word)) return known(true, written.origin);
    if (FALSE_WORDS.has(word)) return known(false, written.origin);
  }
  return unknown(`${written.key} is neither true nor false`, written.origin);
}

/** A text; anything else is not known. */
export function textFrom(written: Written): Known<string> {
  if (written.templated) return filledLater(written);
  return typeof written.plain === 'string'
    ? known(written.plain, written.origin)
    : unknown(`${written.key} is not written as text`, written.origin);
}

/** One of the listed words, compared without case. */
export function choiceFrom<T extends string>(written: Written, choices: readonly T[]): Known<T> {
  const text = textFrom(written);
  if (!text.known) return text;
  const wanted = text.value.trim().toLowerCase();
  const choice = choices.find((one) => one.toLowerCase() === wanted);
  return choice === undefined
    ? unknown(`${written.key} is "${text.value}", which is none of ${choices.join(', ')}`, written.origin)
    : known(choice, written.origin);
}

/** A number that is one of the ZeRO stages. */
export function stageFrom(written: Written): Known<0 | 1 | 2 | 3> {
  const number = numberFrom(written);
  if (!number.known) return number;
  const stage = ([0, 1, 2, 3] as const).find((one) => one === number.value);
  return stage === undefined
    ? unknown(`there is no ZeRO stage ${number.value}`, written.origin)
    : known(stage, written.origin);
}

/** A list of texts: a sequence, or one text split at commas and spaces. */
export function textsFrom(written: Written): Known<readonly string[]> {
  if (written.templated) return filledLater(written);
  const { plain } = written;
  if (Array.isArray(plain) && plain.every((item) => typeof item === 'string')) return known(plain, written.origin);
  if (typeof plain === 'string') {
    return known(
      plain.split(/[\s,]+/).filter((part) => part !== ''),
      written.origin,
    );
  }
  return unknown(`${written.key} is not a list of names`, written.origin);
}

function filledLater<T>(written: Written): Known<T> {
  return unknown(`${written.key} is filled in by a template or variable`, written.origin);
}

/**
 * The first known value; else the first reason that points at a place; else `why`. Where something is written that cannot be
 * read, no default is taken in its stead.
 */
export function firstKnown<T>(why: string, ...candidates: readonly (Known<T> | undefined)[]): Known<T> {
  let reason: Known<T> | undefined;
  for (const candidate of candidates) {
    if (!candidate) continue;
    const replaces = candidate.known && !(reason?.origin && candidate.origin.kind === 'default');
    if (replaces) return candidate;
    if (!candidate.known && (!reason || (!reason.origin && candidate.origin))) reason = candidate;
  }
  return reason ?? unknown(why);
}

/** A framework's own default, with the line that sets it. */
export function byDefault<T>(value: T, of: string, source: string): Known<T> {
  return known(value, { kind: 'default', of, source });
}

/** A value that stands in for one nobody wrote; the estimate lists it. */
export function assumed<T>(value: T, because: string): Known<T> {
  return known(value, { kind: 'assumed', because });
}

/** Where an origin points to a file, its path. */
export function pathOf(origin: Origin | undefined): Path | undefined {
  return origin?.kind === 'file' ? origin.path : undefined;
}
