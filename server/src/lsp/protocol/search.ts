import type { WorkspaceEdit } from 'vscode-languageserver-protocol';
import type { MachineWords } from '../../core/features/machine-words';
import type { RemedyWords } from '../../core/features/remedy-words';
import type { ReportedFigures } from '../../core/features/report';
import type { Merit } from '../../core/fit/choose';
import type { Searched } from '../../core/fit/fit';
import type { TrainingEffect } from '../../core/moves/move';
import type { Closed } from '../../core/moves/settled';
import type { DialectId } from '../../core/source';

/** Notification `shardlens/searchProgress` (server to client): how many runs or machines were tried so far. */
export interface SearchProgress {
  readonly uri: string;
  readonly done: number;
}

/** Request `shardlens/fit` {uri}: edits that make the run fit, or go faster where it fits. Can be cancelled. */
export interface FitAnswer {
  readonly path: string;
  readonly dialect: DialectId;
  readonly goal: 'fit' | 'faster';
  /** Why there is no remedy; null where there is one. */
  readonly why: string | null;
  /** What the search changed, with how many other values of it were open. */
  readonly searched: readonly Searched[];
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

/** Request `shardlens/machines` {uri}: where this run surely fits. Can be cancelled. */
export interface MachinesAnswer {
  readonly path: string;
  /** Why there is none; null where there is one. */
  readonly why: string | null;
  /** The cheapest first, then the fastest of those without a price. */
  readonly machines: readonly MachineAnswer[];
  readonly others: readonly { readonly id: string; readonly target: string | null; readonly why: string }[];
}

export interface MachineAnswer {
  /** Catalog id, or the name of a target. */
  readonly id: string;
  /** The target's name in shardlens.json; null for a machine of the catalog. */
  readonly target: string | null;
  /** `2 × 8 × B200 (p6-b200.48xlarge)`; of a target with its name in front. */
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
