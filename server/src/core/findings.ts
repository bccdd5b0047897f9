import type { Path } from './source';
import type { TextEdit } from './text/edit';

/** error: the framework raises, hangs or runs out of memory. warning: it runs, but not as written. */
export type Severity = 'error' | 'warning' | 'information' | 'hint';

export interface FileEdit extends TextEdit {
  readonly path: Path;
}

export interface Fix {
  /** A verb and its object: what the fix will do. */
  readonly title: string;
  /** Safe to apply without looking: idempotent, removes its finding, adds none. At most one per finding. */
  readonly preferred: boolean;
  readonly edits: readonly FileEdit[];
  /** Files that are not there yet. */
  readonly creates?: readonly { readonly path: Path; readonly text: string }[];
}

export interface Finding {
  readonly rule: string;
  readonly severity: Severity;
  /** At most two sentences: what happens, why it matters; the user's own key and the numbers. */
  readonly message: string;
  readonly path: Path;
  readonly start: number;
  readonly end: number;
  readonly related: readonly {
    readonly path: Path;
    readonly start: number;
    readonly end: number;
    readonly message: string;
  }[];
  readonly fixes: readonly Fix[];
  readonly tag?: 'unnecessary' | 'deprecated';
}
