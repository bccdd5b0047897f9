import type { CodeAction, Diagnostic, TextEdit, WorkspaceEdit } from 'vscode-languageserver-protocol';
import type { Figure } from '../core/calibrate/samples';
import type { Quantity } from '../core/estimate/estimate';
import type { Bill } from '../core/features/breakdown';
import type { BreakdownView } from '../core/features/breakdown-view';
import type { MachineWords } from '../core/features/machine-words';
import type { RemedyWords } from '../core/features/remedy-words';
import type { ReportedEstimate, ReportedFigures, ReportedRun } from '../core/features/report';
import type { Merit } from '../core/fit/choose';
import type { TrainingEffect } from '../core/moves/move';
import type { Closed } from '../core/moves/settled';
import type { DialectId } from '../core/source';

/**
 * What the server and its VS Code client say to each other beyond LSP. Types only: both bundles use them, and other
 * editors may ignore all of it and still get diagnostics, fixes, hover, completion, hints and links.
 */

/** Initialization options and the `shardlens` section of the client's settings. */
export interface ClientSettings {
  readonly hints?: {
    readonly enabled?: boolean;
    readonly memory?: boolean;
    readonly offload?: boolean;
    readonly interconnect?: boolean;
    readonly buckets?: boolean;
    readonly auto?: boolean;
  };
  readonly lenses?: { readonly enabled?: boolean };
}

/** What was picked in the editor; wins over shardlens.json. Sent whole at each change; absent fields are not overridden. */
export interface EditorOverrides {
  /** Name of a target in shardlens.json. */
  readonly target?: string;
  /** Catalog id of an instance or accelerator. */
  readonly hardware?: string;
  readonly nodes?: number;
  readonly gpusPerNode?: number;
  readonly model?: string;
  readonly sequenceLength?: number;
}

/** Request `shardlens/lenses` {uri} → the lenses of one document, drawn by the client above the config. */
export interface LensesParams {
  readonly uri: string;
}

export interface Lens {
  /** UTF-16 position of the config the lens stands above (a section has its own). */
  readonly range: {
    readonly start: { line: number; character: number };
    readonly end: { line: number; character: number };
  };
  readonly title: string;
  /** Says more on hover. */
  readonly tooltip: string;
  /** What a click does; the client maps it to its command. */
  readonly action:
    | 'breakdown'
    | 'fit'
    | 'machines'
    | 'compare'
    | 'pick-target'
    | 'set-model'
    | 'set-sequence-length'
    | 'none';
}

/** Request `shardlens/status` {uri}: what the file was taken for. */
export interface FileStatus {
  /** `DeepSpeed config`, `LLaMA-Factory recipe`; null when the file is not ours. */
  readonly title: string | null;
  /** Why: "has `zero_optimization` with a `stage`". */
  readonly reason: string | null;
  readonly foreign: boolean;
  /** "fits: 31.2 of 39.4 GiB" or what is missing. */
  readonly summary: string | null;
  readonly errors: number;
  readonly warnings: number;
}

/** Request `shardlens/targets` {uri}: what "Change target" and "Set model" offer. */
export interface TargetsAnswer {
  /** shardlens.json in force, as a URI; null when there is none. */
  readonly settingsUri: string | null;
  readonly targets: readonly { readonly name: string; readonly detail: string; readonly current: boolean }[];
  /** The catalog's instances, the most used first. */
  readonly instances: readonly { readonly id: string; readonly detail: string }[];
  readonly models: readonly { readonly id: string; readonly detail: string }[];
}

/** Request `shardlens/breakdown` {uri}: the bill as Markdown, for editors that show that. */
export interface BreakdownAnswer {
  readonly title: string;
  readonly markdown: string;
}

/** Request `shardlens/view` {uri}: what the breakdown view draws; null where the file describes no run. Can be cancelled. */
export interface ViewAnswer {
  readonly view: BreakdownView;
  /** URI of each path among the places of the facts. */
  readonly places: Readonly<Record<string, string>>;
}

/** Request `shardlens/fit` {uri}: edits that make the run fit, or go faster where it fits. Can be cancelled. */
export interface FitParams {
  readonly uri: string;
}

/** Notification `shardlens/searchProgress` (server to client): how many runs or machines were tried so far. */
export interface SearchProgress {
  readonly uri: string;
  readonly done: number;
}

export interface FitAnswer {
  readonly path: string;
  readonly dialect: DialectId;
  readonly goal: 'fit' | 'faster';
  /** Why there is no remedy; null where there is one. */
  readonly why: string | null;
  /** What the search could not change, and who decides it instead. */
  readonly closed: readonly Closed[];
  readonly tried: number;
  readonly complete: boolean;
  readonly before: ReportedFigures;
  /** The same in words, and what the remedies are for. */
  readonly words: { readonly before: string; readonly intro: string };
  /** Best first: the smallest change, the fastest run, then what lies between. */
  readonly remedies: readonly FitRemedy[];
}

