import type { Report, Rule } from '../rules/rule';
import type { Launch } from '../run/launch';
import type { TrainingRun } from '../run/training-run';
import type { Written } from '../run/written';
import { type Setting, scalarOf } from '../settings';
import type { Config } from '../source';
import type { Entry, MappingNode, Scalar, ScalarNode } from '../syntax/node';

/**
 * Training arguments of a file that a flag of the launch line overrides are not those of the run (HfArgumentParser, TrlParser).
 * What would stop it there is no error then, but a warning: another launch of the same file may lack the flag.
 */
export function underFlags(report: Report, { severity }: Pick<Rule, 'severity'>, { launches }: TrainingRun): Report {
  const flags = launches?.[0]?.arguments;
  if (!flags || (report.severity ?? severity) !== 'error') return report;
  const over = settingsOf(report.at).find((setting) => isOverridden(setting, flags));
  if (!over) return report;
  const message = `${report.message} The launch line gives another ${over.path}, so this is so without that flag only.`;
  return { ...report, severity: 'warning', message };
}

function settingsOf(at: Report['at']): readonly Setting[] {
  if (Array.isArray(at)) return at;
  return 'config' in at ? [at] : [];
}

function isOverridden(setting: Setting, flags: Launch['arguments']): boolean {
  const flag = setting.config.dialect === 'trainer' ? flags.get(setting.path) : undefined;
  if (!flag) return false;
  const inFile = scalarOf(setting)?.value;
  return flag.templated || String(flag.plain).toLowerCase() !== String(inFile).toLowerCase();
}

/**
 * A config and its run as they are with the flags of the launch line for training arguments; undefined where there are none. A rule
 * that compares several arguments is asked again with these: what it says of the files alone is no error of the run.
 */
export function withFlags(config: Config, run: TrainingRun): { config: Config; run: TrainingRun } | undefined {
  const flags = run.launches?.[0]?.arguments;
  const { trainer } = run.configs;
  if (!flags || flags.size === 0 || !trainer) return undefined;
  const flagged = { ...trainer, root: withEntries(trainer.root, flags) };
  const isTrainer = config.dialect === 'trainer' && config.file.path === trainer.file.path && config.at === trainer.at;
  return {
    config: isTrainer ? flagged : config,
    run: { ...run, configs: { ...run.configs, trainer: flagged } },
  };
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
