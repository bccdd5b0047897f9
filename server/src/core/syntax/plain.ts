import { MAX_EXPANDED_NODES } from './limits';
import type { Node, ScalarNode } from './node';

/** Who reads the text: strict `json.load`, DeepSpeed's Hjson, or PyYAML's safe_load. */
export type Reader = 'json' | 'hjson' | 'yaml';

/**
 * The value Python has after reading: objects, arrays, strings, numbers, booleans, null. The last of two equal keys wins and an
 * entry without value is null. Hjson turns a whole float below 1e10 into an integer (hjson 3.1.0 decoder.py scantfnns); in
 * JavaScript both are numbers, so that matters only to {@link pythonNumber}. Never throws: depth is bounded by the
 * parsers, and nodes shared by aliases are converted once.
 */
export function toPlain(node: Node | undefined, reader: Reader): unknown {
  return convert(node, reader, new Map());
}

function convert(node: Node | undefined, reader: Reader, done: Map<Node, unknown>): unknown {
  if (node === undefined) return null;
  if (node.kind === 'scalar') return node.scalar.value;
  const finished = done.get(node);
  if (finished !== undefined) return finished;
  if (done.size > MAX_EXPANDED_NODES) return null;
  if (node.kind === 'sequence') {
    const items: unknown[] = [];
    done.set(node, items);
    for (const item of node.items) items.push(convert(item, reader, done));
    return items;
  }
  const object: Record<string, unknown> = {};
  done.set(node, object);
  for (const entry of node.entries) {
    if (entry.value === undefined && Object.hasOwn(object, entry.key)) continue;
    const value = convert(entry.value, reader, done);
    if (entry.key === '__proto__') {
      Object.defineProperty(object, entry.key, { value, enumerable: true, configurable: true, writable: true });
    } else {
      object[entry.key] = value;
    }
  }
  return object;
}

/** Whether Python has an int or a float after reading; undefined for anything that is no number. */
export function pythonNumber(node: ScalarNode, reader: Reader): 'int' | 'float' | undefined {
  const { scalar } = node;
  if (scalar.type !== 'int' && scalar.type !== 'float') return undefined;
  const becomesInt = reader === 'hjson' && Number.isInteger(scalar.value) && Math.abs(scalar.value) < 1e10;
  return becomesInt ? 'int' : scalar.type;
}
