import type { Analysis, Overrides } from '../core/analysis';
import type { AnalysisInput } from '../core/analyze';
import type { Catalogs } from '../core/catalogs';
import type { Finding } from '../core/findings';
import type { RewriteInput } from '../core/rewrite/trial';
import type { Path, ReadResult, SourceFile, Workspace } from '../core/source';
import type { Connection } from './connection';
import type { ConvertContext } from './convert';
import type { Folders } from './disk';
import { OpenDocuments } from './documents';
import { Files } from './files';
import type { ClientSettings } from './protocol';
import { RemoteFiles } from './remote';
import { isCopy } from './uri';
import { TrackedWorkspace, TurnWorkspace } from './workspace';

/** The core as the server calls it; tests hand in their own. */
export interface Core {
  analyze(file: SourceFile, input: AnalysisInput): Analysis;
  readonly catalogs: Catalogs;
}

export type Snapshot =
  | AnalysedSnapshot
  | { readonly ok: false; readonly why: Exclude<ReadResult, { ok: true }>['why'] };

/** One analysis with the files it saw. Requests on the same bytes share it. */
export interface AnalysedSnapshot {
  readonly ok: true;
  readonly analysis: Analysis;
  readonly workspace: TurnWorkspace;
  /** Two snapshots with the same id are the same. */
  readonly id: number;
}

/** A snapshot to be used again, as long as nothing that it saw has changed. */
interface KeptSnapshot {
  readonly snapshot: AnalysedSnapshot;
  readonly workspace: TrackedWorkspace;
  /** Edition of the overrides it was made under. */
  readonly overrides: number;
}

/** Features of the client that change what we send. */
export interface ClientAbilities {
  readonly pullDiagnostics: boolean;
  readonly refreshDiagnostics: boolean;
  readonly refreshHints: boolean;
  readonly documentChanges: boolean;
  readonly createFiles: boolean;
  readonly snippets: boolean;
  readonly configuration: boolean;
  readonly watchFiles: boolean;
  /** Our own client: wants `shardlens/refresh`. */
  readonly shardlens: boolean;
}

/** Rounds of asking the client for files before going on without the rest; each link a file away needs one. */
const MAX_REMOTE_ROUNDS = 8;

/** Analyses kept for files that are not open. */
const MAX_CACHED_ANALYSES = 64;

/** All state of one connection: documents, files, settings, and the analyses made of them. */
export class Session {
  readonly documents = new OpenDocuments();
  readonly remote: RemoteFiles;
  readonly files: Files;
  settings: ClientSettings = {};
  abilities: ClientAbilities = NO_ABILITIES;
  private overrides: Overrides = { from: 'editor' };
  private overridesEdition = 0;
  private readonly snapshots = new Map<Path, KeptSnapshot>();
  private readonly failures = new Map<Path, { readonly snapshotStamp: string; readonly message: string }>();
  private lastId = 0;
  /** Of the files of a check that are looked at now. */
  private folder: Path | undefined;

  constructor(
    readonly connection: Connection,
    readonly core: Core,
    folders?: Folders,
  ) {
    this.remote = new RemoteFiles(connection);
    this.files = new Files(this.documents, this.remote, folders);
  }

  setOverrides(overrides: Overrides): void {
    this.overrides = overrides;
    this.overridesEdition++;
  }

  /** What was picked in the editor or given as flags. */
  get overridesInForce(): Overrides {
    return this.overrides;
  }

  /** The current analysis of a file, made anew only if something it looked at has changed. Throws where the core does. */
  snapshot(path: Path): Snapshot {
    this.files.nextTurn();
    return this.snapshotInTurn(path);
  }

  /** As {@link snapshotInTurn}, and kept nowhere: for one of many files. */
  snapshotOnce(path: Path): Snapshot {
    return isCopy(path) ? COPY : this.analysed(path, new TurnWorkspace(this.files, path));
  }

  /** As {@link snapshot}, trusting that no file has changed since the turn began. */
  snapshotInTurn(path: Path): Snapshot {
    if (isCopy(path)) return COPY;
    const known = this.snapshots.get(path);
    if (known && known.overrides === this.overridesEdition && known.workspace.isFresh()) return known.snapshot;
    const workspace = new TrackedWorkspace(this.files, path);
    const snapshot = this.analysed(path, workspace);
    if (snapshot.ok) this.keep(path, { snapshot, workspace, overrides: this.overridesEdition });
    return snapshot;
  }

