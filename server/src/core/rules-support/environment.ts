import { estimateRun } from '../estimate/index';
import type { FileEdit, Fix } from '../findings';
import { hasNccl, isNcclOn } from '../hardware/forced';
import type { Cluster, Link, LinkKind } from '../hardware/hardware';
import type { Report, RuleContext } from '../rules/rule';
import { known } from '../run/known';
import type { RunOutline } from '../run/training-run';
import type { Config } from '../source';
import { formatRate, formatSeconds } from '../text/format';
import { filePlaces, leadsRun, type Place } from './places';

/** A variable of the launch line with the value it is set to, and where. */
export interface Variable {
  readonly name: string;
  readonly value: string;
  readonly place: Place | undefined;
}

/** The variable, where the launch of this run sets it to a plain value and something on this machine reads it. */
export function variableOf(run: RunOutline, name: string): Variable | undefined {
  return name.startsWith('NCCL_') && run.cluster.known && !hasNccl(run.cluster.value.accelerator)
    ? undefined
    : launchedWith(run, name);
}

/** The variable as the launch sets it, whether anything reads it or not; also what its manifest says of the job. */
export function launchedWith(run: RunOutline, name: string): Variable | undefined {
  const found = run.environment[name] ?? run.job?.[name];
  if (!found?.known) return undefined;
  return { name, value: found.value.trim(), place: filePlaces(found)[0] };
}

/** Whether a switch of NCCL is on: it reads numbers only, so `true` is no more than 0. */
export function isOn(variable: Variable | undefined): variable is Variable {
  return variable !== undefined && isNcclOn(variable.value);
}

/** A link that the machine has, of a known rate, and how many nodes or GPUs it joins. */
export interface UsualLink {
  readonly link: Link;
  readonly nodes: number;
}

/**
 * The network of these kinds that the machine has between the nodes of this run, whatever the launch makes of it; undefined
 * for one node, for another network, and where its rate had to be assumed.
 */
export function networkBetween({ cluster }: RunOutline, kinds: ReadonlySet<LinkKind>): UsualLink | undefined {
  if (!cluster.known || cluster.value.nodes < 2) return undefined;
  return sure(usualLinks(cluster.value).inter, cluster.value.nodes, kinds);
}

/** The same for the path between the GPUs of a node. */
export function pathInside({ cluster }: RunOutline, kinds: ReadonlySet<LinkKind>): UsualLink | undefined {
  return cluster.known ? sure(usualLinks(cluster.value).intra, cluster.value.nodes, kinds) : undefined;
}

function sure(link: Link, nodes: number, kinds: ReadonlySet<LinkKind>): UsualLink | undefined {
  return link.basis === 'assumed' || !kinds.has(link.kind) ? undefined : { link, nodes };
}

/** `InfiniBand 50 GB/s per GPU (41 GB/s per GPU reached)`: what a variable takes away. */
export function reached({ label, bytesPerSecond }: Link): string {
  return `${label} (${formatRate(bytesPerSecond)} per GPU reached)`;
}

/** A report about a variable that costs time: what it does, what a step takes without it, and its removal. */
export function reportVariable(context: RuleContext, variable: Variable, message: string): void {
  const place = atLaunch(context.run, context.config, variable);
  if (!place) return;
  const fixes = removeVariable(variable, context);
  context.report({ ...place, message: `${message}${stepWithout(context, variable)}`, fixes });
}

/**
 * A report about a launch script, which is no config and is not analysed itself: at the start of the config that speaks for
 * the run, with the line of the script beside it. Undefined where another config of the run speaks for it.
 */
export function atLaunch(
  run: RunOutline,
  config: Config,
  variable: Variable,
): Pick<Report, 'at' | 'related'> | undefined {
  if (!leadsRun(run, config)) return undefined;
  const { place, name } = variable;
  return { at: { start: 0, end: 0 }, related: place ? [{ at: place, message: `${name} is set here.` }] : [] };
}

/** Whether the text at a place is this word, so that an edit can replace it. */
export function isWrittenAs({ place, value }: Variable, { workspace }: RuleContext): boolean {
  const read = place && workspace.read(place.path);
  return read?.ok === true && read.text.slice(place?.start, place?.end) === value;
}

/** The links that the machine has, whatever the launch environment makes of them. */
export function usualLinks(cluster: Cluster): Pick<Cluster, 'intra' | 'inter' | 'nicsPerNode'> {
  return cluster.usual ?? cluster;
}

/** A smaller difference is finer than the model of the step. */
const WORTH_SAYING = 0.02;

/**
 * ` A step takes about 96 s, and 47 s without it.`; empty where the variable changes no path, no step can be told, or it makes
 * no difference. Where others change paths too, the step is that without all of them.
 */
export function stepWithout(context: RuleContext, { name }: Variable): string {
  const { run } = context;
  if (!run.cluster.known || !run.cluster.value.usual || !run.model.known) return '';
  const { usual, ...rest } = run.cluster.value;
  if (!usual.because.some((it) => it.startsWith(name))) return '';
  const before = context.estimate.step;
  const after = estimateRun({ ...context.wholeRun, cluster: known({ ...rest, ...usual }, run.cluster.origin) }).step;
  if (!before || !after || before.seconds - after.seconds < WORTH_SAYING * before.seconds) return '';
  const without = usual.because.length === 1 ? 'it' : usual.because.join(' and ');
  return ` A step takes about ${formatSeconds(before.seconds)}, and ${formatSeconds(after.seconds)} without ${without}.`;
}

/** Takes the variable out of the script or file that sets it: its whole line where nothing else stands there. */
export function removeVariable({ name, value, place }: Variable, { workspace }: RuleContext): Omit<Fix, 'preferred'>[] {
  const read = place && workspace.read(place.path);
  if (!place || !read?.ok) return [];
  const edit = removal(read.text, place);
  // A value that a variable of the script fills stands somewhere else.
  if (!edit || !read.text.slice(place.start, place.end).startsWith(`${name}=`)) return [];
  return [{ title: `Remove ${name}=${value} from the launch`, edits: [edit] }];
}

function removal(text: string, { path, start, end }: Place): FileEdit | undefined {
  const lineStart = text.lastIndexOf('\n', start - 1) + 1;
  const newline = text.indexOf('\n', end);
  const before = text.slice(lineStart, start);
  const after = text.slice(end, newline < 0 ? text.length : newline);
  if (/^\s*(export\s+)?$/.test(before) && /^\s*(#.*)?$/.test(after))
    return { path, start: lineStart, end: newline < 0 ? text.length : newline + 1, newText: '' };
  const blanks = /^[ \t]*/.exec(after)?.[0].length ?? 0;
  return blanks > 0 ? { path, start, end: end + blanks, newText: '' } : undefined;
}
