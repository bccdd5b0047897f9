import type { Catalogs } from '../catalogs';
import type { Finding } from '../findings';
import { withSources } from '../rewrite/overlay';
import { inOrder } from '../rules/engine';
import type { RuleLevel } from '../rules-support/context';
import type { Launch } from '../run/launch';
import type { Word } from '../run/shell-words';
import type { Disagreement, RunOutline } from '../run/training-run';
import { childSchema } from '../schema/keys';
import type { Path, SourceFile, Workspace } from '../source';
import { type FlagsWin, flagsWin } from './certainty';
import { type Effective, effectiveArguments, givesArguments } from './effective';
import { type Placed, pathOfFlags, placed } from './places';
import { described, lineOf, type Met } from './words';

/** What it takes to look at a file as each launch line starts it. */
export interface LaunchedInput {
  readonly file: SourceFile;
  readonly run: RunOutline;
  readonly workspace: Workspace;
  readonly catalogs: Catalogs;
  readonly levels: Readonly<Record<string, RuleLevel>>;
  readonly dependencies: Set<Path>;
  /** The findings of the file in the run of one launch line, with other texts around it; or in a run of another size. */
  readonly findings: (
    file: SourceFile,
    workspace: Workspace,
    only: ThisLaunch | undefined,
    size?: Disagreement['size'],
  ) => readonly Finding[];
}

/** One launch line, and the file that holds the arguments that its flags make. */
export interface ThisLaunch {
  readonly launch: Launch;
  readonly trainer: SourceFile;
}

/** Lines that differ from each other; of more, what all of them do is not known. */
const MOST_LAUNCHES = 8;

/**
 * What the flags of the launch lines take away from the findings of a file, and what they add: the file is looked at once more for each
 * line, with its flags in the place of the keys that they stand over. Without a line that gives training arguments nothing is done.
 */
export function withLaunches(own: readonly Finding[], input: LaunchedInput): readonly Finding[] {
  return asSure(withFlags(own, input), input);
}

function withFlags(own: readonly Finding[], input: LaunchedInput): readonly Finding[] {
  const launches = input.run.launches ?? [];
  if (!launches.some(givesArguments)) return own;
  const looked = lookAt(distinct(launches).slice(0, MOST_LAUNCHES), input);
  // What fails on arguments put together from two places is no word about the run.
  if (!looked || looked.some(({ found }) => found.some(({ finding }) => finding.rule === 'analysis-incomplete')))
    return own;
  const isAll = distinct(launches).length <= MOST_LAUNCHES;
  const kept = own.flatMap((finding) => underFlags(finding, looked, isAll, input) ?? []);
  return inOrder([...kept, ...addedBy(own, looked, isAll, input)]);
}

/** An error that a run of the size that another source gives has not, or that further flags could mend, is a warning. */
function asSure(found: readonly Finding[], input: LaunchedInput): readonly Finding[] {
  const { file, levels, run, workspace } = input;
  const isOpen = ({ severity, rule }: Finding): boolean => severity === 'error' && levels[rule] === undefined;
  if (!found.some(isOpen)) return found;
  const disagreement = run.disagreements.find(({ size }) => size);
  const resized = disagreement && input.findings(file, workspace, undefined, disagreement.size);
  const more = furtherFlags(input);
  return found.map((finding) => {
    const why = !isOpen(finding)
      ? undefined
      : resized?.some((other) => isSame(other, finding)) === false
        ? `With the other ${disagreement?.fact} this is not so.`
        : more && isArgument(finding, input) && `${more.raw.slice(0, 40)} on the launch line may mend this.`;
    return why ? { ...finding, severity: 'warning', message: `${finding.message} ${why}` } : finding;
  });
}

/** A word of every launch line that may stand for training arguments. */
function furtherFlags({ run: { launches = [], configs }, workspace, dependencies }: LaunchedInput): Word | undefined {
  const isOpen = (launch: Launch) =>
    launch.open && flagsWin(launch, configs.trainer !== undefined, workspace, dependencies) !== 'not';
  return launches.every(isOpen) ? launches[0]?.open : undefined;
}