export interface FitRemedy {
  readonly title: string;
  readonly merits: readonly Merit[];
  readonly training: TrainingEffect;
  readonly notes: readonly string[];
  readonly changes: readonly {
    readonly path: string;
    readonly key: string;
    /** Absent where the key is not there. */
    readonly from?: unknown;
    /** Absent where the key goes. */
    readonly to?: unknown;
  }[];
  /** Predicted for the files as they then read. */
  readonly after: ReportedFigures;
  readonly words: RemedyWords;
  readonly edit: WorkspaceEdit;
}

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

/** Request `shardlens/machines` {uri}: where this run surely fits. Can be cancelled. */
export interface MachinesAnswer {
  readonly path: string;
  /** Why there is none; null where there is one. */
  readonly why: string | null;
  /** The cheapest first, then the fastest of those without a price. */
  readonly machines: readonly MachineAnswer[];
  readonly others: readonly { readonly id: string; readonly why: string }[];
}

export interface MachineAnswer {
  /** Catalog id. */
  readonly id: string;
  /** `2 × 8 × B200 (p6-b200.48xlarge)`. */
  readonly label: string;
  readonly nodes: number;
  readonly gpus: number;
  readonly memoryPerGpu: ReportedFigures['memoryPerGpu'];
  readonly step: ReportedFigures['step'];
  /** Of all GPUs together; null where the step time is not known. */
  readonly tokensPerSecond: number | null;
  /** On demand, where the catalog has a dated price. */
  readonly usdPerBillionTokens: number | null;
  /** Of one pass over the training set, where shardlens.json gives its size. */
  readonly usdPerEpoch: number | null;
  readonly words: MachineWords;
  readonly price: Price | null;
}

/** On demand. */
export interface Price {
  readonly usdPerNodeHour: number;
  readonly region: string;
  readonly asOf: string;
}

/** Request `shardlens/compareTargets`: one config on several targets of shardlens.json; all of them where none is named. Can be cancelled. */
export interface CompareParams {
  readonly uri: string;
  readonly targets?: readonly string[];
}

export interface CompareAnswer {
  readonly path: string;
  /** In the order asked for, or that of shardlens.json. */
  readonly targets: readonly TargetAnswer[];
  /** Names that shardlens.json does not have. */
  readonly unknown: readonly string[];
  /** Names that it has. */
  readonly names: readonly string[];
}

export interface TargetAnswer extends ReportedFigures {
  readonly target: string;
  /** `4 × A100-40GB (p4d.24xlarge)`; null where its hardware is not known. */
  readonly hardware: string | null;
  readonly nodes: number | null;
  readonly gpusPerNode: number | null;
  /** Samples per optimizer step: the batch of each GPU stays as written. */
  readonly globalBatch: number | null;
  /** Of all GPUs together. */
  readonly tokensPerSecond: number | null;
  /** On demand, where the catalog has a dated price. */
  readonly usdPerBillionTokens: number | null;
  /** Of one pass over the training set, where shardlens.json gives its size. */
  readonly epochSeconds: number | null;
  readonly usdPerEpoch: number | null;
  readonly price: Price | null;
  /** Why figures are missing; null where none is. */
  readonly why: string | null;
  readonly words: MachineWords;
}

/** Request `shardlens/explain` {rule}: a rule's page as Markdown. */
export interface ExplainParams {
  readonly rule: string;
}

/** Notification `shardlens/overrides` (client to server): see {@link EditorOverrides}. */
/** Notification `shardlens/refresh` (server to client): lenses and status of all files may have changed. */

/** Request server → client `shardlens/readFile` {uri}: for files of virtual workspaces, which node:fs cannot read. */
export interface ReadFileAnswer {
  /** Base64 of the bytes; null when there is no such file. */
  readonly base64: string | null;
}

/** Request server → client `shardlens/listFolder` {uri}: names of the files in a folder of a virtual workspace. */
export interface ListFolderAnswer {
  readonly names: readonly string[];
}

/** Names of our requests and notifications, beside those of LSP. */
export const methods = {
  lenses: 'shardlens/lenses',
  status: 'shardlens/status',
  targets: 'shardlens/targets',
  breakdown: 'shardlens/breakdown',
  view: 'shardlens/view',
  explain: 'shardlens/explain',
  fit: 'shardlens/fit',
  machines: 'shardlens/machines',
  compareTargets: 'shardlens/compareTargets',
  searchProgress: 'shardlens/searchProgress',
  importHardware: 'shardlens/importHardware',
  calibrate: 'shardlens/calibrate',
  check: 'shardlens/check',
  overrides: 'shardlens/overrides',
  refresh: 'shardlens/refresh',
  readFile: 'shardlens/readFile',
  listFolder: 'shardlens/listFolder',
} as const;

/**
 * Request `shardlens/check`: findings of many files at once, read from disk, for the command line. The diagnostics are
 * those that `textDocument/diagnostic` gives for the same bytes.
 */
export interface CheckParams {
  readonly uris: readonly string[];
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
