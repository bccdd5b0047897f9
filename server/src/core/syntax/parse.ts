import { basename, extension } from '../paths';
import type { Path, SourceFile } from '../source';
import { LineIndex } from '../text/lines';
import { parseJson } from './json';
import { isTemplateFile } from './template';
import { parseYaml } from './yaml';

export { parseJson } from './json';
export { parseYaml } from './yaml';

/**
 * Reads a text by the extension of its path: YAML for `.yaml` and `.yml`, JSON for everything else. Never throws; what could not
 * be read is in `tree.problems`.
 */
export function parseSource(path: Path, text: string): SourceFile {
  const tree = isYamlPath(path) ? parseYaml(text) : parseJson(text, { template: isTemplateFile(basename(path)) });
  return { path, text, lines: new LineIndex(text), tree };
}

function isYamlPath(path: Path): boolean {
  const ending = extension(path);
  return ending === '.yaml' || ending === '.yml';
}
