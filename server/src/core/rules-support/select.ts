import type { Catalogs } from '../catalogs';
import type { Rule, RunPart } from '../rules/rule';
import type { RunOutline } from '../run/training-run';
import { schemaProblems } from '../schema/problems';
import type { Config, DialectId } from '../source';
import type { MappingNode } from '../syntax/node';
import type { RulesInput } from './context';

/** A rule as the engine calls it. Modules make rules of many shapes, and V8 calls those of one shape several times as fast. */
export interface CalledRule {
  readonly id: string;
  readonly severity: Rule['severity'];
  readonly check: Rule['check'];
}

/** The rules of a dialect: those that look at every config, and the others by a setting that they need. */
interface DialectRules {
  readonly always: readonly CalledRule[];
  readonly byNeed: ReadonlyMap<string, readonly CalledRule[]>;
  /** Sections in which a needed setting can stand, as `zero_optimization`. */
  readonly sections: ReadonlySet<string>;
}

/** The rules of a list that apply to a dialect: the parts of a run that they ask about, and the rules by the parts that a run has. */
interface Selection {
  readonly parts: readonly RunPart[];
  readonly byParts: Map<string, DialectRules>;
}

const selections = new WeakMap<readonly Rule[], Map<DialectId, Selection>>();

/** The rules that apply to a config and may have something to say about what is written in it. */
export function rulesFor(
  config: Config,
  { run, catalogs }: Pick<RulesInput, 'run' | 'catalogs'>,
  rules: readonly Rule[],
): readonly CalledRule[] {
  const { parts, byParts } = selectionOf(rules, config.dialect);
  const had = parts.filter((part) => hasPart[part](run, config, catalogs));
  const kind = had.join(' ');
  const own = byParts.get(kind) ?? dialectRules(rules, config.dialect, had);
  byParts.set(kind, own);
  const found = [...own.always];
  addNeeded(config.root, '', own, found);
  return found;
}

function selectionOf(rules: readonly Rule[], dialect: DialectId): Selection {
  const ofDialects = selections.get(rules) ?? new Map<DialectId, Selection>();
  selections.set(rules, ofDialects);
  let selection = ofDialects.get(dialect);
  if (!selection) {
    const parts = new Set(rules.flatMap(({ when, applies }) => (when && applies.includes(dialect) ? [when] : [])));
    selection = { parts: [...parts], byParts: new Map() };
    ofDialects.set(dialect, selection);
  }
  return selection;
}

const hasPart: Readonly<Record<RunPart, (run: RunOutline, config: Config, catalogs: Catalogs) => boolean>> = {
  cluster: ({ cluster }) => cluster.known,
  launched: ({ environment, job }) => hasKeys(environment) || (job !== undefined && hasKeys(job)),
  joined: ({ configs, launch }) =>
    configs.trainer !== undefined && (launch !== undefined || ENGINES.some((engine) => configs[engine] !== undefined)),
  storage: ({ storage }) => storage?.known === true,
  'text-problem': (_, { file }) => file.tree.problems.length > 0,
  'schema-problem': (_, config, catalogs) => schemaProblems(config, catalogs.schema(config.dialect)).length > 0,
};

/** What trains as the Trainer's arguments say: engines, and Accelerate, which sets them up. */
const ENGINES = ['deepspeed', 'fsdp', 'accelerate'] as const;

function hasKeys(object: object): boolean {
  for (const _ in object) return true;
  return false;
}

function dialectRules(all: readonly Rule[], dialect: DialectId, parts: readonly RunPart[]): DialectRules {
  const rules = all.filter(
    ({ applies, when }) => applies.includes(dialect) && (when === undefined || parts.includes(when)),
  );
  const always: CalledRule[] = [];
  const byNeed = new Map<string, CalledRule[]>();
  const sections = new Set<string>();
  for (const { id, severity, check, needs } of rules) {
    const called: CalledRule = { id, severity, check };
    if (!needs) always.push(called);
    for (const path of needs ?? []) {
      byNeed.set(path, [...(byNeed.get(path) ?? []), called]);
      for (let dot = path.indexOf('.'); dot >= 0; dot = path.indexOf('.', dot + 1)) sections.add(path.slice(0, dot));
    }
  }
  return { always, byNeed, sections };
}

function addNeeded(mapping: MappingNode, prefix: string, rules: DialectRules, found: CalledRule[]): void {
  for (const { key, value } of mapping.entries) {
    const path = prefix === '' ? key : prefix + key;
    // The list is short: looking through it costs less than a set.
    for (const rule of rules.byNeed.get(path) ?? NO_RULES) if (!found.includes(rule)) found.push(rule);
    if (value?.kind === 'mapping' && rules.sections.has(path)) addNeeded(value, `${path}.`, rules, found);
  }
}

const NO_RULES: readonly CalledRule[] = [];