/** Whether a training argument has part in a finding: a flag can give it another value. */
function isArgument({ path, start, end, related }: Finding, { run, catalogs }: LaunchedInput): boolean {
  const { trainer } = run.configs;
  const { schema } = catalogs.schema('trainer');
  return [{ path, start, end }, ...related].some(
    (place) =>
      place.path === run.launches?.[0]?.path ||
      (place.path === trainer?.file.path &&
        trainer.root.entries.some(
          (entry) => entry.start <= place.start && place.end <= entry.end && childSchema(schema, entry.key),
        )),
  );
}

/** A launch line, and what is found of the file as it starts it. */
interface Looked {
  readonly launch: Launch;
  readonly effective: Effective | undefined;
  readonly wins: FlagsWin;
  readonly found: readonly Placed[];
}

function lookAt(launches: readonly Launch[], input: LaunchedInput): readonly Looked[] | undefined {
  const { run, workspace, catalogs, dependencies } = input;
  const { trainer } = run.configs;
  if (trainer && trainer.at !== '') return undefined;
  // Of a script that makes its arguments otherwise nothing is known.
  if (!trainer && !(run.consumer.known && run.consumer.value === 'trainer')) return undefined;
  const { schema } = catalogs.schema('trainer');
  const flagged = launches.map((launch) => {
    const wins = flagsWin(launch, trainer !== undefined, workspace, dependencies);
    const path = trainer?.file.path ?? pathOfFlags(launch.path);
    const effective = wins === 'not' ? undefined : effectiveArguments(trainer, launch, schema, path);
    return { launch, effective, wins };
  });
  // Most lines give the script its config alone.
  if (!flagged.some(({ effective }) => effective)) return undefined;
  return flagged.map((each) => {
    const found = findingsOf(each.launch, each.effective, input);
    // A script that cannot be looked at may give what its flags lack: only what the flags themselves say is told.
    const isWhole = trainer !== undefined || each.wins === 'surely';
    return { ...each, found: isWhole ? found : found.filter(saysWhatFlagsSay) };
  });
}

function saysWhatFlagsSay({ finding, flags }: Placed): boolean {
  return flags.length > 0 && !/\bby default\b/.test(finding.message);
}

function findingsOf(launch: Launch, effective: Effective | undefined, input: LaunchedInput): readonly Placed[] {
  const trainer = effective?.file ?? input.run.configs.trainer?.file;
  if (!trainer) return [];
  const file = trainer.path === input.file.path ? trainer : input.file;
  const workspace = withSources(input.workspace, new Map([[trainer.path, trainer]]));
  const found = input.findings(file, workspace, { launch, trainer });
  if (!effective) return found.map((finding) => ({ finding, flags: [], rewrites: [] }));
  return found.map((finding) => placed(finding, effective));
}

