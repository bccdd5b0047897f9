import type { RunNote } from '../analysis';
import type { Catalogs } from '../catalogs';
import type { FileReference } from '../dialects/dialect';
import type { Estimate } from '../estimate/estimate';
import type { Finding, Fix, Severity } from '../findings';
import { withFlags } from '../rules-support/launch-overrides';
import { type CalledRule, rulesFor } from '../rules-support/select';
import type { TrainingRun } from '../run/training-run';
import type { Setting } from '../settings';
import { levelInForce } from '../silence/never-silent';
import type { Config, Workspace } from '../source';
import type { Report, Rule, RuleContext } from './rule';

/** Level a user gave a rule in shardlens.json; `off` silences it. */
export type RuleLevel = Severity | 'off';

export interface RulesInput {
  readonly configs: readonly Config[];
  readonly run: TrainingRun;
  readonly references: readonly FileReference[];
  readonly notes: readonly RunNote[];
  /** Called at most once, and only when a rule needs the estimate. */
  readonly estimate: () => Estimate;
  readonly workspace: Workspace;
  readonly catalogs: Catalogs;
  readonly levels: Readonly<Record<string, RuleLevel>>;
}

/** What one rule may say about one config. A file of 20,000 wrong keys is not mended one squiggle at a time. */
const MOST_FINDINGS_OF_A_RULE = 100;

/** Thrown out of a rule's check when it has said enough; its fixes are costly to make and nobody would read them. */
class EnoughSaid extends Error {}

/**
 * Runs every rule that applies to the configs of one file. A rule that fails is our own bug: it becomes an
 * `analysis-incomplete` finding at the top of the file, and the other rules still run, so that silence means clean.
 */
export function runRules(rules: readonly Rule[], input: RulesInput): Finding[] {
  const findings: Finding[] = [];
  const hasLevels = Object.keys(input.levels).length > 0;
  for (const config of input.configs) {
    const context = new Context(config, input, findings);
    for (const rule of rulesFor(config, input.run, rules)) {
      const level = hasLevels ? levelInForce(rule, input.levels[rule.id]) : undefined;
      if (level === 'off') continue;
      context.startRule(rule, level);
      const before = findings.length;
      try {
        rule.check(context);
      } catch (error) {
        findings.push(error instanceof EnoughSaid ? restOf(rule, config) : failureOf(rule, config, error));
      }
      if (level === undefined && findings.length > before)
        findings.splice(before, Number.POSITIVE_INFINITY, ...underLaunches(findings, before, rule, config, input));
    }
  }
  return inOrder(findings.filter((finding) => !isGuess(finding, input.configs)));
}

/**
 * What the flags of every launch line take away: the rule is asked again about the arguments as they are with them. What it no longer
 * calls an error is a warning, since another launch of the same files may lack the flags; all else that it no longer says goes.
 */
function underLaunches(
  findings: Finding[],
  from: number,
  rule: CalledRule,
  config: Config,
  input: RulesInput,
): readonly Finding[] {
  const own = findings.slice(from);
  const flagged = own.some(({ rule: id }) => id === rule.id) ? withFlags(config, input.run) : [];
  if (flagged.length === 0) return own;
  const left = flagged.map((each) => findingsUnder(rule, each, input));
  // What fails on arguments put together from two places takes nothing back.
  if (left.some((each) => each === undefined)) return own;
  return own.flatMap((finding) => {
    if (finding.rule !== rule.id) return finding;
    const isError = finding.severity === 'error';
    const stays = ({ start, end, severity }: Finding): boolean =>
      start === finding.start && end === finding.end && (!isError || severity === 'error');
    if (left.some((each) => each?.some(stays))) return finding;
    if (!isError) return [];
    const message = `${finding.message} With the flags of the launch line this is not so; a launch without them meets it.`;
    return { ...finding, severity: 'warning' as const, message };
  });
}

function findingsUnder(
  rule: CalledRule,
  { config, run }: { readonly config: Config; readonly run: TrainingRun },
  input: RulesInput,
): readonly Finding[] | undefined {
  const found: Finding[] = [];
  const context = new Context(config, { ...input, run }, found);
  context.startRule(rule, undefined);
  try {
    rule.check(context);
  } catch {
    return undefined;
  }
  return found;
}

/**
 * What a broken text says at the very place of the break is a guess: a key without its end is no unknown key. The break itself is
 * reported there.
 */
function isGuess({ rule, start, end }: Finding, [config]: readonly Config[]): boolean {
  if (start === end || TEXT_RULES.has(rule)) return false;
  const problems = config?.file.tree.problems ?? [];
  return problems.some((problem) => problem.kind === 'broken' && start <= problem.end && end >= problem.start);
}

/** Whether a break has moved more of a config than what stands at it. */
function isTorn({ file }: Config): boolean {
  return file.tree.problems.some(({ spreads }) => spreads === true);
}

/** Rules that report on the text itself. */
const TEXT_RULES = new Set(['broken-syntax', 'not-fully-read', 'duplicate-key', 'hjson-only-syntax']);

/**
 * What the rules see of one config. They run one after another, and a config meets a hundred, so they share it; the rule
 * that runs is noted, since it is in whose name a report is made.
 */
