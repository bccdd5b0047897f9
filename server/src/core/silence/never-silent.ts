import type { Severity } from '../findings';

/** Findings that say what Shardlens could not check. Silence about them would look like a clean file. */
const NEVER_SILENT: ReadonlySet<string> = new Set([
  'analysis-incomplete',
  'broken-syntax',
  'not-fully-read',
  'unreadable-file',
]);

const RANKS: Readonly<Record<Severity | 'off', number>> = { off: 0, hint: 1, information: 2, warning: 3, error: 4 };

/** Whether no comment and no level may silence this rule. */
export function isNeverSilent(rule: string): boolean {
  return NEVER_SILENT.has(rule);
}

/** The level a user gave a rule, as far as it counts: what may not be silenced cannot be played down either. */
export function levelInForce(
  rule: { readonly id: string; readonly severity: Severity },
  level: Severity | 'off' | undefined,
): Severity | 'off' | undefined {
  if (level === undefined || !NEVER_SILENT.has(rule.id)) return level;
  return RANKS[level] < RANKS[rule.severity] ? undefined : level;
}
