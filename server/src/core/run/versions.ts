import { join } from '../paths';
import type { Path, ReadResult } from '../source';
import type { FileFinder } from './files';
import { namesIn } from './folders';
import type { Known } from './known';
import { findPins } from './pins';
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

/**
 * Versions that shardlens.json names, then exact pins of the nearest folder that has one, its lock files first, then requirements,
 * project files, environments, Dockerfiles and install scripts. A range proves nothing.
 */
export function readVersions(path: Path, settings: ProjectSettings, finder: FileFinder): Versions {
  const versions: Partial<Record<FrameworkName, Known<string>>> = {};
  for (const name of FRAMEWORKS) {
    const written = settings.frameworks.get(name);
    if (written) versions[name] = textFrom(written);
  }
  for (const folder of finder.foldersUp(path)) {
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
    pins = result.ok ? findPins(path, result.text, FRAMEWORKS) : {};
    read.set(result, pins);
  }
  return pins;
}
