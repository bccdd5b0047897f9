import type { FileReference } from '../dialects/dialect';
import { basename, dirname } from '../paths';
import { originOf } from '../settings';
import type { Config, DialectId, Path, SourceFile } from '../source';
import { type FileFacts, type FileFinder, factsAs } from './files';
import type { Origin } from './known';
import { type Launch, placeOf } from './launch';
import { configWords, Neighbours } from './neighbours';
import type { ProjectSettings } from './settings-file';
import type { RunFile } from './training-run';
import { type Written, writtenIn } from './written';

/** The files that make one run with the analysed one, and the launch lines that start it. */
export interface Links {
  readonly files: readonly RunFile[];
  readonly configs: Readonly<Partial<Record<DialectId, Config>>>;
  /** References of the analysed file only. */
  readonly references: readonly FileReference[];
  /** The line taken: its flags count as the run's. */
  readonly launch: Launch | undefined;
  /** Every line that starts this run, the taken one first; where they differ in size, the size is not known. */
  readonly launches: readonly Launch[];
  /** Accelerate files beside this one of which any could be meant; none of them was taken. */
  readonly candidates: readonly Path[];
  /** Files that the run names and that cannot be read: what they say is unknown, not absent. */
  readonly missing: readonly MissingFile[];
}

/** A file that a key or a flag names and that is not there, or is something else. */
export interface MissingFile {
  readonly dialect: DialectId;
  /** Completes "it is not known, since": `ds.json, which says it, was not found`. */
  readonly why: string;
  readonly origin: Origin;
}

/** One launch line and the training arguments that its flags make of the Trainer file, to be linked as if it were the only one. */
export interface OneLaunch {
  readonly launch: Launch;
  readonly trainer: FileFacts;
}

/** Finds the rest of the run a file belongs to. */
export function linkFiles(own: FileFacts, settings: ProjectSettings, finder: FileFinder, only?: OneLaunch): Links {
  return new Linker(own, settings, finder, only).link();
}

interface Found {
  readonly facts: FileFacts;
  readonly because: string;
  readonly alternatives: readonly Path[];
}

class Linker {
  private readonly files = new Map<Path, RunFile>();
  private readonly configs: Partial<Record<DialectId, Config>> = {};
  private readonly missing: MissingFile[] = [];
  private open: readonly Path[] = [];
  private readonly around: Neighbours;
  private readonly references: readonly FileReference[];

  constructor(
    private readonly own: FileFacts,
    private readonly settings: ProjectSettings,
    private readonly finder: FileFinder,
    private readonly only: OneLaunch | undefined,
  ) {
    this.references = finder.references(own);
    this.around = new Neighbours(own.file.path, finder);
  }

  link(): Links {
    const { own } = this;
    this.add({ facts: own, because: 'the file itself', alternatives: [] });
    if (!isPartOfRun(own.dialect)) return this.result([]);
    for (const { path, because } of this.settings.with) {
      const facts = this.finder.facts(path);
      if (facts && !this.configs[facts.dialect]) this.add({ facts, because, alternatives: [] });
    }
    if (this.only) this.add({ facts: this.only.trainer, because: becauseLaunched(this.only.launch), alternatives: [] });
    if (!this.configs.trainer) this.add(this.trainerFor(own));
    const top = this.configs.trainer?.file.path ?? own.file.path;
    let launches = this.only ? [this.only.launch] : this.launchesOf(own, top);
    if (launches[0]) this.addFromLaunch(launches[0]);
    this.follow(this.configs.trainer);
    if (!this.configs.accelerate && !this.isMissing('accelerate')) this.add(this.accelerateFor(own, top));
    if (launches.length === 0 && this.configs.accelerate) {
      launches = this.withoutOthers(this.around.launchesNaming(this.configs.accelerate.file.path), top);
    }
    if (writtenIn(this.configs.accelerate, 'distributed_type')?.plain === 'DEEPSPEED')
      this.follow(this.configs.accelerate);
    return this.result(launches);
  }

  /** The lines that name this file, else those that name its Trainer file and give no other file in the place of this one. */
  private launchesOf(own: FileFacts, top: Path): readonly Launch[] {
    const naming = this.around.launchesNaming(own.file.path);
    if (top === own.file.path) return naming;
    const starting = this.around.launchesNaming(top);
    const ofThisRun = this.withoutOthers(naming, top);
    if (ofThisRun.length > 0) return ofThisRun;
    return starting.filter((launch) => {
      if (isInline(launch.arguments.get('deepspeed')) && own.dialect === 'deepspeed') return false;
      const named = namedBy(launch, this.configs.trainer).find(({ dialect }) => dialect === own.dialect);
      if (!named || named.written.templated) return true;
      return this.around.fileOf(String(named.written.plain), launch, own.dialect)?.file.path === own.file.path;
    });
  }

