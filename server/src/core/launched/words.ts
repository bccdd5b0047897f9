import type { Finding, Severity } from '../findings';
import { editsOf } from '../moves/written';
import { basename } from '../paths';
import type { RuleLevel } from '../rules-support/context';
import type { Launch } from '../run/launch';
import type { RunOutline } from '../run/training-run';
import type { Written } from '../run/written';
import type { Workspace } from '../source';
import type { EffectiveFlag } from './effective';
import type { Placed } from './places';

/** A launch line, and what is found with its flags. */
export interface Met {
  readonly launch: Launch;
  readonly found: Placed;
}

interface WordsInput {
  readonly run: RunOutline;
  readonly workspace: Workspace;
  readonly levels: Readonly<Record<string, RuleLevel>>;
}

/** Says of a finding which flags bring it, in which lines; an error that is not sure is a warning. */
export function described(
  lines: readonly Met[],
  { of, isSure }: { readonly of: number; readonly isSure: boolean },
  input: WordsInput,
): Finding {
  const [first] = lines;
  if (!first) throw new Error('described: a finding without a launch line');
  const { finding, flags } = first.found;
  const words = flags.map(({ written }) => wordsOf(written)).join(' and ');
  const where = lines.map(({ launch, found }) => lineOf(launch, found.flags[0], input.workspace)).join(', ');
  const others = of - lines.length;
  const lacks = others === 0 ? '' : `, not with the ${others === 1 ? 'other line' : `${others} other lines`}`;
  const message = `${inWords(finding.message, flags, input)} This comes with ${words === '' ? 'the flags' : words} in ${where}${lacks}.`;
  const severity: Severity =
    finding.severity === 'error' && !isSure && input.levels[finding.rule] === undefined ? 'warning' : finding.severity;
  const named = new Set(finding.related.map(({ path, start }) => `${path} ${start}`));
  const places = lines.flatMap(({ launch, found }) => relatedOf(launch, found.flags));
  return {
    ...finding,
    severity,
    message,
    related: [...finding.related, ...places.filter(({ path, start }) => !named.has(`${path} ${start}`))],
    fixes: [...finding.fixes, ...changed(lines, input.workspace), ...removal(lines, input.workspace)],
  };
}

/** Rules speak of the Trainer file, where a flag stands in its place. */
function inWords(message: string, flags: readonly EffectiveFlag[], { run }: WordsInput): string {
  return flags.length > 0 || !run.configs.trainer
    ? message.replaceAll('in the Trainer file', 'on the launch line')
    : message;
}

function wordsOf({ key, plain, templated }: Written): string {
  return templated || plain === true ? key : `${key} ${Array.isArray(plain) ? plain.join(' ') : plain}`;
}

/** `run.sh:3`: where the flag stands, else where the line begins. */
export function lineOf(launch: Launch, flag: EffectiveFlag | undefined, workspace: Workspace): string {
  const { path } = launch;
  const origin = flag?.written.origin;
  const start = origin?.kind === 'file' && origin.path === path ? origin.start : launch.start;
  const read = workspace.read(path);
  const line = read.ok ? read.text.slice(0, start).split('\n').length : 0;
  return `${basename(path)}${line > 0 ? `:${line}` : ''}`;
}

function relatedOf({ path, start, end }: Launch, flags: readonly EffectiveFlag[]): Finding['related'] {
  const places = flags.flatMap(({ written: { key, origin } }) =>
    origin.kind === 'file'
      ? [{ path: origin.path, start: origin.start, end: origin.end, message: `${key} is set here.` }]
      : [],
  );
  return places.length > 0 ? places : [{ path, start, end, message: 'The launch line.' }];
}

/** A value that a fix would give the argument, given by the flag. */
function changed([line, ...others]: readonly Met[], workspace: Workspace): Finding['fixes'] {
  if (!line || others.length > 0) return [];
  return line.found.rewrites.flatMap(({ flag: { written }, value }) => {
    const { key, origin, literal } = written;
    if (literal !== true || origin.kind !== 'file') return [];
    const at = { start: origin.start, end: origin.end };
    const edits = editsOf(workspace, { writes: [{ path: origin.path, key, value, at }] });
    return edits ? [{ title: `Set ${key} to ${value} on the launch line`, preferred: false, edits }] : [];
  });
}

/** Takes the flags out of each line that has the finding, where they are written out there. */
function removal(lines: readonly Met[], workspace: Workspace): Finding['fixes'] {
  const flags = lines.flatMap(({ found }) => found.flags.map(({ written }) => written));
  const isOne = new Set(flags.map(({ key }) => key)).size === 1 && flags.length === lines.length;
  const [first] = flags;
  if (!first || !isOne || flags.some(({ literal, origin }) => literal !== true || origin.kind !== 'file')) return [];
  const writes = flags.flatMap(({ key, origin }) =>
    origin.kind === 'file'
      ? [{ path: origin.path, key, value: undefined, at: { start: origin.start, end: origin.end } }]
      : [],
  );
  const edits = editsOf(workspace, { writes });
  const line = lines.length === 1 ? 'the launch line' : `${lines.length} launch lines`;
  return edits ? [{ title: `Remove ${first.key} from ${line}`, preferred: false, edits }] : [];
}
