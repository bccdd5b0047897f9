import { join } from '../paths';
import type { Path, ReadResult } from '../source';
import type { FileFinder } from './files';
import { foldersUp, namesIn } from './folders';
import { type Known, known, unknown } from './known';
import type { ProjectSettings } from './settings-file';
import type { FrameworkName } from './training-run';
import { textFrom } from './written';

/** The packages whose release changes what a key means. */
export const FRAMEWORKS: readonly FrameworkName[] = [
  'transformers',
  'accelerate',
  'deepspeed',
  'trl',
  'torch',
  'peft',
  'bitsandbytes',
];

type Versions = Readonly<Partial<Record<FrameworkName, Known<string>>>>;

/** Versions that shardlens.json names, then exact pins of the nearest requirements, pyproject or lock file; a range proves nothing. */
export function readVersions(path: Path, settings: ProjectSettings, finder: FileFinder): Versions {
  const versions: Partial<Record<FrameworkName, Known<string>>> = {};
  for (const name of FRAMEWORKS) {
    const written = settings.frameworks.get(name);
    if (written) versions[name] = textFrom(written);
  }
  for (const folder of foldersUp(path, finder.workspace)) {
    for (const name of namesIn(folder, finder.workspace).requirements) {
      const file = join(folder, name);
      finder.dependencies.add(file);
      const pins = pinsIn(file, finder.workspace.read(file));
      for (const framework of FRAMEWORKS) {
        const pin = pins[framework];
        if (pin && !versions[framework]?.known) versions[framework] = pin;
      }
    }
  }
  return versions;
}

const read = new WeakMap<ReadResult, Versions>();

function pinsIn(path: Path, result: ReadResult): Versions {
  let pins = read.get(result);
  if (!pins) {
    pins = result.ok ? findPins(path, result.text) : {};
    read.set(result, pins);
  }
  return pins;
}

/** `transformers==5.1.0` of requirements and pyproject, and `name = "transformers"` followed by `version = "5.1.0"` of lock files. */
function findPins(path: Path, text: string): Versions {
  const pins: Partial<Record<FrameworkName, Known<string>>> = {};
  const isLock = path.endsWith('.lock');
  for (const name of FRAMEWORKS) {
    const pattern = isLock
      ? new RegExp(`^name = "${name}"\\r?\\nversion = "([^"]+)"`, 'm')
      : new RegExp(`(?:^|["'])\\s*${name}(?:\\[[\\w,\\s-]*\\])?\\s*(===?|[<>~!]=?)\\s*([\\w.+!*-]+)([^#"'\\n]*)`, 'm');
    const match = pattern.exec(text);
    if (!match) continue;
    const origin = { kind: 'file', path, start: match.index, end: match.index + match[0].length, key: name } as const;
    const version = isLock ? match[1] : match[2];
    const exact =
      isLock || (/^===?$/.test(match[1] ?? '') && !version?.includes('*') && !(match[3] ?? '').includes(','));
    pins[name] =
      exact && version !== undefined
        ? known(version, origin)
        : unknown(`only a range of ${name} versions is given`, origin);
  }
  return pins;
}
