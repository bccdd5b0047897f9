import type {
  CodeAction,
  CreateFile,
  Diagnostic,
  DiagnosticRelatedInformation,
  Range,
  TextDocumentEdit,
  TextEdit,
  WorkspaceEdit,
} from 'vscode-languageserver-protocol';
import type { FileEdit, Finding, Fix, Severity } from '../core/findings';
import type { Path, SourceFile } from '../core/source';
import type { LineIndex } from '../core/text/lines';
import { uriOf } from './uri';

/** LSP's numbers; spelled out because its constants would load the whole protocol package. */
const SEVERITIES = { error: 1, warning: 2, information: 3, hint: 4 } as const satisfies Record<Severity, number>;
const TAGS = { unnecessary: 1, deprecated: 2 } as const;

/** `source` of our diagnostics, shown by editors beside the message. */
export const SOURCE = 'shardlens';

/** What conversion needs to know of the other files and of the client. */
export interface ConvertContext {
  source(path: Path): SourceFile | undefined;
  /** URI and version of an open document, as the client knows it. */
  open(path: Path): { readonly uri: string; readonly version: number } | undefined;
  readonly documentChanges: boolean;
  /** The client makes files that an edit asks for. */
  readonly createFiles: boolean;
}

/** The LSP range of a span of UTF-16 offsets. */
export function toRange(lines: LineIndex, start: number, end: number): Range {
  return { start: lines.positionAt(start), end: lines.positionAt(end) };
}

/** A finding as the editor and the command line get it; `data.rule` tells code actions which one it is. */
export function toDiagnostic(finding: Finding, lines: LineIndex, context: ConvertContext): Diagnostic {
  const related = finding.related.flatMap((place) => toRelated(place, context));
  return {
    range: toRange(lines, finding.start, finding.end),
    severity: SEVERITIES[finding.severity],
    code: finding.rule,
    source: SOURCE,
    message: finding.message,
    ...(finding.tag ? { tags: [TAGS[finding.tag]] } : {}),
    ...(related.length > 0 ? { relatedInformation: related } : {}),
  };
}

function toRelated(place: Finding['related'][number], context: ConvertContext): DiagnosticRelatedInformation[] {
  const file = context.source(place.path);
  if (!file) return [];
  return [
    {
      location: { uri: uriFor(place.path, context), range: toRange(file.lines, place.start, place.end) },
      message: place.message,
    },
  ];
}

/** A quick fix for a diagnostic; undefined when a file it would change cannot be read. */
export function toCodeAction(fix: Fix, diagnostic: Diagnostic, context: ConvertContext): CodeAction | undefined {
  const edit = toWorkspaceEdit(fix.edits, context, fix.creates);
  return edit && { ...toOffer(fix), diagnostics: [diagnostic], edit };
}

/** A quick fix by name, for those who show it and do not apply it; undefined where {@link toCodeAction} is. */
export function toNamedAction(fix: Fix, context: ConvertContext): CodeAction | undefined {
  return canApply(fix, context) ? toOffer(fix) : undefined;
}

function toOffer({ title, preferred }: Fix): CodeAction {
  return preferred ? { title, kind: 'quickfix', isPreferred: true } : { title, kind: 'quickfix' };
}

function canApply({ edits, creates = [] }: Pick<Fix, 'edits' | 'creates'>, context: ConvertContext): boolean {
  if (creates.length > 0 && !(context.documentChanges && context.createFiles)) return false;
  return edits.every(({ path }) => context.source(path) !== undefined);
}

/** Edits over any number of files as one change that the editor applies whole. */
export function toWorkspaceEdit(
  edits: readonly FileEdit[],
  context: ConvertContext,
  creates: NonNullable<Fix['creates']> = [],
): WorkspaceEdit | undefined {
  if (!canApply({ edits, creates }, context)) return undefined;
  const byPath = new Map<Path, TextEdit[]>();
  for (const edit of edits) {
    const file = context.source(edit.path);
    if (!file) return undefined;
    const list = byPath.get(edit.path) ?? [];
    list.push({ range: toRange(file.lines, edit.start, edit.end), newText: edit.newText });
    byPath.set(edit.path, list);
  }
  if (context.documentChanges) {
    const documentChanges: TextDocumentEdit[] = [...byPath].map(([path, textEdits]) => ({
      textDocument: { uri: uriFor(path, context), version: context.open(path)?.version ?? null },
      edits: textEdits,
    }));
    return { documentChanges: [...creates.flatMap(toCreation), ...documentChanges] };
  }
  return { changes: Object.fromEntries([...byPath].map(([path, textEdits]) => [uriFor(path, context), textEdits])) };
}

/** A new file, then its text. */
function toCreation({ path, text }: { readonly path: Path; readonly text: string }): [CreateFile, TextDocumentEdit] {
  const uri = uriOf(path);
  const top = { line: 0, character: 0 };
  return [
    { kind: 'create', uri },
    { textDocument: { uri, version: null }, edits: [{ range: { start: top, end: top }, newText: text }] },
  ];
}

/** The URI of a path as the client wrote it, where the document is open; so that edits and links meet the open document. */
export function uriFor(path: Path, context: ConvertContext): string {
  return context.open(path)?.uri ?? uriOf(path);
}
