import { kept } from '../kept';
import { join } from '../paths';
import type { Path, ReadResult } from '../source';
import type { FileFinder } from './files';
import { namesIn } from './folders';
import { imageContents, isReplaced } from './image';
import { type Known, known } from './known';
import type { Links } from './links';
import { manifestValues } from './manifest';
import { IMAGE } from './manifest-values';
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
 * project files, environments, Dockerfiles and install scripts, and at last the tag of the image that is launched. A range proves
 * nothing.
 */
export function readVersions(path: Path, settings: ProjectSettings, finder: FileFinder, links: Links): Versions {
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
  addImage(versions, links, finder);
  return versions;
}

/** What the image of the launch brings, where no file of the project names a release. */
function addImage(versions: { [name in FrameworkName]?: Known<string> }, links: Links, finder: FileFinder): void {
  const image = manifestValues(links, finder).get(IMAGE);
  const contents = image?.known ? imageContents(image.value) : undefined;
  if (!image?.known || image.origin.kind !== 'file' || !contents) return;
  const read = finder.workspace.read(image.origin.path);
  for (const framework of FRAMEWORKS) {
    const release = contents.releases[framework];
    if (release === undefined || versions[framework] || (read.ok && isReplaced(framework, read.text))) continue;
    versions[framework] = known(release, image.origin);
  }
}

const read = kept<ReadResult, Versions>();

function pinsIn(path: Path, result: ReadResult): Versions {
  let pins = read.get(result);
  if (!pins) {
    pins = result.ok ? findPins(path, result.text, FRAMEWORKS) : {};
    read.set(result, pins);
  }
  return pins;
}
