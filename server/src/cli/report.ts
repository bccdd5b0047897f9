import type { CodeAction, Diagnostic, DiagnosticSeverity, Range, WorkspaceEdit } from 'vscode-languageserver-protocol';
import type { ReportedEstimate, ReportedRun } from '../core/features/report';
import type { Severity } from '../core/findings';
import type { Path } from '../core/source';
import type { CheckedFile } from '../lsp/protocol';
import { pathOf } from '../lsp/uri';

/** What `--format json` prints; the other formats are made from it. Described by schemas/output.schema.json. */
export interface Output {
  readonly version: 1;
  readonly files: readonly OutputFile[];
  readonly summary: {
    readonly files: number;
    readonly errors: number;
    readonly warnings: number;
    readonly informations: number;
    readonly hints: number;
  };
}

export interface OutputFile {
  /** Relative to the current folder where the file is in it. */
  readonly path: string;
  readonly dialect: string | null;
  readonly findings: readonly OutputFinding[];
  readonly run: ReportedRun | null;
  readonly estimate: ReportedEstimate | null;
}

export interface OutputFinding {
  readonly rule: string;
  readonly severity: Severity;
  readonly message: string;
  /** Zero-based, in UTF-16 units, as in LSP. */
  readonly range: Range;
  readonly related: readonly { readonly path: string; readonly range: Range; readonly message: string }[];
  readonly fixes: readonly OutputFix[];
}

export interface OutputFix {
  readonly title: string;
  readonly preferred: boolean;
  readonly edits: readonly { readonly path: string; readonly range: Range; readonly newText: string }[];
}

const SEVERITIES: Readonly<Record<DiagnosticSeverity, Severity>> = {
  1: 'error',
  2: 'warning',
  3: 'information',
  4: 'hint',
};

/** Files with the summary of them. */
export function outputOf(files: readonly OutputFile[]): Output {
  const count = (severity: Severity) =>
    files.reduce((sum, { findings }) => sum + findings.filter((it) => it.severity === severity).length, 0);
  return {
    version: 1,
    files,
    summary: {
      files: files.length,
      errors: count('error'),
      warnings: count('warning'),
      informations: count('information'),
      hints: count('hint'),
    },
  };
}

/** The answer of the server as our output: paths for URIs, words for numbers. `quiet` keeps errors only. */
export function outputFileOf(file: CheckedFile, quiet: boolean): OutputFile {
  const findings = file.diagnostics.map((diagnostic, index) => findingOf(diagnostic, file.fixes[index] ?? []));
  return {
    path: shownPath(pathOf(file.uri)),
    dialect: file.dialect,
    findings: [...unreadable(file), ...findings].filter(({ severity }) => !quiet || severity === 'error'),
    run: file.run && { ...file.run, files: file.run.files.map((it) => ({ ...it, path: shownPath(it.path) })) },
    estimate: file.estimate && withShownPaths(file.estimate),
  };
}

function withShownPaths(estimate: ReportedEstimate): ReportedEstimate {
  const { largestTerms } = estimate;
  if (!largestTerms) return estimate;
  const shown = largestTerms.map((term) => {
    const changes = term.lever?.changes.map((change) => ({ ...change, path: shownPath(change.path) }));
    return term.lever && changes ? { ...term, lever: { ...term.lever, changes } } : term;
  });
  return { ...estimate, largestTerms: shown };
}

/** No editor could open such a file; a report must not show it as clean. */
function unreadable(file: CheckedFile): OutputFinding[] {
  if (file.unreadable === null) return [];
  const top = { line: 0, character: 0 };
  return [
    {
      rule: 'unreadable-file',
      severity: 'error',
      message: `This file ${file.unreadable}, so it was not checked.`,
      range: { start: top, end: top },
      related: [],
      fixes: [],
    },
  ];
}

function findingOf(diagnostic: Diagnostic, fixes: readonly CodeAction[]): OutputFinding {
  return {
    rule: String(diagnostic.code),
    severity: SEVERITIES[diagnostic.severity ?? 1],
    message: textOf(diagnostic.message),
    range: diagnostic.range,
    related: (diagnostic.relatedInformation ?? []).map(({ location, message }) => ({
      path: shownPath(pathOf(location.uri)),
      range: location.range,
      message,
    })),
    fixes: fixes.map((fix) => ({
      title: fix.title,
      preferred: fix.isPreferred === true,
      edits: fix.edit ? editsOf(fix.edit) : [],
    })),
  };
}

/** Our server sends plain text; LSP would also allow Markdown. */
function textOf(message: Diagnostic['message']): string {
  return typeof message === 'string' ? message : message.value;
}

/** Edits as our output has them. */
export function editsOf({ changes = {} }: WorkspaceEdit): OutputFix['edits'] {
  return Object.entries(changes).flatMap(([uri, edits]) =>
    edits.map(({ range, newText }) => ({ path: shownPath(pathOf(uri)), range, newText })),
  );
}

/** Relative to the current folder where the file is in it, else as it is; with `/` on every system. */
export function shownPath(path: Path): string {
  const here = process.cwd().replaceAll('\\', '/');
  const prefix = here.endsWith('/') ? here : `${here}/`;
  return path.startsWith(prefix) ? path.slice(prefix.length) : path;
}

/** `an axolotl`, `a LLaMA-Factory`. */
export function withArticle(name: string): string {
  return `${/^[aeiou]/i.test(name) ? 'an' : 'a'} ${name}`;
}