  private analysed(path: Path, workspace: TurnWorkspace): Snapshot {
    const read = this.readOwn(path, workspace);
    if (!read.ok) return read;
    const { analyze, catalogs } = this.core;
    const analysis = analyze(read.file, { workspace, catalogs, overrides: this.overrides });
    return { ok: true, analysis, workspace, id: ++this.lastId };
  }

  /**
   * Goes on to the files of a folder, in a check of many: those of the folders it leaves behind are not asked for again, and what is
   * kept, each collection of memory copies once more.
   */
  enter(folder: Path): void {
    if (folder !== this.folder) this.files.forgetBeside(folder);
    this.folder = folder;
  }

  /** What trying an edit needs: the files as they are now, and the analysis of others for the same target; kept nowhere. */
  rewriteInput(workspace: Workspace): RewriteInput {
    const { analyze, catalogs } = this.core;
    return {
      workspace,
      analyze: (file, around) => analyze(file, { workspace: around, catalogs, overrides: this.overrides }),
    };
  }

  /** As {@link snapshot}, after the files it needs have come from the client. Only virtual workspaces wait. */
  async settledSnapshot(path: Path): Promise<Snapshot> {
    let snapshot = this.snapshot(path);
    for (let round = 0; round < MAX_REMOTE_ROUNDS && isPending(snapshot); round++) {
      await this.remote.settled();
      snapshot = this.snapshot(path);
    }
    return snapshot;
  }

  /** Notes a failure of ours on the bytes at hand, so that the diagnostics say it as long as they stay the same. */
  noteFailure(path: Path, error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    this.failures.set(path, { snapshotStamp: this.files.stamp(path), message });
  }

  /** The finding that stands for a failure of ours; silence would look like a clean file. */
  failureOf(path: Path): Finding | undefined {
    const failure = this.failures.get(path);
    if (!failure) return undefined;
    if (failure.snapshotStamp !== this.files.stamp(path)) {
      this.failures.delete(path);
      return undefined;
    }
    return {
      rule: 'analysis-incomplete',
      severity: 'warning',
      message: `Shardlens failed on this file (${failure.message}), so it is not fully checked. This is a bug in Shardlens, not in the file.`,
      path,
      start: 0,
      end: 0,
      related: [],
      fixes: [],
    };
  }

  convertContext(workspace: Workspace): ConvertContext {
    return {
      source: (path) => workspace.source(path),
      open: (path) => this.documents.at(path),
      documentChanges: this.abilities.documentChanges,
      createFiles: this.abilities.createFiles,
    };
  }

  private readOwn(
    path: Path,
    workspace: Workspace,
  ): { ok: true; file: SourceFile } | { ok: false; why: Exclude<ReadResult, { ok: true }>['why'] } {
    const file = workspace.source(path);
    if (file) return { ok: true, file };
    const read = workspace.read(path);
    return read.ok ? { ok: false, why: 'unreadable' } : read;
  }

  private keep(path: Path, snapshot: KeptSnapshot): void {
    this.snapshots.delete(path);
    this.snapshots.set(path, snapshot);
    if (this.snapshots.size <= MAX_CACHED_ANALYSES) return;
    for (const other of this.snapshots.keys()) {
      if (this.documents.at(other)) continue;
      this.snapshots.delete(other);
      return;
    }
  }
}

const COPY: Snapshot = { ok: false, why: 'missing' };

function isPending(snapshot: Snapshot): boolean {
  if (!snapshot.ok) return snapshot.why === 'pending';
  return snapshot.workspace instanceof TrackedWorkspace && snapshot.workspace.sawPending;
}

const NO_ABILITIES: ClientAbilities = {
  pullDiagnostics: false,
  refreshDiagnostics: false,
  refreshHints: false,
  documentChanges: false,
  createFiles: false,
  snippets: false,
  configuration: false,
  watchFiles: false,
  shardlens: false,
};
