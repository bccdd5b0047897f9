import type { Path, ReadResult } from '../core/source';
import type { Connection } from './connection';
import { textOf } from './disk';
import { type ListFolderAnswer, methods, type ReadFileAnswer } from './protocol';

/**
 * Files of virtual workspaces (`vscode-vfs:` and the like), which only the client can read. The first read asks for
 * the file and answers `pending`; {@link settled} tells when all that was asked for is here.
 */
export class RemoteFiles {
  private readonly files = new Map<Path, ReadResult>();
  private readonly folders = new Map<Path, readonly string[] | undefined>();
  private readonly waiting = new Set<Promise<void>>();
  private epoch = 0;

  constructor(private readonly connection: Connection) {}

  fileStamp(path: Path): string {
    return `remote:${this.epoch}:${this.files.get(path)?.ok ?? 'new'}`;
  }

  folderStamp(folder: Path): string {
    return `remote:${this.epoch}:${this.folders.get(folder)?.length ?? 'new'}`;
  }

  read(path: Path): ReadResult {
    const known = this.files.get(path);
    if (known) return known;
    this.files.set(path, { ok: false, why: 'pending' });
    this.wait(this.fetchFile(path));
    return { ok: false, why: 'pending' };
  }

  list(folder: Path): readonly string[] {
    if (this.folders.has(folder)) return this.folders.get(folder) ?? [];
    this.folders.set(folder, undefined);
    this.wait(this.fetchFolder(folder));
    return [];
  }

  /** True while something that was asked for has not come yet. */
  get isWaiting(): boolean {
    return this.waiting.size > 0;
  }

  /** Resolves when everything asked for so far has come, or could not be had. */
  async settled(): Promise<void> {
    await Promise.all(this.waiting);
  }

  /** The client says that files have changed: all are asked for again. */
  forget(): void {
    this.epoch++;
    this.files.clear();
    this.folders.clear();
  }

  private wait(arrival: Promise<void>): void {
    const done = arrival.finally(() => {
      this.epoch++;
      this.waiting.delete(done);
    });
    this.waiting.add(done);
  }

  private async fetchFile(path: Path): Promise<void> {
    try {
      const { base64 } = await this.connection.sendRequest<ReadFileAnswer>(methods.readFile, { uri: path });
      this.files.set(path, base64 === null ? { ok: false, why: 'missing' } : textOf(Buffer.from(base64, 'base64')));
    } catch {
      this.files.set(path, { ok: false, why: 'unreadable' });
    }
  }

  private async fetchFolder(folder: Path): Promise<void> {
    try {
      const { names } = await this.connection.sendRequest<ListFolderAnswer>(methods.listFolder, { uri: folder });
      this.folders.set(folder, [...names].sort());
    } catch {
      this.folders.set(folder, []);
    }
  }
}