  /** Without lines that name a file of this run, but give other arguments in the place of its Trainer file: they start other runs. */
  private withoutOthers(launches: readonly Launch[], top: Path): readonly Launch[] {
    // The user's word that the files belong together is stronger.
    if (!this.configs.trainer || this.settings.with.some(({ path }) => path === top)) return launches;
    const starting = this.around.launchesNaming(top);
    const names = new Set([basename(top), basename(this.own.file.path)]);
    return launches.filter((launch) => starting.includes(launch) || !hasOtherArguments(launch, names));
  }

  private result(launches: readonly Launch[]): Links {
    return {
      files: [...this.files.values()],
      configs: this.configs,
      references: this.references,
      launch: launches[0],
      launches,
      candidates: this.open,
      missing: this.missing,
    };
  }

  /** The first file of a dialect stays; a file's sections count as files of their dialect. */
  private add(found: Found | undefined): void {
    if (!found) return;
    const { facts, because, alternatives } = found;
    const { path } = facts.file;
    if (!this.files.has(path)) this.files.set(path, { path, dialect: facts.dialect, because, alternatives });
    for (const config of facts.configs) this.configs[config.dialect] ??= config;
  }

  /** Adds the files that a config of the run names. Each dialect is taken once, so files that name each other end here. */
  private follow(config: Config | undefined): void {
    const facts = config && this.finder.facts(config.file.path);
    if (!facts) return;
    const references = facts === this.own ? this.references : this.finder.references(facts);
    for (const reference of references) {
      if (!isPartOfRun(reference.dialect) || this.configs[reference.dialect]) continue;
      // A flag of the launch line takes the place of the key, also where its file cannot be read.
      if (this.isMissing(reference.dialect)) continue;
      const target = this.targetOf(reference);
      if (target) this.add({ facts: target, because: becauseNamed(reference), alternatives: [] });
      else this.missing.push(missingFile(reference));
    }
  }

  /** The named file, taken for what the naming key says, unless it is plainly something else. */
  private targetOf(reference: FileReference): FileFacts | undefined {
    const { resolved, dialect } = reference;
    const file = resolved === undefined ? undefined : this.finder.workspace.source(resolved);
    if (!file) return undefined;
    const facts = this.finder.facts(file.path) ?? factsAs(file, dialect);
    if (facts?.dialect === dialect) {
      this.noteBroken(reference, file, facts.configs.length > 0);
      return facts;
    }
    const what = facts ? withArticle(TITLES[facts.dialect]) : 'no mapping of keys';
    const kind = facts && isPartOfRun(facts.dialect) ? 'link-cycle' : 'unreadable-file';
    const { path } = reference.setting;
    const message = `${path} names ${basename(file.path)}, which is ${what} and no ${TITLES[dialect]}, so what it says is not used.`;
    this.finder.notes.push({ kind, message, origin: originOf(reference.setting) });
    return undefined;
  }

  /** A named file that can only be read in part, or not at all: what it says is not to be taken for whole. */
  private noteBroken({ setting, resolved }: FileReference, { tree }: SourceFile, isRead: boolean): void {
    const isBroken = tree.problems.some(({ kind }) => kind === 'broken' || kind === 'limit');
    if ((!isBroken && isRead) || resolved === this.own.file.path) return;
    const lost = isRead ? 'some of what it says may be lost' : 'what it says is not used';
    const why = isBroken ? 'cannot be read to its end' : 'holds no keys';
    const message = `${setting.path} names ${basename(resolved ?? '')}, which ${why}, so ${lost}.`;
    this.finder.notes.push({ kind: 'unreadable-file', message, origin: originOf(setting) });
  }

  /** The Trainer file of this run: one that names this file, one that a launch line puts beside it, or the only one. */
  private trainerFor(own: FileFacts): Found | undefined {
    const naming = this.naming(own.file.path, 'trainer');
    if (naming) return this.isReplaced(own, naming.facts.file.path) ? undefined : naming;
    for (const launch of this.around.launchesNaming(own.file.path)) {
      for (const written of configWords(launch)) {
        const facts = this.around.fileOf(written, launch, 'trainer');
        if (facts) return { facts, because: becauseLaunched(launch), alternatives: [] };
      }
    }
    if (own.dialect === 'deepspeed') return this.throughAccelerate(own);
    if (own.dialect !== 'accelerate') return undefined;
    const [trainer, ...others] = this.around.inFolder('trainer', dirname(own.file.path));
    const isOnly = this.around.inFolder('accelerate', dirname(own.file.path)).length === 1;
    return trainer && others.length === 0 && isOnly ? becauseOnly(trainer) : undefined;
  }