class Context implements RuleContext {
  readonly run: TrainingRun;
  readonly references: readonly FileReference[];
  readonly notes: readonly RunNote[];
  readonly workspace: Workspace;
  readonly catalogs: Catalogs;
  /** Rules take this out of its object, so it is no method. */
  readonly report: (report: Report) => void;
  private rule: CalledRule | undefined;
  private level: Severity | undefined;
  private said = 0;
  private restsOnEstimate = false;

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
    this.report = (report) => {
      const finding = this.rule && findingOf(this.rule, config, this.level, report);
      // A number computed without the keys that a break took away is no number of this run.
      if (!finding || (this.restsOnEstimate && isTorn(config))) return;
      findings.push(finding);
      if (++this.said === MOST_FINDINGS_OF_A_RULE) throw new EnoughSaid();
    };
  }

  startRule(rule: CalledRule, level: Severity | undefined): void {
    this.rule = rule;
    this.level = level;
    this.said = 0;
    this.restsOnEstimate = false;
  }

  get estimate(): Estimate {
    this.restsOnEstimate = true;
    return this.input.estimate();
  }
}

/** The finding a report makes in this config, or undefined when its places all stand in other configs. */
function findingOf(rule: CalledRule, config: Config, level: Severity | undefined, report: Report): Finding | undefined {
  const places = placesOf(report.at);
  const own = places.findIndex((place) => !isSetting(place) || isIn(place, config));
  const place = places[own];
  if (!place) return undefined;
  const range = isSetting(place) ? rangeOf(place, report.on ?? 'value') : place;
  const others = places.filter((other, index): other is Setting => index !== own && isSetting(other));
  const finding: Finding = {
    rule: rule.id,
    severity: level ?? report.severity ?? rule.severity,
    message: report.message,
    path: config.file.path,
    start: range.start,
    end: range.end,
    related: [
      ...others.map((other) => ({
        path: other.config.file.path,
        ...rangeOf(other, 'entry'),
        message: `${other.path} is set here.`,
      })),
      ...(report.related ?? []).map(({ at, message }) =>
        isSetting(at)
          ? { path: at.config.file.path, ...rangeOf(at, 'entry'), message }
          : { path: at.path, start: at.start, end: at.end, message },
      ),
    ],
    fixes: onePreferred(report.fixes ?? []),
  };
  return report.tag ? { ...finding, tag: report.tag } : finding;
}

type Place = Setting | { readonly start: number; readonly end: number };

function placesOf(at: Report['at']): readonly Place[] {
  return Array.isArray(at) ? at : [at as Place];
}

function isSetting(place: object): place is Setting {
  return 'config' in place;
}

/** Sections of one file share its path; their place inside it tells them apart. */
function isIn(setting: Setting, config: Config): boolean {
  return setting.config.file.path === config.file.path && setting.config.at === config.at;
}

function rangeOf(setting: Setting, on: 'key' | 'value' | 'entry'): { start: number; end: number } {
  const { entry, node } = setting;
  if (on === 'entry') return { start: entry.start, end: entry.end };
  // A whole section underlined in red hides everything in it: its key stands for it.
  if (on === 'key' || !node || node.kind !== 'scalar' || node.start === node.end) {
    return { start: entry.keyNode.start, end: entry.keyNode.end };
  }
  return { start: node.start, end: node.end };
}

function onePreferred(fixes: NonNullable<Report['fixes']>): Fix[] {
  let taken = false;
  return fixes.filter(canBeMade).map((fix) => {
    const preferred = fix.preferred === true && !taken;
    taken ||= preferred;
    return { title: fix.title, preferred, edits: fix.edits };
  });
}

/** Edits that do not overlap; one that no function could make safely has none. */
function canBeMade({ edits }: Pick<Fix, 'edits'>): boolean {
  return (
    edits.length > 0 &&
    edits.every((edit, index) =>
      edits.every(
        (other, place) =>
          place <= index || edit.path !== other.path || edit.end <= other.start || other.end <= edit.start,
      ),
    )
  );
}

function restOf(rule: CalledRule, config: Config): Finding {
  return {
    rule: 'not-fully-read',
    severity: 'warning',
    message: `Shardlens shows the first ${MOST_FINDINGS_OF_A_RULE} findings of ${rule.id} in this file and did not look for more.`,
    path: config.file.path,
    start: config.root.start,
    end: config.root.start,
    related: [],
    fixes: [],
  };
}

function failureOf(rule: CalledRule, config: Config, error: unknown): Finding {
  return {
    rule: 'analysis-incomplete',
    severity: 'warning',
    message: `Shardlens failed while checking ${rule.id} (${String(error instanceof Error ? error.message : error)}), so this file is not fully checked. This is a bug in Shardlens, not in the file.`,
    path: config.file.path,
    start: 0,
    end: 0,
    related: [],
    fixes: [],
  };
}

/** By place, then rule, then message: the same order in the editor, the command line and every run. */
export function inOrder(findings: Finding[]): Finding[] {
  return findings.sort(
    (a, b) => a.start - b.start || a.end - b.end || compareText(a.rule, b.rule) || compareText(a.message, b.message),
  );
}

/** By UTF-16 unit: unlike localeCompare the same on every machine. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
