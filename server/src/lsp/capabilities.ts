import type { ClientCapabilities, InitializeParams, ServerCapabilities } from 'vscode-languageserver-protocol';
import type { Overrides } from '../core/analysis';
import { CALM_MILLISECONDS } from './calm';
import type { ClientSettings, EditorOverrides } from './protocol';
import type { ClientAbilities } from './session';

/** Kind of the action that makes every preferred fix of a document; `editor.codeActionsOnSave` can name it. */
export const FIX_ALL = 'source.fixAll.shardlens';

/** Kind of the action that gives every deprecated key of a document its new name. */
export const REPLACE_DEPRECATED = 'source.replaceDeprecated.shardlens';

/** Kind of the actions that rewrite a section for another version of its framework; never made by itself. */
export const REWRITE = 'refactor.rewrite.shardlens';

/** What our client and our command line may hand over at the start; every part is optional. */
export interface InitializationOptions {
  readonly settings?: ClientSettings;
  /** From the editor without `from`, from the command line with it. */
  readonly overrides?: EditorOverrides | Overrides;
  /** URIs of files and folders outside the workspace folders that may be read: the user named them. */
  readonly allowed?: readonly string[];
  readonly calmMilliseconds?: number;
}

/** What the server offers, given what the client can do. */
export function capabilities(abilities: ClientAbilities): ServerCapabilities {
  return {
    positionEncoding: 'utf-16',
    textDocumentSync: { openClose: true, change: 2 },
    ...(abilities.pullDiagnostics
      ? {
          diagnosticProvider: {
            identifier: 'shardlens',
            interFileDependencies: true,
            workspaceDiagnostics: false,
          },
        }
      : {}),
    codeActionProvider: { codeActionKinds: ['quickfix', REWRITE, FIX_ALL, REPLACE_DEPRECATED] },
    hoverProvider: true,
    completionProvider: { triggerCharacters: ['"', ':', ' '] },
    inlayHintProvider: { resolveProvider: true },
    documentLinkProvider: {},
    definitionProvider: true,
    documentSymbolProvider: { label: 'Shardlens' },
    workspace: { workspaceFolders: { supported: true, changeNotifications: true } },
  };
}

/** What the client says it can do; what it does not say, it cannot. */
export function abilitiesOf({ capabilities, initializationOptions }: InitializeParams): ClientAbilities {
  const { workspace, textDocument }: ClientCapabilities = capabilities;
  return {
    pullDiagnostics: textDocument?.diagnostic !== undefined,
    refreshDiagnostics: workspace?.diagnostics?.refreshSupport === true,
    refreshHints: workspace?.inlayHint?.refreshSupport === true,
    documentChanges: workspace?.workspaceEdit?.documentChanges === true,
    createFiles: workspace?.workspaceEdit?.resourceOperations?.includes('create') === true,
    snippets: textDocument?.completion?.completionItem?.snippetSupport === true,
    configuration: workspace?.configuration === true,
    watchFiles: workspace?.didChangeWatchedFiles?.dynamicRegistration === true,
    // Only our own client hands over what was picked.
    shardlens: (initializationOptions as InitializationOptions | null | undefined)?.overrides !== undefined,
  };
}

/** The options with what they leave open filled in. Options of other clients (null, odd shapes) count as none. */
export function optionsOf({ initializationOptions }: InitializeParams): {
  settings: ClientSettings;
  overrides: Overrides;
  allowed: readonly string[];
  calmMilliseconds: number;
} {
  const given: unknown = initializationOptions;
  const options: InitializationOptions = typeof given === 'object' && given !== null ? given : {};
  return {
    settings: options.settings ?? {},
    overrides: { from: 'editor', ...options.overrides },
    allowed: options.allowed ?? [],
    calmMilliseconds: options.calmMilliseconds ?? CALM_MILLISECONDS,
  };
}

/** URIs of the workspace folders; older clients give one root. */
export function rootsOf({ workspaceFolders, rootUri }: InitializeParams): string[] {
  if (workspaceFolders) return workspaceFolders.map(({ uri }) => uri);
  return rootUri ? [rootUri] : [];
}
