import type { Finding, Severity } from '../findings';
import type { Launch } from '../run/launch';
import type { RunOutline } from '../run/training-run';
import type { Written } from '../run/written';
import type { Config } from '../source';
import type { Entry, MappingNode, Scalar, ScalarNode } from '../syntax/node';
import { Context, type RulesInput } from './context';
import type { CalledRule } from './select';

/** A config and its run as they are with the flags of one launch line. */
export interface FlaggedConfig {
  readonly config: Config;
  readonly run: RunOutline;
}

/**
 * What the flags of every launch line take away: the rule is asked again about the arguments as they are with them. What it no longer
 * calls an error is a warning, since another launch of the same files may lack the flags; all else that it no longer says goes.
 */
export function underLaunches(
  own: readonly Finding[],
  rule: CalledRule,
  level: Severity | undefined,
  flagged: readonly FlaggedConfig[],
  input: RulesInput,
): readonly Finding[] {
  if (flagged.length === 0) return own;
  const left = flagged.map((each) => findingsUnder(rule, each, input));
  // What fails on arguments put together from two places takes nothing back.
  if (left.some((each) => each === undefined)) return own;
  return own.flatMap((finding): readonly Finding[] | Finding => {
    if (finding.rule !== rule.id) return finding;
    const isError = finding.severity === 'error';
    const stays = ({ start, end, severity }: Finding): boolean =>
      start === finding.start && end === finding.end && (!isError || severity === 'error');
    if (left.some((each) => each?.some(stays))) return finding;
    if (!isError) return [];
    // The user's word is stronger than what another launch would make of it.
    if (level !== undefined) return finding;
    const message = `${finding.message} With the flags of the launch line this is not so; a launch without them meets it.`;
    return { ...finding, severity: 'warning' as const, message };
  });
}

function findingsUnder(
  rule: CalledRule,
  { config, run }: FlaggedConfig,
  input: RulesInput,
): readonly Finding[] | undefined {
  const found: Finding[] = [];
  const context = new Context(
    config,
    { ...input, run, wholeRun: () => ({ ...input.wholeRun(), configs: run.configs }) },
    found,
  );
  context.startRule(rule, undefined);
  try {
    rule.check(context);
  } catch {
    return undefined;
  }
  return found;
}

/**
 * A config and its run as they are with the flags for training arguments, for each launch line that starts the run; none where a
 * line passes none. Flags win over the file (HfArgumentParser, TrlParser), so that a rule is asked again with these: what it says of
 * the files alone need not be so of the run.
 */
export function withFlags(config: Config, run: RunOutline): readonly FlaggedConfig[] {
  const launches = run.launches ?? [];
  if (launches.length === 0 || launches.some((launch) => launch.arguments.size === 0)) return [];
  const { trainer } = run.configs;
  if (!trainer) return [];
  const isTrainer = config.dialect === 'trainer' && config.file.path === trainer.file.path && config.at === trainer.at;
  return launches.map((launch) => {
    const flagged = { ...trainer, root: withEntries(trainer.root, launch.arguments) };
    return { config: isTrainer ? flagged : config, run: { ...run, configs: { ...run.configs, trainer: flagged } } };
  });
}

/** Where the file has a key the flag's value stands in its place; keys that it has not come behind, at its end. */
function withEntries(root: MappingNode, flags: Launch['arguments']): MappingNode {
  const entries = root.entries.map((entry) => {
    const flag = flags.get(entry.key);
    return flag ? { ...entry, value: nodeOf(flag, entry.value ?? entry) } : entry;
  });
  const written = new Set(root.entries.map(({ key }) => key));
  for (const [key, flag] of flags) if (!written.has(key)) entries.push(entryAt(root.end, key, flag));
  return { ...root, entries };
}

function entryAt(end: number, key: string, flag: Written): Entry {
  const span = { start: end, end };
  return {
    ...span,
    key,
    keyNode: scalarNode({ type: 'string', value: key }, key, false, span),
    value: nodeOf(flag, span),
  };
}

function nodeOf(flag: Written, { start, end }: { readonly start: number; readonly end: number }): ScalarNode {
  return scalarNode(scalarOfFlag(flag.plain), String(flag.plain), flag.templated, { start, end });
}

function scalarNode(scalar: Scalar, raw: string, templated: boolean, span: { start: number; end: number }): ScalarNode {
  return { kind: 'scalar', scalar, raw, style: 'plain', templated, ...span };
}

/** As argparse makes it for an argument of that kind: numbers and booleans, else text. */
function scalarOfFlag(plain: unknown): Scalar {
  if (typeof plain === 'boolean') return { type: 'bool', value: plain };
  const text = String(plain);
  if (/^(true|false)$/i.test(text)) return { type: 'bool', value: text.toLowerCase() === 'true' };
  if (/^[+-]?\d+$/.test(text)) return { type: 'int', value: Number(text) };
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) return { type: 'float', value: Number(text) };
  return { type: 'string', value: text };
}
