import type { Finding, Severity } from '../findings';
import { nearestNames } from '../models/nearest';
import type { SourceFile } from '../source';
import { editOf, lineEnd, lineStart, nextLine } from '../syntax/edit-text';
import type { IgnoreComment, IgnoredRule } from './comments';
import { isNeverSilent } from './never-silent';
import type { SilenceInput } from './silence';

/** A comment and the rules whose findings it silenced. */
export interface CommentUse {
  readonly comment: IgnoreComment;
  readonly used: Set<string>;
}

/** The rule under which these are reported. */
export const UNUSED_IGNORE = 'unused-ignore';

/** Hints at comments that silence nothing: an unknown rule, a place without a setting, a finding that is gone. */
export function unusedFindings(
  file: SourceFile,
  uses: readonly CommentUse[],
  findings: readonly Finding[],
  input: SilenceInput,
): Finding[] {
  const level = input.levels[UNUSED_IGNORE];
  // Where part of the file was not read or not checked, a finding may only be hidden.
  const isWhole = !findings.some(({ rule }) => isNeverSilent(rule));
  if (level === 'off') return [];
  return uses.flatMap(({ comment, used }) => {
    const whole = wordsOfComment(comment);
    const found = (span: { start: number; end: number }, message: string, fixes: Finding['fixes']): Finding => ({
      rule: UNUSED_IGNORE,
      severity: level ?? ('hint' satisfies Severity),
      message,
      path: file.path,
      start: span.start,
      end: span.end,
      related: [],
      fixes,
      tag: 'unnecessary',
    });
    if (whole !== undefined) return [found(comment, whole, [removalOfComment(file, comment, true)])];
    return comment.rules.flatMap((named) => {
      if (used.has(named.id)) return [];
      const problem = problemOf(named, isWhole, input);
      return problem ? [found(named, problem, fixesOf(file, comment, named, input))] : [];
    });
  });
}

/** What is wrong with a comment as a whole. */
function wordsOfComment({ scope, covers, rules }: IgnoreComment): string | undefined {
  if (rules.length === 0) {
    const word = scope === 'file' ? 'shardlens-ignore-file' : 'shardlens-ignore';
    return `This comment names no rule, so it ignores nothing; it is written \`${word}: rule-id reason\`.`;
  }
  if (covers) return undefined;
  return scope === 'file'
    ? 'This comment counts for the file only above its first setting, so it ignores nothing here.'
    : 'No setting follows this comment, so it ignores nothing.';
}

function problemOf({ id }: IgnoredRule, isWhole: boolean, input: SilenceInput): string | undefined {
  if (isNeverSilent(id)) return `${id} cannot be ignored: it says what Shardlens could not check.`;
  if (!isKnown(id, input)) {
    const [nearest] = nearestOf(id, input);
    return `There is no rule ${id}, so this comment ignores nothing.${nearest === undefined ? '' : ` "${nearest}" is probably meant.`}`;
  }
  if (!isWhole || input.levels[id] === 'off' || input.isUndecided(id)) return undefined;
  return `${id} finds nothing here any more, so this comment ignores nothing.`;
}

function fixesOf(file: SourceFile, comment: IgnoreComment, named: IgnoredRule, input: SilenceInput): Finding['fixes'] {
  const nearest = isKnown(named.id, input) || isNeverSilent(named.id) ? [] : nearestOf(named.id, input);
  const isOnly = comment.rules.length === 1;
  return [
    ...nearest.map((id) => ({
      title: `Write ${id}`,
      preferred: false,
      edits: [editOf(file, named.start, named.end, id)],
    })),
    isOnly
      ? removalOfComment(file, comment, nearest.length === 0)
      : removalOfRule(file, comment, named, nearest.length === 0),
  ];
}

function isKnown(id: string, { rules }: SilenceInput): boolean {
  return id === UNUSED_IGNORE || rules.some((rule) => rule.id === id);
}

function nearestOf(id: string, { rules }: SilenceInput): readonly string[] {
  const ids = rules.map((rule) => rule.id).filter((known) => !isNeverSilent(known));
  return nearestNames(id.toLowerCase(), ids, 1);
}

/** With its line where it has one to itself, else with the white space before it. */
function removalOfComment(file: SourceFile, { start, end, isOwnLine }: IgnoreComment, preferred: boolean) {
  const { text } = file;
  let first = start;
  let last = end;
  if (isOwnLine) {
    first = lineStart(text, start);
    last = nextLine(text, end);
  } else {
    while (/[ \t]/.test(text.charAt(first - 1))) first--;
    // A comment between two values leaves one space.
    if (lineEnd(text, end) !== end) first = start;
  }
  return { title: 'Remove this comment', preferred, edits: [editOf(file, first, last, '')] };
}

/** With the comma that joins it to its neighbour. */
function removalOfRule(file: SourceFile, { rules }: IgnoreComment, named: IgnoredRule, preferred: boolean) {
  const index = rules.indexOf(named);
  const next = rules[index + 1];
  const before = rules[index - 1];
  const edit = next
    ? editOf(file, named.start, next.start, '')
    : editOf(file, before?.end ?? named.start, named.end, '');
  return { title: `Remove ${named.id} from this comment`, preferred, edits: [edit] };
}