  /** Whether every line that starts a Trainer file gives another DeepSpeed config in the place of this one: no run has both. */
  private isReplaced({ dialect, file }: FileFacts, trainer: Path): boolean {
    const starting = dialect === 'deepspeed' ? this.around.launchesNaming(trainer) : [];
    return starting.length > 0 && starting.every((launch) => this.givesAnother(launch, file.path));
  }

  /** The Trainer's own argument, inline or a file: it alone stands over the key in the Trainer file. */
  private givesAnother(launch: Launch, path: Path): boolean {
    const written = launch.arguments.get('deepspeed');
    if (!written || written.templated || !isFileName(written.plain)) return isInline(written);
    const name = String(written.plain);
    const named = this.finder.resolve(placeOf(launch, name), launch.path, 'deepspeed');
    // Not found, only another name shows another file.
    return named === undefined ? basename(name) !== basename(path) : named !== path;
  }

  /** A DeepSpeed file that an Accelerate file names belongs to that file's Trainer file too. */
  private throughAccelerate(own: FileFacts): Found | undefined {
    const accelerate = this.naming(own.file.path, 'accelerate');
    if (!accelerate) return undefined;
    this.add(accelerate);
    return this.trainerFor(accelerate.facts);
  }

  private accelerateFor(own: FileFacts, top: Path): Found | undefined {
    const naming = this.naming(own.file.path, 'accelerate');
    if (naming) return naming;
    // An own launch line that names no Accelerate file says there is none.
    if (this.around.launchesNaming(top).length > 0 || !this.configs.trainer) return undefined;
    const trainers = this.around.inFolder('trainer', dirname(top));
    const found = this.around.inFolder('accelerate', dirname(top));
    const [only, ...others] = found;
    if (only && others.length === 0 && trainers.length === 1) return becauseOnly(only);
    this.open = found.map(({ file }) => file.path);
    return undefined;
  }

  /** The nearest file of a dialect that names `path`. */
  private naming(path: Path, dialect: DialectId): Found | undefined {
    const [first, ...others] = this.around.naming(path, dialect);
    if (!first) return undefined;
    const alternatives = others.map(({ facts }) => facts.file.path);
    return { facts: first.facts, because: becauseNamed(first.reference), alternatives };
  }

  /** Files that the taken launch line names: flags win over what the Trainer file names, as in the framework. */
  private addFromLaunch(launch: Launch): void {
    const because = becauseLaunched(launch);
    const inline = launch.arguments.get('deepspeed');
    if (isInline(inline) && !this.configs.deepspeed) {
      const why = `${inline.key} of the launch line holds the DeepSpeed config itself, which is not read there`;
      this.missing.push({ dialect: 'deepspeed', why, origin: inline.origin });
    }
    for (const { written, dialect } of namedBy(launch, this.configs.trainer)) {
      if (this.configs[dialect]) continue;
      const facts = written.templated ? undefined : this.launchedFile(String(written.plain), launch, dialect);
      if (facts) this.add({ facts, because, alternatives: [] });
      else this.lose(written, launch, dialect);
    }
  }

  /** The named file, taken for what the flag says where it shows nothing else by itself. */
  private launchedFile(written: string, launch: Launch, dialect: DialectId): FileFacts | undefined {
    const path = this.finder.resolve(placeOf(launch, written), launch.path, dialect);
    const file = path === undefined ? undefined : this.finder.workspace.source(path);
    const facts = file && (this.finder.facts(file.path) ?? factsAs(file, dialect));
    return facts?.dialect === dialect ? facts : undefined;
  }

  /** The run is not judged by another file than the one it names. */
  private lose(written: Written, launch: Launch, dialect: DialectId): void {
    const { key, plain, origin, templated } = written;
    const isThere =
      !templated && this.finder.resolve(placeOf(launch, String(plain)), launch.path, dialect) !== undefined;
    const what = templated ? `the file of ${key}` : String(plain);
    const how = templated ? 'is filled in by a variable' : isThere ? 'could not be used' : 'was not found';
    this.missing.push({ dialect, why: `${what}, which says it, ${how}`, origin });
    if (templated) return;
    const found = isThere
      ? `is no ${TITLES[dialect]}, so what it says is not used`
      : 'was found neither beside the script nor in a folder above it, so what it says is not checked';
    const kind = isThere ? 'unreadable-file' : MISSING_FILE;
    this.finder.notes.push({ kind, message: `${key} names ${plain}, which ${found}.`, origin });
  }

