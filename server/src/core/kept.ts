/** Gives back what it is given, so that a class below it puts its private field into that object. */
class Given {
  constructor(owner: object) {
    // biome-ignore lint/correctness/noConstructorReturn: it is the way to give an object a private field from outside.
    return owner;
  }
}

/** What was made from objects of one kind, kept with each and found again. */
export interface Kept<K extends object, V> {
  get(owner: K): V | undefined;
  set(owner: K, value: V): void;
}

/**
 * As a WeakMap is, but for one thing: once a WeakMap has grown old, V8 takes the values put into it for alive until old memory is
 * collected too, and a check of many files would copy nearly every file twice. The value stands in a private field of its object, which no
 * copy of the object has.
 */
export function kept<K extends object, V>(): Kept<K, V> {
  return class Keeper extends Given {
    #value: V | undefined;

    static get(owner: K): V | undefined {
      return #value in owner ? (owner as Keeper).#value : undefined;
    }

    static set(owner: K, value: V): void {
      const keeper = #value in owner ? (owner as Keeper) : new Keeper(owner);
      keeper.#value = value;
    }
  };
}
