/**
 * What was made from an object, kept with it and found again. As a WeakMap is, but for values that lead back to their object: once a
 * WeakMap has grown old, V8 takes the values put into it for alive, and with them their keys, until old memory is collected too. A check
 * of many files would copy nearly every file twice.
 */
export class Kept<K extends object, V> {
  private readonly place = Symbol('kept');

  get(owner: K): V | undefined {
    return (owner as { readonly [place: symbol]: V | undefined })[this.place];
  }

  /** Not enumerable: a copy of the object is another object, from which other things are made. */
  set(owner: K, value: V): void {
    Object.defineProperty(owner, this.place, { value, writable: true, configurable: true });
  }
}