  private isMissing(dialect: DialectId): boolean {
    return this.missing.some((file) => file.dialect === dialect);
  }
}

/** Kind of the note about a file that a launch line names and that is not there. */
export const MISSING_FILE = 'missing-file';

/**
 * The files that the flags of a launch line name, those first that win. Accelerate's `--deepspeed_config_file` is read only where the
 * Trainer has no `deepspeed` (transformers training_args.py:1706, 5.23.0; accelerate utils/dataclasses.py:1264, 1.15.0).
 */
function namedBy(
  { flags, arguments: args }: Launch,
  trainer: Config | undefined,
): readonly { written: Written; dialect: DialectId }[] {
  const ofTrainer = args.get('deepspeed') ?? writtenIn(trainer, 'deepspeed');
  const isGiven = ofTrainer?.plain !== undefined && ofTrainer.plain !== null && ofTrainer.plain !== true;
  const named = [
    { written: flags.get('config_file') ?? args.get('accelerate_config'), dialect: 'accelerate' },
    { written: isGiven ? undefined : flags.get('deepspeed_config_file'), dialect: 'deepspeed' },
    // Bare, it only switches DeepSpeed on: `--deepspeed --deepspeed_config ds.json`.
    { written: args.get('deepspeed'), dialect: 'deepspeed' },
    { written: args.get('deepspeed_config'), dialect: 'deepspeed' },
    { written: args.get('fsdp_config'), dialect: 'fsdp' },
  ] as const;
  return named.flatMap(({ written, dialect }) => {
    const isFile = written && (written.templated || isFileName(written.plain));
    return isFile ? [{ written, dialect }] : [];
  });
}

/** JSON in the place of a file's name, as TrainingArguments take it (training_args.py:1528, 5.23.0). */
function isInline(written: Written | undefined): written is Written {
  return typeof written?.plain === 'string' && written.plain.trimStart().startsWith('{');
}

/** What a line gives where no file holds the arguments; `deepspeed` alone also stands beside a file. */
const OWN_ARGUMENTS = [
  'output_dir',
  'per_device_train_batch_size',
  'gradient_accumulation_steps',
  'learning_rate',
  'num_train_epochs',
  'max_steps',
  'bf16',
  'fp16',
  'save_steps',
  'save_strategy',
  'logging_steps',
];

/** Whether a line surely takes its arguments from elsewhere than the files of these names: another file, or flags alone. */
function hasOtherArguments(launch: Launch, names: ReadonlySet<string>): boolean {
  const { arguments: args, positional } = launch;
  const files = configWords(launch).filter(isFileName);
  if (files.length > 0) return files.every((name) => !names.has(basename(name)));
  const mayNameFile = args.has('config') || positional.some(({ text }) => !text.known);
  return !mayNameFile && OWN_ARGUMENTS.some((name) => args.has(name));
}

function isFileName(plain: unknown): boolean {
  return typeof plain === 'string' && /\.(json|jsonc|ya?ml)$/i.test(plain);
}

function missingFile({ setting, written, dialect, resolved }: FileReference): MissingFile {
  const { config, entry, path } = setting;
  return {
    dialect,
    why: `${written}, which says it, ${resolved === undefined ? 'was not found' : 'could not be used'}`,
    origin: { kind: 'file', path: config.file.path, start: entry.start, end: entry.end, key: path },
  };
}

const TITLES: Readonly<Record<DialectId, string>> = {
  deepspeed: 'DeepSpeed file',
  trainer: 'Trainer file',
  fsdp: 'FSDP file',
  accelerate: 'Accelerate file',
  shardlens: 'shardlens.json',
  model: 'model config',
  cluster: 'cluster description',
};

function withArticle(title: string): string {
  return `${/^[aeiou]/i.test(title) ? 'an' : 'a'} ${title}`;
}

function isPartOfRun(dialect: DialectId): boolean {
  return dialect === 'deepspeed' || dialect === 'trainer' || dialect === 'fsdp' || dialect === 'accelerate';
}

function becauseNamed({ setting }: FileReference): string {
  const { file } = setting.config;
  const line = file.lines.positionAt(setting.entry.start).line + 1;
  return `named by \`${setting.path}\` in ${basename(file.path)}:${line}`;
}

function becauseOnly(facts: FileFacts): Found {
  return { facts, because: `the only ${TITLES[facts.dialect]} in this folder`, alternatives: [] };
}

function becauseLaunched(launch: Launch): string {
  return `named by a launch line in ${basename(launch.path)}`;
}
