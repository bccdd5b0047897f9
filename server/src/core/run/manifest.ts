import { basename, join } from '../paths';
import type { Path, ReadResult } from '../source';
import type { FileFinder } from './files';
import { foldersUp, namesIn } from './folders';
import { type Known, known } from './known';
import type { Links } from './links';

/** How Kubernetes counts EFA interfaces of a pod; kept beside the environment, since it decides the path as that does. */
export const EFA_RESOURCE = 'vpc.amazonaws.com/efa';

/** What a Kubernetes manifest says about the pods that run the training, as far as it is the same for all of them. */
interface Manifest {
  readonly text: string;
  readonly values: ReadonlyMap<string, Known<string>>;
}

const read = new WeakMap<ReadResult, Manifest | 'none'>();
const LARGEST = 256 * 1024;

/**
 * Environment and EFA count of the manifest that starts this run: the only one in the folders around that names its script
 * or one of its files. Manifests are often templates of several documents, so they are read by line.
 */
export function manifestValues(links: Links, finder: FileFinder): ReadonlyMap<string, Known<string>> {
  const names = [links.launch?.path, ...links.files.map(({ path }) => path)].flatMap((it) =>
    it ? [basename(it)] : [],
  );
  const [own] = links.files;
  if (!own) return new Map();
  for (const folder of foldersUp(own.path, finder.workspace)) {
    const found = [folder, join(folder, 'k8s')].flatMap((place) => manifestsIn(place, names, finder));
    if (found.length > 1) return new Map();
    if (found[0]) return found[0].values;
  }
  return new Map();
}

function manifestsIn(folder: Path, names: readonly string[], finder: FileFinder): Manifest[] {
  const { workspace, dependencies } = finder;
  return namesIn(folder, workspace).configs.flatMap((name) => {
    if (!/\.ya?ml$/.test(name)) return [];
    const path = join(folder, name);
    const manifest = manifestOf(path, workspace.read(path));
    if (!manifest || !names.some((it) => manifest.text.includes(it))) return [];
    dependencies.add(path);
    return [manifest];
  });
}

function manifestOf(path: Path, result: ReadResult): Manifest | undefined {
  let made = read.get(result);
  if (made === undefined) {
    made = result.ok && isManifest(result.text) ? { text: result.text, values: valuesOf(path, result.text) } : 'none';
    read.set(result, made);
  }
  return made === 'none' ? undefined : made;
}

function isManifest(text: string): boolean {
  return text.length < LARGEST && text.includes('containers:') && /^\s*kind:/m.test(text);
}

/** `- name: X` with `value: y` below it, and the count of EFA interfaces. Two different values of one name are none. */
function valuesOf(path: Path, text: string): ReadonlyMap<string, Known<string>> {
  const values = new Map<string, Known<string>>();
  const differing = new Set<string>();
  const add = (name: string, value: string, start: number): void => {
    const before = values.get(name);
    if (before?.known && before.value !== value) differing.add(name);
    const place = { start, end: start + value.length };
    if (!value.includes('{{') && !value.includes('$('))
      values.set(name, known(value, { kind: 'file', path, ...place, key: name }));
  };
  for (const found of text.matchAll(
    /^[ \t]*-[ \t]*name:[ \t]*["']?([A-Z][A-Z0-9_]*)["']?[ \t]*\r?\n[ \t]*value:[ \t]*/gm,
  )) {
    const start = found.index + found[0].length;
    const written = /^(?:"([^"\n]*)"|'([^'\n]*)'|([^\s#]*))/.exec(text.slice(start, start + 500));
    const value = written?.[1] ?? written?.[2] ?? written?.[3] ?? '';
    const isQuoted = written?.[3] === undefined;
    add(found[1] ?? '', value, start + (isQuoted ? 1 : 0));
  }
  for (const found of text.matchAll(/^[ \t]*["']?vpc\.amazonaws\.com\/efa["']?[ \t]*:[ \t]*["']?(\d{1,4})\b/gm)) {
    const count = found[1] ?? '';
    add(EFA_RESOURCE, count, found.index + found[0].length - count.length);
  }
  for (const name of differing) values.delete(name);
  return values;
}
