import type { Finding } from '../findings';
import { Context, EnoughSaid, MOST_FINDINGS_OF_A_RULE, type RulesInput } from '../rules-support/context';
import { type CalledRule, rulesFor } from '../rules-support/select';
import { levelInForce } from '../silence/never-silent';
import type { Config } from '../source';
import type { Rule } from './rule';

/**
 * Runs every rule that applies to the configs of one file. A rule that fails is our own bug: it becomes an
 * `analysis-incomplete` finding at the top of the file, and the other rules still run, so that silence means clean.
 */
export function runRules(rules: readonly Rule[], input: RulesInput): Finding[] {
  const findings: Finding[] = [];
  const hasLevels = Object.keys(input.levels).length > 0;
  for (const config of input.configs) {
    const context = new Context(config, input, findings);
    for (const rule of rulesFor(config, input, rules)) {
      const level = hasLevels ? levelInForce(rule, input.levels[rule.id]) : undefined;
      if (level === 'off') continue;
      context.startRule(rule, level);
      try {
        rule.check(context);
      } catch (error) {
        findings.push(error instanceof EnoughSaid ? restOf(rule, config) : failureOf(rule, config, error));
      }
    }
  }
  return inOrder(findings.filter((finding) => !isGuess(finding, input.configs)));
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

/** Rules that report on the text itself. */
const TEXT_RULES = new Set(['broken-syntax', 'not-fully-read', 'duplicate-key', 'hjson-only-syntax']);

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
