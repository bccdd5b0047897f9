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
  readonly needs: Needs;
}

/** Rules by the keys of one mapping, and the same for the mappings below it, as `zero_optimization`. */
interface Needs {
  readonly rules: Map<string, CalledRule[]>;
  readonly sections: Map<string, Needs>;
}

/** The rules of a list that apply to a dialect: the parts of a run that they ask about, and the rules by the parts that a run has. */
interface Selection {
  readonly parts: readonly RunPart[];
  /** A bit for each part, in the order of `parts`. */
  readonly byParts: Map<number, DialectRules>;
}

const selections = new WeakMap<readonly Rule[], Map<DialectId, Selection>>();

/** The rules that apply to a config and may have something to say about what is written in it. */
export function rulesFor(
  config: Config,
  { run, catalogs }: Pick<RulesInput, 'run' | 'catalogs'>,
  rules: readonly Rule[],
): readonly CalledRule[] {
  const { parts, byParts } = selectionOf(rules, config.dialect);
  let had = 0;
  for (let i = 0; i < parts.length; i++) if (hasPart[parts[i] as RunPart](run, config, catalogs)) had |= 1 << i;
  let own = byParts.get(had);
  if (!own) {
    own = dialectRules(rules, config.dialect, new Set(parts.filter((_, index) => had & (1 << index))));
    byParts.set(had, own);
  }
  const found = [...own.always];
  addNeeded(config.root, own.needs, found);
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
  'schema-problem': (_, config, catalogs) => {
    try {
      return schemaProblems(config, catalogs.schema(config.dialect)).length > 0;
    } catch {
      // A failure of ours: the rules that ask meet it too, and the engine says it of each.
      return true;
    }
  },
};

/** What trains as the Trainer's arguments say: engines, and Accelerate, which sets them up. */
const ENGINES = ['deepspeed', 'fsdp', 'accelerate'] as const;

function hasKeys(object: object): boolean {
  for (const _ in object) return true;
  return false;
}

function dialectRules(all: readonly Rule[], dialect: DialectId, parts: ReadonlySet<RunPart>): DialectRules {
  const always: CalledRule[] = [];
  const root: Needs = { rules: new Map(), sections: new Map() };
  for (const { id, severity, check, needs, applies, when } of all) {
    if (!applies.includes(dialect) || (when !== undefined && !parts.has(when))) continue;
    const called: CalledRule = { id, severity, check };
    if (!needs) always.push(called);
    for (const path of needs ?? []) addNeed(root, path.split('.'), called);
  }
  return { always, needs: root };
}

function addNeed({ rules, sections }: Needs, [key = '', ...rest]: readonly string[], rule: CalledRule): void {
  if (rest.length === 0) {
    rules.set(key, [...(rules.get(key) ?? []), rule]);
    return;
  }
  const below = sections.get(key) ?? { rules: new Map(), sections: new Map() };
  sections.set(key, below);
  addNeed(below, rest, rule);
}

function addNeeded({ entries }: MappingNode, { rules, sections }: Needs, found: CalledRule[]): void {
  for (const { key, value } of entries) {
    const needing = rules.get(key);
    // The list is short: looking through it costs less than a set.
    if (needing) for (const rule of needing) if (!found.includes(rule)) found.push(rule);
    if (value?.kind !== 'mapping') continue;
    const below = sections.get(key);
    if (below) addNeeded(value, below, found);
  }
}
