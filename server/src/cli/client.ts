import { existsSync } from 'node:fs';
import path from 'node:path';
import type { CodeAction, InitializeParams, TextEdit, WorkspaceEdit } from 'vscode-languageserver-protocol';
import type { Overrides } from '../core/analysis';
import type { Path } from '../core/source';
import { connectInMemory } from '../lsp/connection';
import type { Folders } from '../lsp/disk';
import { ownCore } from '../lsp/own-core';
import {
  type CalibrateAnswer,
  type CalibrateParams,
  type CheckAnswer,
  type CheckedFile,
  type CheckParams,
  type CompareAnswer,
  type CompareParams,
  type FileParams,
  type FitAnswer,
  type MachinesAnswer,
  methods,
  type SearchProgress,
  type ViewAnswer,
} from '../lsp/protocol';
import { createServer } from '../lsp/server';
import { pathOf, uriOf } from '../lsp/uri';

/** Files sent in one request: enough that a request costs nothing, few enough that memory stays low. */
const BATCH = 512;

export interface ClientOptions {
  readonly roots: readonly Path[];
  readonly allowed: readonly Path[];
  readonly overrides: Overrides;
}

/** A language-server client in our own process: what it shows is what an editor would show. */
export interface Client {
  check(paths: readonly Path[], options?: Omit<CheckParams, 'uris'>): Promise<readonly CheckedFile[]>;
  /** Edits that make the run of a file fit, or go faster; null when the file describes no run. `onProgress` hears how many were tried. */
  fit(path: Path, onProgress: (done: number) => void): Promise<FitAnswer | null>;
  /** Where the run of a file surely fits; null when the file describes no run. */
  machines(path: Path, onProgress: (done: number) => void): Promise<MachinesAnswer | null>;
  /** The run of a file on these targets of shardlens.json, or on all of them; null when the file describes no run. */
  compare(path: Path, targets?: readonly string[]): Promise<CompareAnswer | null>;
  /** What logs measured of the run of a file; null when the file describes no run. */
  calibrate(path: Path, params: Omit<CalibrateParams, 'uri'>): Promise<CalibrateAnswer | null>;
  /** What the breakdown view draws of a file; null when the file describes no run. */
  view(path: Path): Promise<ViewAnswer | null>;
  /** Gives a text for a path, as an open editor does. */
  open(path: Path, text: string): void;
  /** Edits of all safe fixes of a file that can be applied together, by path; empty when there are none. */
  fixAll(path: Path): Promise<ReadonlyMap<Path, readonly TextEdit[]>>;
}

/**
 * Starts the language server in this process and connects to it, so that editor and command line cannot disagree. `folders`: who
 * knows what they hold, where it is not the disk.
 */
export async function startClient({ roots, allowed, overrides }: ClientOptions, folders?: Folders): Promise<Client> {
  const { client, server } = connectInMemory();
  createServer(server, ownCore(), folders);
  await client.sendRequest('initialize', {
    processId: null,
    rootUri: null,
    workspaceFolders: roots.map((root) => ({ uri: uriOf(root), name: path.basename(root) })),
    capabilities: { workspace: { workspaceEdit: { documentChanges: false } } },
    initializationOptions: { overrides, allowed: allowed.map(uriOf) },
  } satisfies InitializeParams);
  client.sendNotification('initialized', {});
  const search = <R>(method: string, file: Path, onProgress: (done: number) => void): Promise<R | null> => {
    client.onNotification(methods.searchProgress, ({ done }: SearchProgress) => onProgress(done));
    return client.sendRequest<R | null>(method, { uri: uriOf(file) } satisfies FileParams);
  };
  return {
    async check(paths, options = {}) {
      const files: CheckedFile[] = [];
      for (let i = 0; i < paths.length; i += BATCH) {
        const uris = paths.slice(i, i + BATCH).map(uriOf);
        const answer = await client.sendRequest<CheckAnswer>(methods.check, { uris, ...options } satisfies CheckParams);
        files.push(...answer.files);
      }
      return files;
    },
    fit: (file, onProgress) => search<FitAnswer>(methods.fit, file, onProgress),
    machines: (file, onProgress) => search<MachinesAnswer>(methods.machines, file, onProgress),
    compare: (file, targets) =>
      client.sendRequest<CompareAnswer | null>(methods.compareTargets, {
        uri: uriOf(file),
        ...(targets && { targets }),
      } satisfies CompareParams),
    calibrate: (file, params) =>
      client.sendRequest<CalibrateAnswer | null>(methods.calibrate, {
        uri: uriOf(file),
        ...params,
      } satisfies CalibrateParams),
    view: (file) => client.sendRequest<ViewAnswer | null>(methods.view, { uri: uriOf(file) } satisfies FileParams),
    open(file, text) {
      const languageId = /\.ya?ml$/i.test(file) ? 'yaml' : 'json';
      client.sendNotification('textDocument/didOpen', {
        textDocument: { uri: uriOf(file), languageId, version: 1, text },
      });
    },
    async fixAll(file) {
      const top = { line: 0, character: 0 };
      const [action] = await client.sendRequest<CodeAction[]>('textDocument/codeAction', {
        textDocument: { uri: uriOf(file) },
        range: { start: top, end: top },
        context: { diagnostics: [], only: ['source.fixAll'] },
      });
      return editsOf(action?.edit);
    },
  };
}

/** The edits of a fix by path. */
export function editsOf(edit: WorkspaceEdit | undefined): ReadonlyMap<Path, readonly TextEdit[]> {
  return new Map(Object.entries(edit?.changes ?? {}).map(([uri, edits]) => [pathOf(uri), edits]));
}

/**
 * The folder that stands for the editor's workspace folder: the repository a path is in, else the current folder, else
 * the path's own.
 */
export function rootOf(folder: Path): Path {
  for (let at = folder; ; at = path.dirname(at)) {
    if (existsSync(path.join(at, '.git'))) return at.replaceAll('\\', '/');
    if (at === path.dirname(at)) break;
  }
  const here = process.cwd().replaceAll('\\', '/');
  return folder === here || folder.startsWith(here.endsWith('/') ? here : `${here}/`) ? here : folder;
}
