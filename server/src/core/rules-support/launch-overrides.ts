import type { Report, Rule } from '../rules/rule';
import type { Launch } from '../run/launch';
import type { TrainingRun } from '../run/training-run';
import { type Setting, scalarOf } from '../settings';

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
