import { rulePage } from '../core/features/rule-page';
import { nearestNames } from '../core/models/nearest';
import { rules } from '../core/rules/index';
import { loadCatalogs } from '../data/index';
import { plainArguments } from './arguments';
import { print } from './output';
import { status, UsageError } from './usage';

/** `shardlens explain RULE`: what the rule finds, why it matters, and where the framework says so. */
export function explain(args: readonly string[]): number {
  const { words } = plainArguments(args);
  const [id] = words;
  if (id === undefined || words.length > 1) {
    throw new UsageError('explain takes one RULE; each finding shows its rule in brackets.');
  }
  const rule = rules.find((candidate) => candidate.id === id);
  if (!rule) throw new UsageError(`there is no rule "${id.slice(0, 80)}".${suggestion(id)}`);
  print(rulePage(rule, loadCatalogs()));
  return status.ok;
}

function suggestion(id: string): string {
  const ids = rules.map((rule) => rule.id);
  const near = nearestNames(id, ids, 3);
  return near.length > 0 ? ` Near it: ${near.join(', ')}.` : '';
}
