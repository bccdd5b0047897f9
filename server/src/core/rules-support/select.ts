import type { Rule, RunPart } from '../rules/rule';
import type { RunOutline } from '../run/training-run';
import type { Config, DialectId } from '../source';
import type { MappingNode } from '../syntax/node';

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

/** A list of rules: the parts of a run that they ask about, and its rules by dialect and by the parts that a run has. */
interface Selection {
  readonly parts: readonly RunPart[];
  readonly byKind: Map<string, DialectRules>;
}

const selections = new WeakMap<readonly Rule[], Selection>();

/** The rules that apply to a config and may have something to say about what is written in it. */
export function rulesFor(config: Config, run: RunOutline, rules: readonly Rule[]): readonly CalledRule[] {
  const { parts, byKind } = selectionOf(rules);
  const had = parts.filter((part) => hasPart[part](run, config));
  const kind = `${config.dialect} ${had.join(' ')}`;
  const own = byKind.get(kind) ?? dialectRules(rules, config.dialect, had);
  byKind.set(kind, own);
  const found = [...own.always];
  addNeeded(config.root, '', own, found);
  return found;
}

function selectionOf(rules: readonly Rule[]): Selection {
  const known = selections.get(rules);
  if (known) return known;
  const parts = [...new Set(rules.flatMap(({ when }) => when ?? []))];
  const selection: Selection = { parts, byKind: new Map() };
  selections.set(rules, selection);
  return selection;
}

const hasPart: Readonly<Record<RunPart, (run: RunOutline, config: Config) => boolean>> = {
  cluster: ({ cluster }) => cluster.known,
  launched: ({ environment, job }) => hasKeys(environment) || (job !== undefined && hasKeys(job)),
  joined: ({ configs, launch }) =>
    configs.trainer !== undefined && (launch !== undefined || ENGINES.some((engine) => configs[engine] !== undefined)),
  storage: ({ storage }) => storage?.known === true,
  'text-problem': (_, { file }) => file.tree.problems.length > 0,
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
