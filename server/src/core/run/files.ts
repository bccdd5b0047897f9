import type { RunNote } from '../analysis';
import type { FileReference, Recognition } from '../dialects/dialect';
import { couldBeConfig, dialect, recognise } from '../dialects/index';
import { type Kept, kept } from '../kept';
import { basename, extension, isAbsolute, join } from '../paths';
import { originOf, type Setting } from '../settings';
import type { Config, DialectId, Path, ReadResult, SourceFile, StillFolder, Workspace } from '../source';
import { foldersUp } from './folders';
import { mayName } from './names';

/** What a file says by itself, made once per version of the file. */
export interface FileFacts {
  readonly file: SourceFile;
  readonly dialect: DialectId;
  /** The file's own config first, then the sections in it. Empty where the root is no mapping. */
  readonly configs: readonly Config[];
  /** Settings that name other files. */
  readonly names: readonly { readonly setting: Setting; readonly dialect: DialectId; readonly written: string }[];
}

const made = kept<SourceFile, FileFacts | 'none'>();

/** undefined for files that are no config of ours. */
export function factsOf(file: SourceFile, recognition?: Recognition): FileFacts | undefined {
  let facts = made.get(file);
  if (!facts) {
    facts = makeFacts(file, recognition ?? recognise(file)) ?? 'none';
    made.set(file, facts);
  }
  return facts === 'none' ? undefined : facts;
}

function makeFacts(file: SourceFile, recognition: Recognition | undefined): FileFacts | undefined {
  if (!recognition || recognition.dialect === 'foreign') return undefined;
  const id = recognition.dialect;
  const { root } = file.tree;
  if (root?.kind !== 'mapping') return { file, dialect: id, configs: [], names: [] };
  const own: Config = { dialect: id, file, root, at: '' };
  const configs = [own, ...dialect(id).sections(own)];
  const names = configs.flatMap((config) =>
    dialect(config.dialect)
      .references(config)
      .flatMap((named) => {
        const written = pathIn(named.setting);
        return written === undefined ? [] : [{ ...named, written }];
      }),
  );
  return { file, dialect: id, configs, names };
}

/** The path a setting names; undefined for inline JSON, templates and values that are no text. */
function pathIn({ node }: Setting): string | undefined {
  if (node?.kind !== 'scalar' || node.templated || node.scalar.type !== 'string') return undefined;
  const text = node.scalar.value.trim();
  return text === '' || text.startsWith('{') || text.length > 1000 ? undefined : text;
}

/** A file taken for what another file says it is, where it does not show that by itself. */
export function factsAs(file: SourceFile, wanted: DialectId): FileFacts | undefined {
  const { root } = file.tree;
  if (root?.kind !== 'mapping') return undefined;
  return { file, dialect: wanted, configs: [{ dialect: wanted, file, root, at: '' }], names: [] };
}

/** By the text read: the files around a config are asked for again and again, and none changes while the adapter keeps its text. */
const byText = kept<ReadResult, FileFacts | 'none'>();

/** What was made of the files of a folder, and those that were looked at for it. */
export interface OfFolder<T> {
  readonly value: T;
  readonly looked: readonly Path[];
}

/** Reads files for one analysis: remembers what was looked at, and what could not be read. */
export class FileFinder {
  readonly notes: RunNote[] = [];
  private readonly above = new Map<Path, readonly Path[]>();

  constructor(
    readonly workspace: Workspace,
    readonly dependencies: Set<Path>,
  ) {}

  /** The facts of a file that can be read and is recognised. */
  facts(path: Path): FileFacts | undefined {
    this.dependencies.add(path);
    const read = this.workspace.read(path);
    if (!read.ok) return undefined;
    let facts = byText.get(read);
    if (!facts) {
      const file = couldBeConfig(path, read.text) ? this.workspace.source(path) : undefined;
      facts = (file && factsOf(file)) ?? 'none';
      byText.set(read, facts);
    }
    return facts === 'none' ? undefined : facts;
  }

  /** What `make` makes of the files of a folder: once for all that ask, where the folder holds still. */
  ofFolder<T>(folder: Path, made: Kept<StillFolder, OfFolder<T>>, make: (looked: Path[]) => T): T {
    const still = this.workspace.still?.(folder);
    let found = still && made.get(still);
    if (!found) {
      const looked: Path[] = [];
      found = { value: make(looked), looked };
      if (still) made.set(still, found);
    }
    for (const path of found.looked) this.dependencies.add(path);
    return found.value;
  }

  /** {@link foldersUp}, walked once an analysis. */
  foldersUp(file: Path): readonly Path[] {
    let folders = this.above.get(file);
    if (!folders) {
      folders = foldersUp(file, this.workspace);
      this.above.set(file, folders);
    }
    return folders;
  }

  /** The facts of a file that may name `name`. Most files around a config do not, and parsing them would take longer than all the rest. */
  factsNaming(path: Path, name: string): FileFacts | undefined {
    this.dependencies.add(path);
    return mayName(this.workspace.read(path), name) ? this.facts(path) : undefined;
  }

  /** Beside the file that names it, then in each folder above it up to the workspace root. */
  resolve(written: string, from: Path, wanted: DialectId | undefined): Path | undefined {
    const tails = wanted === 'model' && extension(written) !== '.json' ? [join(written, 'config.json')] : [written];
    for (const place of this.places(tails, from)) {
      this.dependencies.add(place);
      if (this.workspace.source(place)) return place;
    }
    return undefined;
  }

  private *places(tails: readonly string[], from: Path): Generator<Path> {
    for (const tail of tails) {
      if (/^[A-Za-z][A-Za-z0-9+.-]+:\/\//.test(tail)) continue;
      if (isAbsolute(tail)) yield join('', tail);
      else for (const folder of this.foldersUp(from)) yield join(folder, tail);
    }
  }

  /** The references of one file, found or not. */
  references(facts: FileFacts): FileReference[] {
    return facts.names.map(({ setting, dialect: wanted, written }) => {
      const resolved = this.resolve(written, facts.file.path, wanted);
      if (resolved === undefined) this.explain(written, setting);
      return { setting, written, dialect: wanted, resolved };
    });
  }

  /** A file that is there but cannot be used is said; one that is simply not there is a hint of the rule on links. */
  private explain(written: string, setting: Setting): void {
    const absolute = isAbsolute(written) ? join('', written) : undefined;
    const beside = absolute ?? join(this.foldersUp(setting.config.file.path)[0] ?? '', written);
    const result = this.workspace.read(beside);
    if (result.ok || result.why === 'missing' || result.why === 'pending' || result.why === 'outside') return;
    const why = { unreadable: 'it cannot be read', 'too-large': 'it is too large', binary: 'it is not text' }[
      result.why
    ];
    this.notes.push({
      kind: 'unreadable-file',
      message: `${basename(written)}, named by ${setting.path}, was not checked: ${why}.`,
      origin: originOf(setting),
    });
  }
}
