import type { TextEdit } from 'vscode-languageserver-protocol';
import type { Figure } from '../../core/calibrate/samples';
import type { Quantity } from '../../core/estimate/estimate';
import type { FigureWords } from '../../core/features/figure-words';

/** Request `shardlens/importHardware`: what a machine's tools and logs say about it. Writes nothing. */
export interface ImportHardwareParams {
  /** The document, or folder, whose shardlens.json would get the target. */
  readonly uri: string;
  readonly printed: readonly { readonly name: string; readonly text: string }[];
  /** Catalog id for what the texts do not say. */
  readonly hardware?: string;
  /** With a name, the answer has the change that writes the target. */
  readonly target?: string;
}

export interface ImportHardwareAnswer {
  /** `4 × A100-40GB (p4d.24xlarge)`. */
  readonly title: string;
  /** Whether it is known which machine or GPU this is; nothing can be written otherwise. */
  readonly known: boolean;
  readonly values: readonly {
    readonly key: string;
    readonly value: string;
    /** Name and line it was read in. */
    readonly place: string;
    readonly words: string;
  }[];
  readonly unknown: readonly string[];
  readonly notes: readonly string[];
  /** Machines of the catalog that it looks like: suggestions. */
  readonly suggestions: readonly string[];
  /** Names of texts in which nothing was recognised. */
  readonly unrecognised: readonly string[];
  readonly change: SettingsChange | null;
}

/** Request `shardlens/calibrate`: what the logs of a run measured, beside what is predicted of it. Writes nothing. */
export interface CalibrateParams {
  /** The config of the run. */
  readonly uri: string;
  readonly printed: readonly { readonly name: string; readonly text: string }[];
  /** The target of shardlens.json that the run was on; the one in force where none is named. */
  readonly target?: string;
  /** The answer has the change that stores the measurement. */
  readonly write?: boolean;
}

export interface CalibrateAnswer {
  readonly figures: readonly {
    readonly figure: Figure;
    readonly measured: Quantity & {
      readonly bound: 'peak' | 'at-least';
      readonly basis: string;
      /** Name of the log, line from 1, and its words. */
      readonly path: string;
      readonly line: number;
      readonly words: string;
    };
    readonly predicted: Quantity | null;
    readonly inside: boolean | null;
    readonly verdict: string;
    readonly perhaps: readonly string[];
    readonly words: FigureWords;
  }[];
  /** What was seen and could not be used: `seconds per step: the training was resumed (run.log:7)`. */
  readonly unread: readonly string[];
  /** Facts that are missing for a prediction. */
  readonly missing: readonly string[];
  readonly change: SettingsChange | null;
}

/** A change of shardlens.json, which may have to be made first; or why there is none. */
export type SettingsChange =
  | { readonly uri: string; readonly exists: boolean; readonly edits: readonly TextEdit[] }
  | { readonly uri: string; readonly problem: string };
