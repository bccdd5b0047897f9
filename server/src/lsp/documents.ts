import type { TextDocumentContentChangeEvent } from 'vscode-languageserver-protocol';
import { TextDocument } from 'vscode-languageserver-textdocument';
import type { Path } from '../core/source';
import { pathOf } from './uri';

/** A document open in the editor. Its text wins over the file on disk. */
export interface OpenDocument {
  readonly uri: string;
  readonly path: Path;
  /** The editor's version number. */
  readonly version: number;
  /** Grows with every open and change of any document: no two states share one. */
  readonly edition: number;
  readonly text: string;
  /** `.json` or `.yaml` for a document whose path has no such extension (unsaved ones). */
  readonly missingExtension: string | undefined;
  /** Line of the latest change, where the user is typing; undefined until something was typed. */
  readonly editedLine: number | undefined;
}

/** The open documents, by path. */
export class OpenDocuments {
  private readonly open = new Map<Path, { document: TextDocument; state: OpenDocument }>();
  private edition = 0;

  at(path: Path): OpenDocument | undefined {
    return this.open.get(path)?.state;
  }

  byUri(uri: string): OpenDocument | undefined {
    return this.at(pathOf(uri));
  }

  all(): readonly OpenDocument[] {
    return [...this.open.values()].map(({ state }) => state);
  }

  didOpen(item: { uri: string; languageId: string; version: number; text: string }): OpenDocument {
    const document = TextDocument.create(item.uri, item.languageId, item.version, item.text);
    return this.set(document, undefined);
  }

  didChange(
    id: { uri: string; version: number },
    changes: readonly TextDocumentContentChangeEvent[],
  ): OpenDocument | undefined {
    const known = this.open.get(pathOf(id.uri));
    if (!known) return undefined;
    const document = TextDocument.update(known.document, [...changes], id.version);
    const last = changes.at(-1);
    const editedLine = last && 'range' in last ? last.range.start.line + lineBreaks(last.text) : undefined;
    return this.set(document, editedLine);
  }

  didClose(uri: string): OpenDocument | undefined {
    const path = pathOf(uri);
    const state = this.open.get(path)?.state;
    this.open.delete(path);
    return state;
  }

  private set(document: TextDocument, editedLine: number | undefined): OpenDocument {
    const path = pathOf(document.uri);
    const state: OpenDocument = {
      uri: document.uri,
      path,
      version: document.version,
      edition: ++this.edition,
      text: document.getText(),
      missingExtension: missingExtension(path, document.languageId),
      editedLine,
    };
    this.open.set(path, { document, state });
    return state;
  }
}

function missingExtension(path: Path, languageId: string): string | undefined {
  if (/\.(json|jsonc|ya?ml)$/i.test(path)) return undefined;
  return languageId === 'yaml' ? '.yaml' : '.json';
}

function lineBreaks(text: string): number {
  let count = 0;
  for (let i = text.indexOf('\n'); i >= 0; i = text.indexOf('\n', i + 1)) count++;
  return count;
}
