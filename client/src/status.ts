import type { Disposable, TextEditor } from 'vscode';
import { LanguageStatusSeverity, languages, window, workspace } from 'vscode';
import { mayConcernUs, selector } from './documents';
import type { Server } from './server';

/** The item behind `{}` in the status bar: what the file was taken for, why, and whether the run fits. */
export class FileStatusItem implements Disposable {
  private readonly item = languages.createLanguageStatusItem('shardlens.file', selector);
  private readonly subscriptions: Disposable[];
  private asked = 0;

  constructor(private readonly server: Server) {
    this.item.name = 'Shardlens';
    this.show(undefined);
    this.subscriptions = [
      this.item,
      server.onDidChange(() => void this.refresh()),
      window.onDidChangeActiveTextEditor(() => void this.refresh()),
      workspace.onDidChangeTextDocument((event) => {
        if (event.document === window.activeTextEditor?.document) this.refreshSoon();
      }),
    ];
    void this.refresh();
  }

  dispose(): void {
    clearTimeout(this.timer);
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  private timer: ReturnType<typeof setTimeout> | undefined;

  /** Typing changes the status a moment later: it is read, not watched. */
  private refreshSoon(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.refresh(), 300);
  }

  private async refresh(editor: TextEditor | undefined = window.activeTextEditor): Promise<void> {
    const turn = ++this.asked;
    if (!editor || !mayConcernUs(editor.document)) {
      this.show(undefined);
      return;
    }
    this.item.busy = true;
    try {
      const status = await this.server.status(editor.document.uri);
      if (turn === this.asked) this.show(status ?? undefined);
    } catch {
      if (turn === this.asked) {
        this.item.severity = LanguageStatusSeverity.Warning;
        this.item.text = 'Shardlens: no answer';
        this.item.detail = 'The language server did not answer; see the Shardlens output.';
      }
    } finally {
      if (turn === this.asked) this.item.busy = false;
    }
  }

  private show(status: Awaited<ReturnType<Server['status']>> | undefined): void {
    this.item.severity = status?.errors ? LanguageStatusSeverity.Error : LanguageStatusSeverity.Information;
    if (!status?.title) {
      this.item.text = 'Shardlens: not a training config';
      this.item.detail = '';
      return;
    }
    this.item.text = status.foreign ? `${status.title}: left alone` : status.title;
    this.item.detail = [status.summary, status.reason].filter((part) => part).join(' · ');
    if (!status.foreign) {
      this.item.command = { title: 'Breakdown', command: 'shardlens.showBreakdown' };
    }
  }
}
