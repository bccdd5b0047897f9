import type { Scalar } from './node';
import { pythonFloat, pythonInt, resolvePlain } from './python-scalar';

const PREFIX = 'tag:yaml.org,2002:';

const COLLECTION_TAGS: ReadonlySet<string> = new Set(
  ['map', 'seq', 'omap', 'pairs', 'set'].map((name) => PREFIX + name).concat('!'),
);

/** A tag as people write it: `!!int`. */
export function shownTag(tag: string): string {
  return tag.replace(PREFIX, '!!');
}

/** Whether PyYAML's SafeConstructor makes a value of a collection under this tag. */
export function hasConstructor(tag: string): boolean {
  return COLLECTION_TAGS.has(tag);
}

/** Explicit tags as PyYAML's SafeConstructor reads them; undefined where it raises. */
export function resolveTagged(tag: string, value: string): Scalar | undefined {
  switch (tag) {
    case '!':
      // PyYAML resolves a value under the bare tag as if it were plain, quotes or not.
      return resolvePlain(value);
    case `${PREFIX}str`:
    case `${PREFIX}binary`:
    case `${PREFIX}timestamp`:
      return { type: 'string', value };
    case `${PREFIX}null`:
      return { type: 'null', value: null };
    case `${PREFIX}int`: {
      const int = pythonInt(value);
      return Number.isNaN(int) ? undefined : { type: 'int', value: int };
    }
    case `${PREFIX}float`: {
      const float = pythonFloat(value);
      return Number.isNaN(float) && !/^[-+]?\.?nan$/i.test(value) ? undefined : { type: 'float', value: float };
    }
    case `${PREFIX}bool`: {
      const scalar = resolvePlain(/^(?:yes|no|true|false|on|off)$/i.test(value) ? value.toLowerCase() : '');
      return scalar.type === 'bool' ? scalar : undefined;
    }
    default:
      return undefined;
  }
}
