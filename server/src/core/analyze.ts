import type { Analysis, Overrides } from './analysis';
import type { Catalogs } from './catalogs';
import { recognise } from './dialects/index';
import type { Estimate } from './estimate/estimate';
import { estimateRun } from './estimate/index';
import type { Finding } from './findings';
import { type LaunchedInput, withLaunches } from './launched/launched';
import type { RewriteInput } from './rewrite/trial';
import { runRules } from './rules/engine';
import { rules } from './rules/index';
import type { RulesInput } from './rules-support/context';
import { unreadFindings } from './rules-support/unread';
import { type Joined, joinRun } from './run/join';
import type { TrainingRun } from './run/training-run';
import { type Silenced, silence } from './silence/silence';
import { isUndecided } from './silence/undecided';
import type { DialectId, SourceFile, Workspace } from './source';

export interface AnalysisInput {
  readonly workspace: Workspace;
  readonly catalogs: Catalogs;
  readonly overrides?: Overrides;
}

/** What trying edits takes: the files, and their analysis for the same catalogs and overrides. */
export function rewriteInput(input: AnalysisInput): RewriteInput {
  return { workspace: input.workspace, analyze: (file, workspace) => analyze(file, { ...input, workspace }) };
}

const NO_OVERRIDES: Overrides = { from: 'flag' };

/**
 * Analyses one file: recognises it, joins the run it belongs to, and gives findings and estimate when asked.
 * Pure: the same bytes, workspace and catalogs give the same output. What it read is in `dependencies`.
 */
export function analyze(file: SourceFile, { workspace, catalogs, overrides = NO_OVERRIDES }: AnalysisInput): Analysis {
  const recognition = recognise(file);
  if (!recognition || recognition.dialect === 'foreign') {
    return {
      file,
      recognition,
      configs: [],
      references: [],
      run: undefined,
      notes: [],
      estimate: () => undefined,
      findings: () => [],
      ignored: () => [],
      dependencies: new Set([file.path]),
    };
  }
  const { dialect } = recognition;
  const joined = joinRun(file, recognition, { workspace, catalogs, overrides });
  let estimate: Estimate | undefined;
  const estimateOnce = (): Estimate => {
    estimate ??= estimateRun(joined.wholeRun());
    return estimate;
  };
  const input: RulesInput = {
    configs: joined.configs,
    run: joined.run,
    wholeRun: joined.wholeRun,
    references: joined.references,
    notes: joined.notes,
    estimate: estimateOnce,
    workspace,
    catalogs,
    levels: { ...joined.levels, ...overrides.rules },
  };
  const findIn: LaunchedInput['findings'] = (changed, around, only, size) => {
    const given = { ...overrides, ...size };
    const other = joinRun(changed, recognition, { workspace: around, catalogs, overrides: given, only });
    for (const path of other.dependencies) joined.dependencies.add(path);
    let estimated: Estimate | undefined;
    const estimateOther = (): Estimate => {
      estimated ??= estimateRun(other.wholeRun());
      return estimated;
    };
    return runRules(rules, { ...input, ...other, workspace: around, estimate: estimateOther, levels: input.levels });
  };
  let silenced: Silenced | undefined;
  const findOnce = (): Silenced => {
    const launched = (found: readonly Finding[]): readonly Finding[] =>
      withLaunches(found, { ...input, file, dependencies: joined.dependencies, findings: findIn });
    silenced ??= find(
      file,
      dialect,
      input,
      joined.run.launches || joined.run.disagreements.length > 0 ? launched : asFound,
    );
    return silenced;
  };
  return new JoinedAnalysis(
    file,
    recognition,
    joined,
    estimateOnce,
    () => findOnce().shown,
    () => findOnce().ignored,
  );
}

/**
 * A class for its getter: one in an object literal makes V8 keep the shape of each object, and with it the object, until all old memory
 * is collected.
 */
class JoinedAnalysis implements Analysis {
  readonly configs: Analysis['configs'];
  readonly references: Analysis['references'];
  readonly notes: Analysis['notes'];
  readonly dependencies: Analysis['dependencies'];

  constructor(
    readonly file: SourceFile,
    readonly recognition: Analysis['recognition'],
    private readonly joined: Joined,
    readonly estimate: Analysis['estimate'],
    readonly findings: Analysis['findings'],
    readonly ignored: Analysis['ignored'],
  ) {
    this.configs = joined.configs;
    this.references = joined.references;
    this.notes = joined.notes;
    this.dependencies = joined.dependencies;
  }

  get run(): TrainingRun {
    return this.joined.wholeRun();
  }
}

/** Without a launch line, and where all sources agree: what needs more is not even loaded. */
function asFound(found: readonly Finding[]): readonly Finding[] {
  return found;
}

/** What the rules find with the flags of the launch lines, less what the file's comments silence. */
function find(
  file: SourceFile,
  dialect: DialectId,
  input: RulesInput,
  launched: (found: readonly Finding[]) => readonly Finding[],
): Silenced {
  if (input.configs.length === 0) return { shown: unreadFindings(file, dialect), ignored: [] };
  const undecided = new Map<string, boolean>();
  return silence(file, launched(runRules(rules, input)), () => ({
    run: input.run,
    levels: input.levels,
    rules,
    isUndecided: (id) => {
      const known = undecided.get(id) ?? rules.some((rule) => rule.id === id && isUndecided(rule, input));
      undecided.set(id, known);
      return known;
    },
  }));
}
