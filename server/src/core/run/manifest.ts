import { basename, join } from '../paths';
import type { Path, ReadResult } from '../source';
import type { FileFinder } from './files';
import { foldersUp, namesIn } from './folders';
import { type Known, known } from './known';
import type { Links } from './links';

/** How Kubernetes counts the GPUs of a pod. */
const GPU_RESOURCES = ['nvidia.com/gpu', 'amd.com/gpu', 'aws.amazon.com/neuron'] as const;

/** The label by which a pod asks for a kind of machine. */
const INSTANCE_TYPE = 'node.kubernetes.io/instance-type';

/** What a manifest says of the machines: by names of its own, beside those of variables and resources. */
const NODES = 'nodes of the job';
const PROCESSES = 'processes per node';

/** How Kubernetes counts EFA interfaces of a pod; kept beside the environment, since it decides the path as that does. */
export const EFA_RESOURCE = 'vpc.amazonaws.com/efa';

/** Shared memory of a pod that mounts none of its own: the container runtime's default. */
export const SHARED_MEMORY = '/dev/shm';
const DEFAULT_SHARED_MEMORY = '64 MiB';

/** What a Kubernetes manifest says about the pods that run the training, as far as it is the same for all of them. */
interface Manifest {
  readonly text: string;
  readonly values: ReadonlyMap<string, Known<string>>;
}

/** The machines that a manifest asks for; each absent where it does not say it in plain words. */
export interface ManifestPlace {
  readonly instance: Known<string> | undefined;
  readonly nodes: Known<number> | undefined;
  readonly perNode: Known<number> | undefined;
}

const places = new WeakMap<Links, ManifestPlace>();

/** Kind of machine, nodes and processes of the manifest that starts this run. */
export function manifestPlace(links: Links, finder: FileFinder): ManifestPlace {
  const known = places.get(links);
  if (known) return known;
  const values = manifestValues(links, finder);
  const count = (name: string): Known<number> | undefined => {
    const value = values.get(name);
    return value?.known && Number(value.value) >= 1 ? { ...value, value: Number(value.value) } : undefined;
  };
  const gpus = GPU_RESOURCES.map(count).find((found) => found !== undefined);
  const place = { instance: values.get(INSTANCE_TYPE), nodes: count(NODES), perNode: count(PROCESSES) ?? gpus };
  places.set(links, place);
  return place;
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
    if (!/\{\{|\$[({\w]/.test(value)) values.set(name, known(value, { kind: 'file', path, ...place, key: name }));
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
  for (const { name, at, value } of entriesOf(text)) add(name, value, at);
  // The container of a TrainJob is written in its runtime, elsewhere.
  const pods = /^kind:[ \t]*["']?(?:PyTorchJob|MPIJob|Job|Pod|JobSet)\b/m.test(text);
  if (pods && !text.includes(SHARED_MEMORY) && !/^[ \t]*hostIPC:[ \t]*true/m.test(text))
    add(SHARED_MEMORY, DEFAULT_SHARED_MEMORY, text.indexOf('containers:'));
  const replicas = replicasOf(text);
  if (replicas) add(NODES, replicas.value, replicas.at);
  for (const name of differing) values.delete(name);
  return values;
}

interface PlainEntry {
  readonly name: string;
  readonly value: string;
  readonly at: number;
}

const WANTED: readonly (readonly [RegExp, string])[] = [
  ...[EFA_RESOURCE, ...GPU_RESOURCES].map((name) => [keyed(name, '\\d{1,4}'), name] as const),
  [keyed(INSTANCE_TYPE, '[a-z][\\w.-]+'), INSTANCE_TYPE],
  // Kubeflow Trainer's TrainJob.
  [keyed('numNodes', '\\d{1,5}'), NODES],
  [keyed('numProcPerNode', '\\d{1,3}'), PROCESSES],
  [keyed('nprocPerNode', '\\d{1,3}'), PROCESSES],
];

function keyed(key: string, value: string): RegExp {
  return new RegExp(
    `^[ \\t]*["']?${key.replace(/[./]/g, '\\$&')}["']?[ \\t]*:[ \\t]*["']?(${value})["']?[ \\t]*(?:#.*)?\\r?$`,
    'gm',
  );
}

/** `key: value` lines that tell what a pod asks for. */
function entriesOf(text: string): PlainEntry[] {
  return WANTED.flatMap(([pattern, name]) =>
    [...text.matchAll(pattern)].map((found) => {
      const value = found[1] ?? '';
      return { name, value, at: found.index + found[0].lastIndexOf(value) };
    }),
  );
}

/** Pods of a PyTorchJob or MPIJob that train: all of PyTorch's replicas, and MPI's workers. */
function replicasOf(text: string): Omit<PlainEntry, 'name'> | undefined {
  const kind = /^kind:[ \t]*["']?(PyTorchJob|MPIJob)\b/m.exec(text)?.[1];
  if (kind === undefined) return undefined;
  const of = (role: string): { value: number; at: number } | 'open' | undefined => {
    const start = new RegExp(`^([ \\t]*)${role}:[ \\t]*\\r?\\n`, 'm').exec(text);
    if (!start) return undefined;
    // The entries of this role are deeper than its own key.
    const rest = text.slice(start.index + start[0].length);
    const end = new RegExp(`^[ \\t]{0,${start[1]?.length ?? 0}}[\\w-]+:`, 'm').exec(rest)?.index ?? rest.length;
    const found = /^[ \t]*replicas:[ \t]*(\S+)/m.exec(rest.slice(0, end));
    if (!found) return { value: 1, at: start.index };
    const at = start.index + start[0].length + found.index + found[0].length - (found[1]?.length ?? 0);
    return /^\d+$/.test(found[1] ?? '') ? { value: Number(found[1]), at } : 'open';
  };
  const [master, worker] = [kind === 'PyTorchJob' ? of('Master') : undefined, of('Worker')];
  if (master === 'open' || worker === 'open' || (!master && !worker)) return undefined;
  const at = worker?.at ?? master?.at ?? 0;
  return { value: String((master?.value ?? 0) + (worker?.value ?? 0)), at };
}