/** Lines with the same words start the same run. */
function distinct(launches: readonly Launch[]): readonly Launch[] {
  const seen = new Set<string>();
  return launches.filter(({ launcher, flags, arguments: args, script }) => {
    const words = [flags, args].map((map) => [...map].map(([name, { plain }]) => `${name}=${plain}`).join(' '));
    const key = `${launcher} ${script.known ? script.value : ''} ${words.join(' | ')}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

/**
 * A finding of the files as the flags leave it. What no line calls an error is a warning, since another launch of the same files may
 * lack the flags; all else that no line meets goes.
 */
function underFlags(
  finding: Finding,
  looked: readonly Looked[],
  isAll: boolean,
  input: LaunchedInput,
): Finding | undefined {
  const { levels, run } = input;
  // Without a Trainer file there is nothing that the flags could stand over.
  if (!run.configs.trainer) return finding;
  const isError = finding.severity === 'error';
  const met = looked.flatMap((each) => {
    const found = each.found.find((other) => isSame(other.finding, finding));
    return found ? [{ ...each, found }] : [];
  });
  if (met.length === looked.length && isAll) return inTheirWords(finding, met, input);
  if (met.length > 0) return isError ? ofSomeLines(finding, met, looked, input) : finding;
  if (!isError) return isAll ? undefined : finding;
  // The user's word is stronger than what another launch would make of it.
  if (levels[finding.rule] !== undefined) return finding;
  const message = `${finding.message} With the flags of the launch line this is not so; a launch without them meets it.`;
  return { ...finding, severity: 'warning', message };
}

/** Where the flags of all lines change what a finding says alike, it is said of the run and not of the file. */
function inTheirWords(finding: Finding, met: readonly Met[], input: LaunchedInput): Finding {
  const { message } = met[0]?.found.finding ?? finding;
  const isOther = message !== finding.message && met.every(({ found }) => found.finding.message === message);
  if (!isOther || met[0]?.found.flags.length === 0) return finding;
  return { ...described(met, { of: met.length, isSure: true }, input), severity: finding.severity };
}

/** An error of some lines alone: what the files bring by themselves stays one, what the flags of the first line bring is a warning. */
function ofSomeLines(
  finding: Finding,
  met: readonly (Met & Pick<Looked, 'effective'>)[],
  looked: readonly Looked[],
  input: LaunchedInput,
): Finding {
  const { trainer } = input.run.configs;
  const [first] = looked;
  if (!trainer || !first?.effective || input.levels[finding.rule] !== undefined) return finding;
  const bare = { ...first.launch, arguments: withoutArguments(first.launch.arguments, first.effective) };
  if (met.some(({ effective }) => !effective)) return finding;
  const alone = input.findings(input.file, input.workspace, { launch: bare, trainer: trainer.file });
  if (alone.some((other) => isSame(other, finding))) return finding;
  const where = met.map(({ launch }) => lineOf(launch, undefined, input.workspace)).join(', ');
  const others = looked.length - met.length;
  const lacks = others === 1 ? 'the other line does' : `the ${others} other lines do`;
  const message = `${finding.message} This comes with the flags in ${where}; ${lacks} not have it.`;
  return { ...finding, severity: 'warning', message };
}

/** What is left of the flags names files and what the script's own arguments are. */
function withoutArguments(args: Launch['arguments'], { flags }: Effective): Launch['arguments'] {
  const merged = new Set(flags.map(({ written }) => written));
  return new Map([...args].filter(([name, written]) => !merged.has(written) || FILES.has(name)));
}

const FILES = new Set(['deepspeed', 'fsdp_config']);

/** An error stays one only where it still is. */
function isSame(other: Finding, own: Finding): boolean {
  return (
    other.rule === own.rule &&
    other.start === own.start &&
    other.end === own.end &&
    (own.severity !== 'error' || other.severity === 'error')
  );
}

/** What only the flags bring: at most a warning where one line lacks it, or where the script may read its arguments otherwise. */
function addedBy(
  own: readonly Finding[],
  looked: readonly Looked[],
  isAll: boolean,
  input: LaunchedInput,
): readonly Finding[] {
  const had = new Set(own.map(placeOf));
  const added = new Map<string, (Met & Pick<Looked, 'wins'>)[]>();
  for (const each of looked) {
    for (const found of each.found) {
      const key = placeOf(found.finding);
      if (had.has(key)) continue;
      const group = added.get(key) ?? [];
      added.set(key, group);
      if (group.at(-1)?.launch !== each.launch) group.push({ ...each, found });
    }
  }
  return [...added.values()].flatMap((lines) => {
    // What is reckoned with is what the first line makes of the files.
    if (lines[0]?.found.finding.rule === SOURCES_DISAGREE && lines[0].launch !== looked[0]?.launch) return [];
    const bare = looked.find(({ launch, effective }) => !effective && lines.some((line) => line.launch === launch));
    if (bare) return asWritten(lines, bare.launch, looked.length, input);
    const isSure =
      isAll && lines.length === looked.length && lines.every(({ wins, launch }) => wins === 'surely' && !launch.open);
    return described(lines, { of: looked.length, isSure }, input);
  });
}

/** The rule whose words name the value that is taken. */
const SOURCES_DISAGREE = 'sources-disagree';

/** What a line without training flags has too is so of the files as they are written. */
function asWritten(lines: readonly Met[], bare: Launch, of: number, { workspace }: LaunchedInput): Finding | [] {
  const finding = lines.find(({ launch }) => launch === bare)?.found.finding;
  if (!finding) return [];
  const others = of - lines.length;
  const lacks = others === 0 ? '' : `, not ${others === 1 ? 'the other line' : `the ${others} other lines`}`;
  const where = lines.map(({ launch }) => lineOf(launch, undefined, workspace)).join(', ');
  return { ...finding, message: `${finding.message} This is so of ${where}${lacks}.` };
}

/** Several flags without a key in the file share its top. */
function placeOf({ rule, start, end, message }: Finding): string {
  return start === end ? `${rule} ${message}` : `${rule} ${start} ${end}`;
}
