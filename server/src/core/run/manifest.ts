import { kept } from '../kept';
import { basename, extension, join } from '../paths';
import type { Path, ReadResult, StillFolder, Workspace } from '../source';
import type { FileFinder, OfFolder } from './files';
import { foldersUp, namesIn } from './folders';
import { hyperPodValues } from './hyperpod';
import type { Known } from './known';
import type { Links } from './links';
import { cloudJobs, cloudJobValues, isCloudJob } from './manifest-cloud';
import { CHIP_RESOURCES, GPU_RESOURCES, isKubernetes, kubernetesValues } from './manifest-kubernetes';
import { INSTANCE, type ManifestValues, manifestFolders, NODES, PROCESSES } from './manifest-values';
import { slurmClusterOf, slurmClusterValues } from './slurm-cluster';

/** The machines that a manifest asks for; each absent where it does not say it in plain words. */
export interface ManifestPlace {
  readonly instance: Known<string> | undefined;
  readonly nodes: Known<number> | undefined;
  readonly perNode: Known<number> | undefined;
  /** Whole chips of NeuronCores per node, where the manifest counts those. */
  readonly chips: Known<number> | undefined;
}

const places = kept<Links, ManifestPlace>();

/** Kind of machine, nodes and processes of the manifest that starts this run. */
export function manifestPlace(links: Links, finder: FileFinder): ManifestPlace {
  const known = places.get(links);
  if (known) return known;
  const values = manifestValues(links, finder);
  const count = (name: string): Known<number> | undefined => {
    const value = values.get(name);
    if (value && !value.known) return value;
    return value && Number(value.value) >= 1 ? { ...value, value: Number(value.value) } : undefined;
  };
  const first = (names: readonly string[]) => names.map(count).find((found) => found !== undefined);
  const perNode = count(PROCESSES) ?? first(GPU_RESOURCES);
  const chips = first(CHIP_RESOURCES);
  const place = { instance: values.get(INSTANCE), nodes: count(NODES), perNode, chips };
  places.set(links, place);
  return place;
}

const values = kept<Links, ManifestValues>();

/**
 * What the manifest that starts this run says: the only one in the folders around that names its script or one of its files,
 * else the Slurm cluster that a batch script runs on.
 */
export function manifestValues(links: Links, finder: FileFinder): ManifestValues {
  let found = values.get(links);
  if (!found) {
    found = valuesFor(links, finder);
    values.set(links, found);
  }
  return found;
}

function valuesFor({ launch, files }: Links, finder: FileFinder): ManifestValues {
  const names = [launch?.path, ...files.map(({ path }) => path)].flatMap((it) => (it ? [basename(it)] : []));
  const [own] = files;
  if (!own) return NONE;
  for (const folder of foldersUp(own.path, finder.workspace)) {
    const { workspace, dependencies } = finder;
    const all = finder.ofFolder(folder, manifests, () =>
      manifestFolders(folder).flatMap((it) => manifestsIn(it, workspace)),
    );
    if (all.length === 0) continue;
    const found = all.filter(({ name, text }) => names.some((it) => it !== name && text.includes(it)));
    for (const { path } of found) dependencies.add(path);
    if (found.length > 1) return NONE;
    if (found[0]) return found[0].valuesFor(names);
  }
  const cluster = slurmClusterOf(launch, finder);
  if (cluster && launch) return slurmClusterValues(cluster, launch);
  return hyperPodValues(launch, finder) ?? NONE;
}

const NONE: ManifestValues = new Map();

interface Manifest {
  readonly text: string;
  /** What it says of a run with files of these names. */
  readonly valuesFor: (names: readonly string[]) => ManifestValues;
}

/** A manifest, and where it lies. */
interface PlacedManifest extends Manifest {
  readonly path: Path;
  readonly name: string;
}

const manifests = kept<StillFolder, OfFolder<readonly PlacedManifest[]>>();
const read = kept<ReadResult, Manifest | 'none'>();
const LARGEST = 256 * 1024;

function manifestsIn(folder: Path, workspace: Workspace): PlacedManifest[] {
  const { configs, estimators } = namesIn(folder, workspace);
  return [...configs, ...estimators].flatMap((name) => {
    const path = join(folder, name);
    const manifest = manifestOf(path, workspace.read(path));
    return manifest ? [{ ...manifest, path, name }] : [];
  });
}

function manifestOf(path: Path, result: ReadResult): Manifest | undefined {
  let made = read.get(result);
  if (made === undefined) {
    made = (result.ok && result.text.length < LARGEST && manifestIn(path, result.text)) || 'none';
    read.set(result, made);
  }
  return made === 'none' ? undefined : made;
}

function manifestIn(path: Path, text: string): Manifest | undefined {
  if (/\.ya?ml$/.test(extension(path)) && isKubernetes(text)) {
    const values = kubernetesValues(path, text);
    return { text, valuesFor: () => values };
  }
  if (!isCloudJob(text)) return undefined;
  const jobs = cloudJobs(path, text);
  return { text, valuesFor: (names) => cloudJobValues(path, text, jobs, names) };
}
