import type { Recognition, FileReference } from './dialects/dialect';
import type { Estimate } from './estimate/estimate';
import type { Finding } from './findings';
import type { Severity } from './findings';
import type { Config, Path, SourceFile } from './source';
import type { TrainingRun } from './run/training-run';

/** Facts given from outside the files: command-line flags, or what the user picked in the editor. They win over shardlens.json. */
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

/** Everything the adapters show about one file. */
export interface Analysis {
  readonly file: SourceFile;
  /** undefined: not a config of ours; nothing is said about it. */
  readonly recognition: Recognition | undefined;
  /** The file's own config first, then the sections in it. */
  readonly configs: readonly Config[];
  readonly references: readonly FileReference[];
  readonly run: TrainingRun | undefined;
  /** Computed once, when first asked for. */
  estimate(): Estimate | undefined;
  /** Sorted by place, then rule. */
  findings(): readonly Finding[];
  /** Files whose change makes this analysis stale, missing ones included. */
  readonly dependencies: ReadonlySet<Path>;
}
