import type { Rule } from '../rules/rule';
import type { Config, DialectId } from '../source';
import type { MappingNode } from '../syntax/node';

/** The rules of a dialect: those that look at every config, and the others by a setting that they need. */
interface DialectRules {
  readonly always: readonly Rule[];
  readonly byNeed: ReadonlyMap<string, readonly Rule[]>;
  /** Sections in which a needed setting can stand, as `zero_optimization`. */
  readonly sections: ReadonlySet<string>;
}

const rulesByDialect = new WeakMap<readonly Rule[], Map<DialectId, DialectRules>>();

/** The rules that apply to a config and may have something to say about what is written in it. */
export function rulesFor({ dialect, root }: Config, rules: readonly Rule[]): Iterable<Rule> {
  const byDialect = rulesByDialect.get(rules) ?? new Map<DialectId, DialectRules>();
  rulesByDialect.set(rules, byDialect);
  const own = byDialect.get(dialect) ?? dialectRules(rules.filter(({ applies }) => applies.includes(dialect)));
  byDialect.set(dialect, own);
  const found = new Set(own.always);
  addNeeded(root, '', own, found);
  return found;
}

function dialectRules(rules: readonly Rule[]): DialectRules {
  const byNeed = new Map<string, Rule[]>();
  const sections = new Set<string>();
  for (const rule of rules) {
    for (const path of rule.needs ?? []) {
      byNeed.set(path, [...(byNeed.get(path) ?? []), rule]);
      for (let dot = path.indexOf('.'); dot >= 0; dot = path.indexOf('.', dot + 1)) sections.add(path.slice(0, dot));
    }
  }
  return { always: rules.filter(({ needs }) => needs === undefined), byNeed, sections };
}

function addNeeded(mapping: MappingNode, prefix: string, rules: DialectRules, found: Set<Rule>): void {
  for (const { key, value } of mapping.entries) {
    const path = prefix + key;
    for (const rule of rules.byNeed.get(path) ?? NO_RULES) found.add(rule);
    if (value?.kind === 'mapping' && rules.sections.has(path)) addNeeded(value, `${path}.`, rules, found);
  }
}

const NO_RULES: readonly Rule[] = [];
