import type { FileReference } from '../dialects/dialect';
import { kept } from '../kept';
import { basename, join } from '../paths';
import type { DialectId, Path, StillFolder, Workspace } from '../source';
import type { FileFacts, FileFinder, OfFolder } from './files';
import { namesIn } from './folders';
import { type Launch, launchesIn, placeOf } from './launch';
import { manifestFolders } from './manifest-values';

const allConfigs = kept<StillFolder, OfFolder<readonly Path[]>>();
const allFacts = kept<StillFolder, OfFolder<readonly FileFacts[]>>();
const allLaunches = kept<StillFolder, OfFolder<readonly Launch[]>>();

/** What lies around a file: configs that name it, launch lines, and the other files of its folder. */
export class Neighbours {
  private launchLines: readonly Launch[] | undefined;
  private readonly near = new Map<Path, FileFacts[]>();

  constructor(
    private readonly path: Path,
    private readonly finder: FileFinder,
  ) {}

  /** The files of a dialect that name `path`, in the folders around it, the nearest first. */
  naming(path: Path, dialect: DialectId): readonly { facts: FileFacts; reference: FileReference }[] {
    const found: { facts: FileFacts; reference: FileReference }[] = [];
    const name = basename(path);
    for (const facts of this.candidates(path, name)) {
      if (facts.dialect !== dialect || facts.file.path === path) continue;
      if (!facts.names.some(({ written }) => basename(join('', written)) === name)) continue;
      const reference = this.finder.references(facts).find(({ resolved }) => resolved === path);
      if (reference) found.push({ facts, reference });
    }
    return found;
  }

  /** Launch lines that name a file, as they find it from a folder above their script. */
  launchesNaming(path: Path): readonly Launch[] {
    const name = basename(path);
    this.launchLines ??= this.readLaunches();
    return this.launchLines.filter((launch) =>
      fileWords(launch).some((written) => basename(join('', written)) === name && this.isThere(written, launch, path)),
    );
  }

  /** The file of a dialect that a launch line names. */
  fileOf(written: string, launch: Launch, dialect: DialectId): FileFacts | undefined {
    if (!/\.(json|jsonc|ya?ml)$/i.test(written)) return undefined;
    const path = this.finder.resolve(placeOf(launch, written), launch.path, dialect);
    const facts = path === undefined ? undefined : this.finder.facts(path);
    return facts?.dialect === dialect ? facts : undefined;
  }

  /** The files of a dialect in a folder; none where it holds more files than are looked at, since then "the only one" cannot be said. */
  inFolder(dialect: DialectId, folder: Path): readonly FileFacts[] {
    const found = this.finder.ofFolder(folder, allFacts, (looked) => {
      const { configs, cut } = namesIn(folder, this.finder.workspace);
      if (cut) return [];
      const paths = configs.map((name) => join(folder, name));
      looked.push(...paths);
      return paths.flatMap((path) => this.finder.facts(path) ?? []);
    });
    return found.filter((facts) => facts.dialect === dialect);
  }

  /** Sought once a file: it is asked who names it as a Trainer file, and who as an Accelerate file. */
  private candidates(path: Path, wanted: string): readonly FileFacts[] {
    let found = this.near.get(path);
    if (!found) {
      found = [];
      for (const folder of this.finder.foldersUp(path)) {
        for (const config of this.configsIn(folder)) {
          const facts = this.finder.factsNaming(config, wanted);
          if (facts) found.push(facts);
        }
      }
      this.near.set(path, found);
    }
    return found;
  }

  /** JSON and YAML files of a folder that may be part of a run. */
  private configsIn(folder: Path): readonly Path[] {
    return this.finder.ofFolder(folder, allConfigs, () =>
      namesIn(folder, this.finder.workspace).configs.map((name) => join(folder, name)),
    );
  }

  /** Launch lines in the folders around the file, the nearest first. */
  private readLaunches(): readonly Launch[] {
    const { finder } = this;
    return finder
      .foldersUp(this.path)
      .flatMap((folder) =>
        finder.ofFolder(folder, allLaunches, (looked) => launchesAt(folder, finder.workspace, looked)),
      );
  }

  private isThere(written: string, launch: Launch, path: Path): boolean {
    return this.finder.foldersUp(launch.path).some((folder) => join(folder, placeOf(launch, written)) === path);
  }
}

/** Launch lines in a folder, in the `scripts` folder there, and in its manifests. */
function launchesAt(folder: Path, workspace: Workspace, looked: Path[]): readonly Launch[] {
  const launches: Launch[] = [];
  for (const place of [folder, join(folder, 'scripts')]) {
    for (const name of namesIn(place, workspace).scripts) {
      const script = join(place, name);
      looked.push(script);
      launches.push(...launchesIn(script, workspace.read(script)));
    }
  }
  for (const place of manifestFolders(folder)) {
    for (const name of namesIn(place, workspace).configs) {
      if (!/\.ya?ml$/i.test(name)) continue;
      const found = launchesIn(join(place, name), workspace.read(join(place, name)));
      if (found.length > 0) looked.push(join(place, name));
      launches.push(...found);
    }
  }
  return launches;
}

/** Words of a launch line that can be a Trainer file: `--config x.yaml`, or a bare `x.yaml`. */
export function configWords(launch: Launch): string[] {
  const named = launch.arguments.get('config');
  const words = launch.positional.flatMap(({ text }) => (text.known ? [text.value] : []));
  return named && typeof named.plain === 'string' && !named.templated ? [named.plain, ...words] : words;
}

function fileWords(launch: Launch): string[] {
  const values = [...launch.flags.values(), ...launch.arguments.values()].flatMap(({ plain, templated }) =>
    typeof plain === 'string' && !templated && /\.(json|jsonc|ya?ml)$/i.test(plain) ? [plain] : [],
  );
  return [...values, ...configWords(launch)];
}
