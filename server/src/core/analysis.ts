import type { FileReference, Recognition } from './dialects/dialect';
import type { Estimate } from './estimate/estimate';
import type { Finding, Severity } from './findings';
import type { Origin } from './run/known';
import type { TrainingRun } from './run/training-run';
import type { Config, Path, SourceFile } from './source';

/**
 * Facts given from outside the files: flags of the command line, which win over the files, or what the user picked in the editor,
 * which counts for the whole workspace. Both win over shardlens.json.
 */
export interface Overrides {
  readonly model?: string;
  readonly hardware?: string;
  readonly target?: string;
  readonly nodes?: number;
  readonly gpusPerNode?: number;
  readonly sequenceLength?: number;
  readonly rules?: Readonly<Record<string, Severity | 'off'>>;
  /** Path of the shardlens.json to use instead of the nearest (`--config`). */
  readonly settingsPath?: Path;
  /** How each came in, for origins: "--model" or "chosen in the editor". */
  readonly from: 'flag' | 'editor';
}

/** Something the join could not do as written. */
export interface RunNote {
  /** `unreadable-file`, `link-cycle`, `unknown-model`, `unknown-hardware`, `unknown-target`, `broken-settings-file`, … */
  readonly kind: string;
  readonly message: string;
  /** The setting that caused it; shown at the top of the analysed file when it stands elsewhere. */
  readonly origin: Origin | undefined;
}

/** Everything the adapters show about one file. */
export interface Analysis {
  readonly file: SourceFile;
  /** undefined: not a config of ours; nothing is said about it. */
  readonly recognition: Recognition | undefined;
  /** The file's own config first, then the sections in it. */
  readonly configs: readonly Config[];
  readonly references: readonly FileReference[];
  readonly run: TrainingRun | undefined;
  /** What the join met on its way: an unreadable file, a cycle, an unknown target. Rules turn each into a finding. */
  readonly notes: readonly RunNote[];
  /** Computed once, when first asked for. */
  estimate(): Estimate | undefined;
  /** Sorted by place, then rule. */
  findings(): readonly Finding[];
  /** Findings that a comment in the file silences; made with {@link findings}. */
  ignored(): readonly Finding[];
  /** Files whose change makes this analysis stale, missing ones included. */
  readonly dependencies: ReadonlySet<Path>;
}
