import type { CodeAction, Diagnostic } from 'vscode-languageserver-protocol';
import type { Bill } from '../../core/features/breakdown';
import type { ReportedEstimate, ReportedRun } from '../../core/features/report';
import type { DialectId } from '../../core/source';

/**
 * Request `shardlens/check`: findings of many files at once, read from disk, for the command line. The diagnostics are
 * those that `textDocument/diagnostic` gives for the same bytes.
 */
export interface CheckParams {
  readonly uris: readonly string[];
  /** Of fixes only what they are called, as formats for people show them. */
  readonly namesOfFixes?: boolean;
  /** Also the run and its estimate, as `--format json` prints them. */
  readonly report?: boolean;
  /** Also the tables of the bill. */
  readonly bill?: boolean;
}

export interface CheckedFile {
  readonly uri: string;
  /** null: not a config of ours, or another framework's, which `framework` then names. */
  readonly dialect: DialectId | null;
  readonly framework: string | null;
  /** Why the file was not read, in words; null when it was. */
  readonly unreadable: string | null;
  readonly diagnostics: readonly Diagnostic[];
  /** What flags of the command line name and what is not there; an answer without it would be to another question. */
  readonly lostFlags: readonly string[];
  /** Findings that comments in the file silence. */
  readonly ignored: number;
  /** For each diagnostic its fixes, as the quick fixes of the editor. */
  readonly fixes: readonly (readonly CodeAction[])[];
  readonly run: ReportedRun | null;
  readonly estimate: ReportedEstimate | null;
  readonly bill: Bill | null;
}

export interface CheckAnswer {
  readonly files: readonly CheckedFile[];
}
