/** Longer ones are no key of any framework. */
const LONGEST = 64;

/** More than all frameworks have together; a file of made-up keys cannot fill memory. */
const MOST = 4096;

let seen = new Map<string, string>();

/**
 * A key, as the one string that stands for it in all files: comparing it with another is comparing two addresses, and it does not hold the text
 * it was cut from.
 */
export function sameKey(key: string): string {
  if (key.length > LONGEST) return key;
  const known = seen.get(key);
  if (known !== undefined) return known;
  if (seen.size >= MOST) seen = new Map();
  // What names a property V8 keeps once; a part of a text it would compare letter by letter.
  const [own = key] = Object.keys({ [key]: true });
  seen.set(own, own);
  return own;
}
