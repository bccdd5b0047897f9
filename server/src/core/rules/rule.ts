import type { RunNote } from '../analysis';
import type { Catalogs } from '../catalogs';
import type { FileReference } from '../dialects/dialect';
import type { Estimate } from '../estimate/estimate';
import type { Fix, Severity } from '../findings';
import type { RunOutline, TrainingRun } from '../run/training-run';
import type { Setting } from '../settings';
import type { Config, DialectId, Workspace } from '../source';

/** What a rule looks at: one config, and the run it is part of. */
export interface RuleContext {
  readonly config: Config;
  readonly run: RunOutline;
  /** The run with how it trains, worked out when first asked for; rules that do not need it must not touch it. */
  readonly wholeRun: TrainingRun;
  /** Files named by settings of the analysed file, found or not. */
  readonly references: readonly FileReference[];
  readonly notes: readonly RunNote[];
  /** Computed when first asked for; rules that do not need it must not touch it. */
  readonly estimate: Estimate;
  readonly workspace: Workspace;
  readonly catalogs: Catalogs;
  report(report: Report): void;
}

/**
 * A place to report at: a setting (its value, or its key with `on: 'key'`), or a range of the analysed file.
 * Of several settings the first that stands in the analysed config carries the finding and the others become related
 * places; when none stands in it, nothing is reported, because the other file's own analysis will.
 */
export interface Report {
  readonly at: Setting | readonly Setting[] | { readonly start: number; readonly end: number };
  readonly on?: 'key' | 'value' | 'entry';
  readonly message: string;
  /** Overrides the rule's severity, as where only some versions fail. */
  readonly severity?: Severity;
  readonly related?: readonly {
    readonly at: Setting | { path: string; start: number; end: number };
    readonly message: string;
  }[];
  readonly fixes?: readonly (Omit<Fix, 'preferred'> & { readonly preferred?: boolean })[];
  readonly tag?: 'unnecessary' | 'deprecated';
}

/** Files of a run that shows a rule firing or staying silent; the first is the one analysed. */
export interface Example {
  /** One config text, or files by name (`train.yaml`, `ds.json`, `shardlens.json`, `run.sh`). */
  readonly files: string | Readonly<Record<string, string>>;
  /** File name of a one-text example; decides the format. Default: `ds_config.json` etc. by the rule's first dialect. */
  readonly name?: string;
}

/**
 * A machine that is known; variables of a launch or a job; training arguments together with what starts them: a config of the engine, or a
 * launch line; a known place for checkpoints; something the reader of the file's text stumbled over; a departure from the dialect's schema.
 */
export type RunPart = 'cluster' | 'launched' | 'joined' | 'storage' | 'text-problem' | 'schema-problem';

/** A rule: data first, then one pure function. One file; `index.ts` is generated from the folder. */
export interface Rule {
  /** The fault, not the cure, in kebab-case; reads well after "allow". */
  readonly id: string;
  readonly severity: Severity;
  readonly applies: readonly DialectId[];
  /**
   * Dotted paths of settings of which one has to be written for the rule to have anything to say. A config meets two hundred
   * rules; those whose keys it does not have are not called. Absent: called for every config it applies to.
   */
  readonly needs?: readonly string[];
  /**
   * What the run has to have for the rule to have anything to say: most runs that are checked name no machine and no launch. Absent:
   * nothing.
   */
  readonly when?: RunPart;
  /** Why it matters, one or two sentences: for the rule's page and hover. */
  readonly why: string;
  /** Upstream code that enforces it: `deepspeed/runtime/config.py:938 (0.19.6)`. Without one a rule is at most a hint. */
  readonly source: readonly string[];
  /** How we know: run against the framework, upstream test, or read from its code. */
  readonly verified: 'run' | 'upstream-test' | 'read';
  readonly examples: { readonly bad: readonly Example[]; readonly good: readonly Example[] };
  check(context: RuleContext): void;
}

export function rule(definition: Rule): Rule {
  return definition;
}
