import type { Finding, Severity } from '../findings';
import { inOrder } from '../rules/engine';
import type { RunOutline } from '../run/training-run';
import type { SourceFile } from '../source';
import { ignoreComments } from './comments';
import { isNeverSilent } from './never-silent';
import { type CommentUse, unusedFindings } from './unused';

/** Findings as they are shown, and those that a comment silenced. */
export interface Silenced {
  readonly shown: readonly Finding[];
  readonly ignored: readonly Finding[];
}

export interface SilenceInput {
  /** undefined where the file holds no config. */
  readonly run: RunOutline | undefined;
  readonly levels: Readonly<Record<string, Severity | 'off'>>;
  readonly rules: readonly { readonly id: string }[];
  /** Whether a rule's silence here could end with other facts: another machine, model or version. Asked for unused comments only. */
  readonly isUndecided: (rule: string) => boolean;
}

/**
 * Takes out the findings that a comment of the file asks not to see, and adds a hint for each comment that asks in vain. The only place
 * where a finding is silenced by the file it is in; levels of shardlens.json keep a rule from running.
 */
export function silence(file: SourceFile, findings: readonly Finding[], inputOf: () => SilenceInput): Silenced {
  const comments = ignoreComments(file);
  const input = comments.length === 0 ? undefined : inputOf();
  if (!input || !takesComments(file, input.run)) return { shown: findings, ignored: [] };
  const uses: CommentUse[] = comments.map((comment) => ({ comment, used: new Set<string>() }));
  const shown: Finding[] = [];
  const ignored: Finding[] = [];
  for (const finding of findings) (isIgnored(finding, uses) ? ignored : shown).push(finding);
  return { shown: inOrder([...shown, ...unusedFindings(file, uses, findings, input)]), ignored };
}

/** Every comment that covers the finding counts as used: which of two was meant cannot be told. */
function isIgnored({ rule, start }: Finding, uses: readonly CommentUse[]): boolean {
  if (isNeverSilent(rule)) return false;
  let found = false;
  for (const { comment, used } of uses) {
    const { covers, rules } = comment;
    if (!covers || start < covers.start || start > covers.end || !rules.some(({ id }) => id === rule)) continue;
    used.add(rule);
    found = true;
  }
  return found;
}

/**
 * Whether what reads the file takes comments. A comment in strict JSON stops the run, which `hjson-only-syntax` says; it cannot be the way
 * to silence something else there.
 */
function takesComments({ tree }: SourceFile, run: RunOutline | undefined): boolean {
  if (tree.format === 'yaml' || run === undefined) return true;
  return (
    !tree.problems.some(({ kind }) => kind === 'hjson-only') ||
    !run.consumer.known ||
    run.consumer.value === 'deepspeed'
  );
}
