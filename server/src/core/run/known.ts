import type { Path } from '../source';

/** Where a value came from, so that every number can show its source. */
export type Origin =
  | { readonly kind: 'file'; readonly path: Path; readonly start: number; readonly end: number; readonly key: string }
  | { readonly kind: 'flag'; readonly flag: string }
  | { readonly kind: 'editor'; readonly what: string }
  | { readonly kind: 'default'; readonly of: string; readonly source?: string }
  | { readonly kind: 'catalog'; readonly id: string; readonly source?: string }
  | { readonly kind: 'derived'; readonly formula: string; readonly from: readonly Origin[] }
  | { readonly kind: 'assumed'; readonly because: string };

/** A value with its source, or the reason why it is not known. What is unknown stays unknown: no rule guesses. */
export type Known<T> =
  | { readonly known: true; readonly value: T; readonly origin: Origin }
  | { readonly known: false; readonly why: string; readonly origin?: Origin };

/** A value with its origin. */
export function known<T>(value: T, origin: Origin): Known<T> {
  return { known: true, value, origin };
}

/** `why` completes "not known: …": a noun phrase or clause the user can act on, as "no file names the model". */
export function unknown<T>(why: string, origin?: Origin): Known<T> {
  return origin === undefined ? { known: false, why } : { known: false, why, origin };
}

/** The value, or `undefined` where it is not known: for optional inputs whose absence the caller handles. */
export function valueIfKnown<T>(k: Known<T> | undefined): T | undefined {
  return k?.known ? k.value : undefined;
}
