import type { DocumentDiagnosticParams, DocumentDiagnosticReport } from 'vscode-languageserver-protocol';
import type { Path } from '../core/source';
import { Calm } from './calm';
import { type Cancellation, RequestFailure } from './connection';
import type { OpenDocument } from './documents';
import { methods } from './protocol';
import { diagnosticsOf, documentDiagnostic, findingsOf, type Select } from './requests/diagnostic';
import { ensureCurrent, laterMessages } from './schedule';
import type { Session, Snapshot } from './session';
import { pathOf } from './uri';

/** Other documents' hints and lenses follow a change when typing pauses. */
const OTHERS_MILLISECONDS = 300;

/**
 * Brings findings to the client: pulled by it where it can, else pushed. Both ways show the same, calmly, and neither
 * ever reports on a text that is no longer the current one.
 */
export class Diagnostics {
  private calm = new Calm(0, () => {});
  /** What was pushed last, by path, to send nothing twice. */
  private readonly pushed = new Map<Path, string>();
  private pushing = false;
  private pushAgain = false;
  private othersTimer: NodeJS.Timeout | undefined;

  constructor(private readonly session: Session) {}

  start(calmMilliseconds: number): void {
    const { pullDiagnostics, refreshDiagnostics } = this.session.abilities;
    // A client that pulls and cannot be told to pull again would never see a finding that was held back.
    const milliseconds = pullDiagnostics && !refreshDiagnostics ? 0 : calmMilliseconds;
    this.calm = new Calm(milliseconds, () => this.again());
  }

  /** A document was opened or changed: a client that pulls will do so by itself. */
  changed(): void {
    if (!this.session.abilities.pullDiagnostics) void this.push();
    if (this.session.documents.all().length > 1) this.refreshOthersLater();
  }

  /** What stands beside another document's values may come from the one that was changed. */
  private refreshOthersLater(): void {
    clearTimeout(this.othersTimer);
    this.othersTimer = setTimeout(() => this.refreshViews(), OTHERS_MILLISECONDS);
    this.othersTimer.unref();
  }

  closed(document: OpenDocument): void {
    this.calm.forget(document.path);
    this.pushed.delete(document.path);
    if (this.session.abilities.pullDiagnostics) return;
    this.session.connection.sendNotification('textDocument/publishDiagnostics', { uri: document.uri, diagnostics: [] });
    void this.push();
  }

  /** Something outside the open documents has changed: files, settings, the target. */
  refreshAll(): void {
    this.again();
    this.refreshViews();
  }

  private refreshViews(): void {
    const { abilities, connection } = this.session;
    if (abilities.refreshHints) connection.sendRequest('workspace/inlayHint/refresh', null).catch(() => {});
    if (abilities.shardlens) connection.sendNotification(methods.refresh, {});
  }

  /** `textDocument/diagnostic`. */
  async pull(params: DocumentDiagnosticParams, cancellation: Cancellation): Promise<DocumentDiagnosticReport> {
    const path = pathOf(params.textDocument.uri);
    const edition = this.session.documents.at(path)?.edition;
    await laterMessages();
    ensureCurrent(this.session, path, edition, cancellation);
    const snapshot = await this.snapshotOf(path);
    ensureCurrent(this.session, path, edition, cancellation);
    return documentDiagnostic(this.session, path, snapshot, this.select, params.previousResultId);
  }

  private readonly select: Select = (path, findings, snapshot) => {
    const document = this.session.documents.at(path);
    return document ? this.calm.select(document, findings, snapshot.analysis.file) : findings;
  };

  /** A core that fails gives no snapshot; the failure is noted and becomes a finding. */
  private async snapshotOf(path: Path): Promise<Snapshot> {
    try {
      return await this.session.settledSnapshot(path);
    } catch (error) {
      this.session.noteFailure(path, error);
      return { ok: false, why: 'unreadable' };
    }
  }

  private again(): void {
    const { abilities, connection } = this.session;
    if (!abilities.pullDiagnostics) void this.push();
    else if (abilities.refreshDiagnostics) connection.sendRequest('workspace/diagnostic/refresh', null).catch(() => {});
  }

  /** Publishes what has changed for any open document, since a change of one may concern another. One run at a time. */
  private async push(): Promise<void> {
    this.pushAgain = true;
    if (this.pushing) return;
    this.pushing = true;
    try {
      while (this.pushAgain) {
        this.pushAgain = false;
        await laterMessages();
        for (const document of this.session.documents.all()) await this.pushOne(document);
      }
    } finally {
      this.pushing = false;
    }
  }

  private async pushOne({ path, uri, version, edition }: OpenDocument): Promise<void> {
    const snapshot = await this.snapshotOf(path);
    try {
      ensureCurrent(this.session, path, edition, { isCancellationRequested: false });
    } catch (error) {
      if (error instanceof RequestFailure) return; // The change that superseded this text pushes again.
      throw error;
    }
    const all = findingsOf(this.session, path, snapshot);
    const shown = snapshot.ok ? this.select(path, all, snapshot) : all;
    const params = { uri, version, diagnostics: diagnosticsOf(this.session, snapshot, shown) };
    const text = JSON.stringify(params);
    if (this.pushed.get(path) === text) return;
    this.pushed.set(path, text);
    this.session.connection.sendNotification('textDocument/publishDiagnostics', params);
  }
}
