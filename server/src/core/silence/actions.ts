import type { Analysis } from '../analysis';
import type { FileEdit, Finding, Fix } from '../findings';
import { dirname, isInside, join, relativeTo } from '../paths';
import { isLiteral } from '../run/glob';
import { SETTINGS_NAME } from '../run/settings-file';
import type { Path, SourceFile, Workspace } from '../source';
import { editOf, isBlank, lineEnd, lineIndent, lineStart } from '../syntax/edit-text';
import { setPath } from '../syntax/editing';
import { parseSource } from '../syntax/parse';
import { toPlain } from '../syntax/plain';
import { applyEdits } from '../text/edit';
import { IGNORE, type IgnoreComment, ignoreComments } from './comments';
import { isNeverSilent } from './never-silent';
import { UNUSED_IGNORE } from './unused';

/**
 * What silences a finding: a comment, where what reads the file takes comments, and a level in shardlens.json for this file or for all.
 * Never preferred: silence is the user's choice.
 */
export function silenceFixes(analysis: Analysis, { rule, start }: Finding, workspace: Workspace): Fix[] {
  if (isNeverSilent(rule) || !analysis.run) return [];
  return [
    ...(rule === UNUSED_IGNORE ? [] : commentFix(analysis, rule, start)),
    ...settingsFix(analysis, workspace, rule, 'file'),
    ...settingsFix(analysis, workspace, rule, 'everywhere'),
  ];
}

/** JSON is left without comments: the Trainer and Accelerate refuse them. Our own settings file takes them. */
function commentFix({ file, recognition }: Analysis, rule: string, at: number): Fix[] {
  if (file.tree.format === 'json' && recognition?.dialect !== 'shardlens') return [];
  const comments = ignoreComments(file);
  const here = editHere(file, comments, rule, at);
  if (silences(file, here, rule, at)) return [fixOf(`Ignore ${rule} here (comment)`, [here])];
  const above = editAbove(file, comments, rule);
  return silences(file, above, rule, at) ? [fixOf(`Ignore ${rule} in this file (comment)`, [above])] : [];
}

function fixOf(title: string, edits: readonly FileEdit[]): Fix {
  return { title, preferred: false, edits };
}

/** One more rule in the comment that stands at the setting, or a comment line above it. */
function editHere(file: SourceFile, comments: readonly IgnoreComment[], rule: string, at: number): FileEdit {
  const { text } = file;
  const line = lineStart(text, at);
  const known = comments.find(
    ({ scope, covers, rules }) => scope === 'setting' && rules.length > 0 && covers?.start === line,
  );
  if (known) return withRule(file, known, rule);
  return editOf(file, line, line, `${lineIndent(text, at)}${opening(file)} ${IGNORE}: ${rule}${newlineOf(text)}`);
}

function editAbove(file: SourceFile, comments: readonly IgnoreComment[], rule: string): FileEdit {
  const known = comments.find(({ scope, covers, rules }) => scope === 'file' && covers && rules.length > 0);
  if (known) return withRule(file, known, rule);
  return editOf(file, 0, 0, `${opening(file)} ${IGNORE}-file: ${rule}${newlineOf(file.text)}`);
}

function withRule(file: SourceFile, { rules, end }: IgnoreComment, rule: string): FileEdit {
  const at = rules.at(-1)?.end ?? end;
  return editOf(file, at, at, `, ${rule}`);
}

function opening({ tree }: SourceFile): string {
  return tree.format === 'yaml' ? '#' : '//';
}

function newlineOf(text: string): string {
  const end = lineEnd(text, 0);
  return text.startsWith('\r\n', end) ? '\r\n' : '\n';
}

/** Tried before it is offered: the comment must be one, must cover the finding, and must leave the config as it is. */
function silences(file: SourceFile, edit: FileEdit, rule: string, at: number): boolean {
  const after = parseSource(file.path, applyEdits(file.text, [edit]));
  const place = edit.start <= at ? at + edit.newText.length : at;
  const covers = ignoreComments(after).some(
    ({ covers, rules }) =>
      covers && place >= covers.start && place <= covers.end && rules.some(({ id }) => id === rule),
  );
  const reader = file.tree.format;
  return (
    covers &&
    after.tree.problems.filter(({ kind }) => kind !== 'hjson-only').length ===
      file.tree.problems.filter(({ kind }) => kind !== 'hjson-only').length &&
    JSON.stringify(toPlain(after.tree.root, reader)) === JSON.stringify(toPlain(file.tree.root, reader))
  );
}

/** `"off"` for a rule in shardlens.json, which is made where there is none. */
function settingsFix(analysis: Analysis, workspace: Workspace, rule: string, where: 'file' | 'everywhere'): Fix[] {
  const place = settingsPlace(analysis, workspace);
  if (!place) return [];
  const pattern = relativeTo(dirname(place.path), analysis.file.path);
  // A name with a star in it cannot be written as a glob that means only itself.
  if (where === 'file' && (!isLiteral(pattern) || pattern.startsWith('..'))) return [];
  const path = where === 'file' ? ['files', pattern, 'rules', rule] : ['rules', rule];
  const title = `Turn off ${rule} ${where === 'file' ? 'for this file' : 'everywhere'} (${SETTINGS_NAME})`;
  if (!place.file) {
    const value = path.reduceRight<unknown>((inner, key) => ({ [key]: inner }), 'off');
    return [
      {
        title,
        preferred: false,
        edits: [],
        creates: [{ path: place.path, text: `${JSON.stringify(value, null, 2)}\n` }],
      },
    ];
  }
  const { root } = place.file.tree;
  const edits = setPath(place.file, root?.kind === 'mapping' ? root : undefined, path, 'off');
  return edits.length > 0 ? [fixOf(title, edits)] : [];
}

/** The settings file in force, or the place for a new one; undefined where one stands that cannot be edited. */
export function settingsPlace(
  { run, file }: Analysis,
  workspace: Workspace,
): { readonly path: Path; readonly file: SourceFile | undefined } | undefined {
  const known = run?.configs.shardlens?.file;
  if (known) return { path: known.path, file: known };
  const folder = workspace.roots.find((root) => isInside(root, file.path)) ?? dirname(file.path);
  const path = join(folder, SETTINGS_NAME);
  const read = workspace.read(path);
  if (!read.ok) return read.why === 'missing' ? { path, file: undefined } : undefined;
  const source = workspace.source(path);
  return source && isBlank(source.text) ? { path, file: source } : undefined;
}
