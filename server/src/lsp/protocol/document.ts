import type { BreakdownView } from '../../core/features/breakdown-view';
import type { LensAction } from '../../core/features/lens';

/** A request on one document. */
export interface FileParams {
  readonly uri: string;
}

/** Answer of `shardlens/lenses`: a line of text that the client draws above the config. */
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
  readonly action: LensAction;
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

/** Request `shardlens/explain` {rule}: a rule's page as Markdown. */
export interface ExplainParams {
  readonly rule: string;
}
