import { MAX_DEPTH, MAX_YAML_UNITS } from './limits';
import type { Tree } from './node';
import { composeYaml } from './yaml-compose';
import { tooDeepAt } from './yaml-guard';
import { readPlainYaml } from './yaml-plain/read';

/**
 * Reads YAML text into a tree with PyYAML's meaning (YAML 1.1). Of several documents the first is the config. Most texts are plain
 * enough for a reader of our own, some thirty times faster than the YAML package; the package reads all others. Text beyond our
 * caps of size or depth is not given to it, since it calls itself for each level. Never throws.
 */
export function parseYaml(text: string): Tree {
  if (text.length > MAX_YAML_UNITS) {
    return hopeless('limit', 0, `The file is larger than ${MAX_YAML_UNITS / 1024} KiB of text, so it was not read.`);
  }
  const nul = text.indexOf('\0');
  if (nul >= 0) return hopeless('broken', nul, 'This NUL character cannot stand in YAML.');
  const plain = readPlainYaml(text);
  if (plain !== undefined) return plain;
  const deep = tooDeepAt(text);
  if (deep >= 0) {
    return hopeless('limit', deep, `The nesting is deeper than ${MAX_DEPTH} levels, so the file was not read.`);
  }
  return composeYaml(text);
}

function hopeless(kind: 'broken' | 'limit', at: number, message: string): Tree {
  return { format: 'yaml', root: undefined, problems: [{ kind, start: at, end: at, message }] };
}
