import type { RunNote } from '../analysis';
import type { Catalogs } from '../catalogs';
import type { FileReference } from '../dialects/dialect';
import type { Estimate } from '../estimate/estimate';
import type { Finding, Severity } from '../findings';
import type { Report, RuleContext } from '../rules/rule';
import type { RunOutline, TrainingRun } from '../run/training-run';
import type { Config, Workspace } from '../source';
import { findingOf } from './report';
import type { CalledRule } from './select';

/** Level a user gave a rule in shardlens.json; `off` silences it. */
export type RuleLevel = Severity | 'off';

export interface RulesInput {
  readonly configs: readonly Config[];
  readonly run: RunOutline;
  /** Called only when a rule asks how the run trains. */
  readonly wholeRun: () => TrainingRun;
  readonly references: readonly FileReference[];
  readonly notes: readonly RunNote[];
  /** Called at most once, and only when a rule needs the estimate. */
  readonly estimate: () => Estimate;
  readonly workspace: Workspace;
  readonly catalogs: Catalogs;
  readonly levels: Readonly<Record<string, RuleLevel>>;
}

/** What one rule may say about one config. A file of 20,000 wrong keys is not mended one squiggle at a time. */
export const MOST_FINDINGS_OF_A_RULE = 100;

/** Thrown out of a rule's check when it has said enough; its fixes are costly to make and nobody would read them. */
export class EnoughSaid extends Error {}

/**
 * What the rules see of one config. They run one after another, and a config meets a hundred, so they share it; the rule
 * that runs is noted, since it is in whose name a report is made.
 */
export class Context implements RuleContext {
  readonly run: RunOutline;
  readonly references: readonly FileReference[];
  readonly notes: readonly RunNote[];
  readonly workspace: Workspace;
  readonly catalogs: Catalogs;
  /** Rules take this out of its object, so it is no method. */
  readonly report: (report: Report) => void;
  rule: CalledRule | undefined;
  level: Severity | undefined;
  said = 0;
  restsOnEstimate = false;

  constructor(
    readonly config: Config,
    private readonly input: RulesInput,
    findings: Finding[],
  ) {
    this.run = input.run;
    this.references = input.references;
    this.notes = input.notes;
    this.workspace = input.workspace;
    this.catalogs = input.catalogs;
    this.report = reporter(this, findings);
  }

  startRule(rule: CalledRule, level: Severity | undefined): void {
    this.rule = rule;
    this.level = level;
    this.said = 0;
    this.restsOnEstimate = false;
  }

  get wholeRun(): TrainingRun {
    return this.input.wholeRun();
  }

  get estimate(): Estimate {
    this.restsOnEstimate = true;
    return this.input.estimate();
  }
}

/**
 * Made outside of the constructor: a function that a constructor makes and keeps in its object, V8 holds with all that it sees until old
 * memory is collected.
 */
function reporter(context: Context, findings: Finding[]): (report: Report) => void {
  return (report) => {
    const { rule, config, level, restsOnEstimate } = context;
    const finding = rule && findingOf(rule, config, level, report);
    // A number computed without the keys that a break took away is no number of this run.
    if (!finding || (restsOnEstimate && isTorn(config))) return;
    findings.push(finding);
    if (++context.said === MOST_FINDINGS_OF_A_RULE) throw new EnoughSaid();
  };
}

/** Whether a break has moved more of a config than what stands at it. */
function isTorn({ file }: Config): boolean {
  return file.tree.problems.some(({ spreads }) => spreads === true);
}
