import type { RunNote } from '../analysis';
import type { Catalogs } from '../catalogs';
import { buildCluster, statedSize } from '../hardware/cluster';
import type { Cluster } from '../hardware/hardware';
import { basename, isAbsolute, join } from '../paths';
import type { Path } from '../source';
import { toPlain } from '../syntax/plain';
import type { FileFinder } from './files';
import { foldersUp } from './folders';
import { type Known, known, type Origin, unknown } from './known';
import { type Launch, sizeOf } from './launch';
import type { Target } from './settings-file';
import { overrideOf, type RunSources } from './sources';
import type { Disagreement } from './training-run';
import { byDefault, countFrom, firstKnown, textFrom, type Written, writtenIn } from './written';

/** How many processes on how many nodes, and on what hardware. */
export interface Place {
  readonly cluster: Known<Cluster>;
  readonly nodes: Known<number>;
  readonly gpusPerNode: Known<number>;
  readonly worldSize: Known<number>;
}

interface Size {
  readonly nodes?: Known<number> | undefined;
  readonly perNode?: Known<number> | undefined;
  readonly world?: Known<number> | undefined;
}

type PlaceSources = Pick<RunSources, 'overrides' | 'settings' | 'links' | 'accelerate' | 'deepspeed' | 'args'>;

/** Flags and the target come first, then launch lines and the Accelerate file; where they differ, that is said. */
export function readPlace(
  sources: PlaceSources,
  catalogs: Catalogs,
  finder: FileFinder,
  disagreements: Disagreement[],
): Place {
  const target = targetOf(sources, finder);
  const name = overrideOf(sources, 'hardware') ?? target?.hardware;
  const hardware = name && namedHardware(name, sources, catalogs, finder);
  const stated = fromTarget(sources, target, hardware);
  const started = [fromLaunches(sources), fromAccelerate(sources)];
  const written = overlay([stated, ...started, oneNode(stated)]);
  // What the batch keys imply comes last: it is no statement about the machines.
  const taken = overlay([written, fromBatch(sources)]);
  compare(stated, overlay(started), taken, disagreements);
  const place = named(taken, several(sources));
  if (!hardware) return { ...place, cluster: unknown(noHardware(sources)) };
  return placeOn(hardware, place, sources, catalogs, finder);
}

/** Several Accelerate files beside the Trainer file: the user can say which. */
function several({ links }: PlaceSources): string {
  if (links.candidates.length < 2) return '';
  const names = links.candidates.map((path) => basename(path)).slice(0, 4);
  return `; ${names.join(', ')} could be meant, and \`with\` in shardlens.json can name one`;
}

function noHardware({ settings }: PlaceSources): string {
  const names = [...settings.targets.keys()];
  return names.length > 0
    ? `no target is chosen; shardlens.json has ${names.join(', ')}`
    : 'no flag, target or file names the hardware';
}

/** The target that a flag or the editor names, else `target` of shardlens.json, else the only one there is. */
function targetOf(sources: PlaceSources, finder: FileFinder): Target | undefined {
  const { settings } = sources;
  const written = overrideOf(sources, 'target') ?? settings.fields.target;
  if (!written) return settings.targets.size === 1 ? [...settings.targets.values()][0] : undefined;
  const name = typeof written.plain === 'string' ? written.plain : '';
  const target = settings.targets.get(name);
  if (target) return target;
  const names = [...settings.targets.keys()];
  finder.notes.push({
    kind: 'unknown-target',
    message: `No target is called "${name}"; ${names.length > 0 ? `there is ${names.join(', ')}` : 'shardlens.json has none'}.`,
    origin: written.origin,
  });
  return undefined;
}

/** Flags, then the target, then what its hardware states by itself: a cluster description's sizes, or the 8 of `8xH100`. */
function fromTarget(sources: PlaceSources, target: Target | undefined, hardware: NamedHardware | undefined): Size {
  const itself = (value: number | undefined, key: string): Known<number> | undefined =>
    hardware && value !== undefined
      ? known(value, {
          kind: 'derived',
          formula: `${key} of ${hardware.written.plain}`,
          from: [hardware.written.origin],
        })
      : undefined;
  const nodes = overrideOf(sources, 'nodes') ?? target?.nodes;
  const perNode = overrideOf(sources, 'gpusPerNode') ?? target?.gpusPerNode;
  return {
    nodes: nodes ? countFrom(nodes) : itself(hardware?.stated.nodes, 'nodes'),
    perNode: perNode ? countFrom(perNode) : itself(hardware?.stated.gpusPerNode, 'gpusPerNode'),
  };
}

/** Who names the GPUs per node means one node, where neither that nor what starts the run says more. */
function oneNode({ nodes, perNode }: Size): Size {
  return perNode && !nodes ? { nodes: byDefault(1, 'Shardlens', 'one node where none is named') } : {};
}

/** Launch lines that start this run; where two of them differ in a figure, it is not known. */
function fromLaunches({ links }: PlaceSources): Size {
  const sizes = links.launches.map(sizeOf);
  const agreed = (of: (size: (typeof sizes)[number]) => Known<number> | undefined): Known<number> | undefined => {
    const values = sizes.flatMap((size) => of(size) ?? []);
    const [first] = values;
    const other = values.find((one) => one.known && first?.known && one.value !== first.value);
    return other && first?.known && other.known
      ? unknown(`one launch line says ${first.value} and another ${other.value}`, first.origin)
      : first;
  };
  const size = {
    nodes: agreed((one) => one.nodes),
    perNode: agreed((one) => one.perNode),
    world: agreed((one) => one.processes),
  };
  const first = links.launch;
  return { ...size, nodes: size.nodes ?? (first && size.perNode && launchedOnOneNode(first)) };
}

/** What each launcher does when no number of nodes is given: torchrun and, without a hostfile, deepspeed stay on one machine. */
function launchedOnOneNode({ launcher, flags }: Launch): Known<number> | undefined {
  if (launcher === 'torchrun') return byDefault(1, 'torchrun', 'torch/distributed/run.py --nnodes');
  const hosts = flags.has('hostfile') || flags.has('H') || flags.has('include') || flags.has('i');
  if (launcher !== 'deepspeed' || hosts) return undefined;
  return byDefault(1, 'the deepspeed launcher without a hostfile', 'deepspeed/launcher/runner.py');
}

function fromAccelerate({ accelerate }: PlaceSources): Size {
  if (!accelerate) return {};
  const processes = writtenIn(accelerate, 'num_processes');
  const machines = writtenIn(accelerate, 'num_machines');
  const type = writtenIn(accelerate, 'distributed_type');
  const nodes = machines
    ? countFrom(machines)
    : byDefault(1, 'accelerate 1.15.0', 'accelerate src/accelerate/commands/config/config_args.py:182');
  if (processes) return { nodes, world: startedProcesses(countFrom(processes), nodes) };
  if (type?.plain !== 'NO') return { nodes };
  const formula = "distributed_type 'NO' is one process";
  return { nodes, world: known(1, { kind: 'derived', formula, from: [type.origin] }) };
}

/** The launcher starts num_processes // num_machines on each machine and drops the rest (accelerate utils/launch.py:217, 1.15.0). */
function startedProcesses(processes: Known<number>, machines: Known<number>): Known<number> {
  if (!processes.known || !machines.known || processes.value % machines.value === 0) return processes;
  const each = Math.floor(processes.value / machines.value);
  const formula = `${processes.value} processes on ${machines.value} machines start ${each} on each`;
  if (each === 0) return unknown(`${formula}, which is none`, processes.origin);
  return known(each * machines.value, { kind: 'derived', formula, from: [processes.origin, machines.origin] });
}

/** All three batch keys as numbers fit one number of ranks only: DeepSpeed asserts the product (runtime/config.py:938). */
function fromBatch({ deepspeed }: PlaceSources): Size {
  const [total, micro, steps] = [
    'train_batch_size',
    'train_micro_batch_size_per_gpu',
    'gradient_accumulation_steps',
  ].map((key) => {
    const written = writtenIn(deepspeed, key);
    return written ? countFrom(written) : undefined;
  });
  if (!total?.known || !micro?.known || !steps?.known || writtenIn(deepspeed, 'tensor_parallel')) return {};
  const world = total.value / (micro.value * steps.value);
  if (!Number.isInteger(world)) return {};
  const formula = `${total.value} ÷ (${micro.value} × ${steps.value})`;
  return { world: known(world, { kind: 'derived', formula, from: [total.origin, micro.origin, steps.origin] }) };
}

/** Any two of nodes, GPUs per node and world size give the third. */
function complete(size: Size): Size {
  const { nodes, perNode, world } = size;
  if (nodes?.known && perNode?.known) return { ...size, world: combine(nodes, perNode, '×', (a, b) => a * b) };
  if (world?.known && nodes?.known)
    return { ...size, perNode: combine(world, nodes, '÷', (a, b) => Math.floor(a / b)) };
  if (world?.known && perNode?.known)
    return { ...size, nodes: combine(world, perNode, '÷', (a, b) => Math.ceil(a / b)) };
  return size;
}

function combine(
  a: { value: number; origin: Origin },
  b: { value: number; origin: Origin },
  sign: string,
  f: (a: number, b: number) => number,
): Known<number> {
  return known(f(a.value, b.value), {
    kind: 'derived',
    formula: `${a.value} ${sign} ${b.value}`,
    from: [a.origin, b.origin],
  });
}

const FIELDS = ['nodes', 'perNode', 'world'] as const;

/**
 * The first source that says a figure has it, even where it says what cannot be known here; a figure that two others give
 * is not asked for. Defaults come after everything that is written.
 */
function overlay(sizes: readonly Size[]): Size {
  const state: { -readonly [K in keyof Size]: Size[K] } = {};
  for (const defaults of [false, true]) {
    for (const size of sizes) {
      for (const field of FIELDS) {
        const said = size[field];
        const isDefault = said?.known === true && said.origin.kind === 'default';
        if (!said || state[field] || isDefault !== defaults) continue;
        const isGiven = FIELDS.every((other) => other === field || state[other]?.known);
        if (!isGiven) state[field] = said;
      }
    }
  }
  return complete(state);
}

/** A target that makes the run larger or smaller than what starts it is a disagreement; a flag over a file is not. */
function compare(stated: Size, started: Size, taken: Size, disagreements: Disagreement[]): void {
  const { world } = taken;
  if ((!stated.nodes && !stated.perNode) || !world?.known || !started.world?.known) return;
  if (world.value === started.world.value) return;
  disagreements.push({ fact: 'number of processes', taken: world, other: started.world });
}

function named(size: Size, hint: string): Omit<Place, 'cluster'> {
  const why = (what: string) => `no target, launch line or Accelerate file gives the number of ${what}${hint}`;
  return {
    nodes: firstKnown(why('nodes'), size.nodes),
    gpusPerNode: firstKnown(why('GPUs per node'), size.perNode),
    worldSize: firstKnown(
      why('processes'),
      size.world,
      size.perNode?.known ? undefined : size.perNode,
      size.nodes?.known ? undefined : size.nodes,
    ),
  };
}

function placeOn(
  hardware: NamedHardware,
  taken: Omit<Place, 'cluster'>,
  sources: PlaceSources,
  catalogs: Catalogs,
  finder: FileFinder,
): Place {
  const name = textFrom(hardware.written);
  if (!name.known) return { ...taken, cluster: unknown(name.why, name.origin) };
  const nodes = taken.nodes.known ? taken.nodes.value : undefined;
  const gpusPerNode = taken.gpusPerNode.known ? taken.gpusPerNode.value : undefined;
  const built = buildCluster(
    { hardware: hardware.description ?? name.value, nodes, gpusPerNode },
    { catalog: catalogs.hardware, own: sources.settings.hardware },
  );
  if ('problem' in built) {
    finder.notes.push(unknownHardware(built, name.origin));
    return { ...taken, cluster: unknown(built.problem.replace(/\.$/, ''), name.origin) };
  }
  const { cluster } = built;
  const origin: Origin = name.origin;
  const all = known(cluster.gpusPerNode, { kind: 'catalog', id: cluster.id, source: 'GPUs of one node' });
  const one = known(cluster.nodes, { kind: 'default', of: 'Shardlens', source: 'one node where none is named' });
  const sized = {
    nodes: taken.nodes.known ? taken.nodes : one,
    perNode: taken.gpusPerNode.known ? taken.gpusPerNode : all,
  };
  const world = taken.worldSize.known ? taken.worldSize : complete({ ...sized, world: undefined }).world;
  return {
    cluster: known(cluster, origin),
    nodes: sized.nodes,
    gpusPerNode: sized.perNode,
    worldSize: world ?? taken.worldSize,
  };
}

function unknownHardware(
  { problem, nearest }: { problem: string; nearest: readonly string[] },
  origin: Origin,
): RunNote {
  const hint = nearest.length > 0 ? ` The nearest names are ${nearest.join(', ')}.` : '';
  return { kind: 'unknown-hardware', message: problem + hint, origin };
}

/** Hardware as a flag or a target names it. */
interface NamedHardware {
  readonly written: Written;
  /** The cluster description behind the name; undefined for a catalog id. */
  readonly description: Readonly<Record<string, unknown>> | undefined;
  readonly stated: { readonly nodes: number | undefined; readonly gpusPerNode: number | undefined };
}

function namedHardware(written: Written, sources: PlaceSources, catalogs: Catalogs, finder: FileFinder): NamedHardware {
  const name = typeof written.plain === 'string' ? written.plain : '';
  const description = describedBy(name, sources, finder);
  const own = sources.settings.hardware;
  return { written, description, stated: statedSize(description ?? name, { catalog: catalogs.hardware, own }) };
}

/** A cluster description: a record of shardlens.json by name, or a file by path, relative to shardlens.json or as a flag gives it. */
function describedBy(
  name: string,
  { settings, links }: PlaceSources,
  finder: FileFinder,
): Readonly<Record<string, unknown>> | undefined {
  if (Object.hasOwn(settings.hardware, name)) return objectOf(settings.hardware[name]);
  if (!name.endsWith('.json')) return undefined;
  const from = links.files[0]?.path ?? settings.folder;
  const above = foldersUp(from, finder.workspace).map((folder) => join(folder, name));
  const places: readonly Path[] = isAbsolute(name) ? [join('', name)] : [join(settings.folder, name), ...above];
  for (const place of places) {
    finder.dependencies.add(place);
    const found = objectOf(toPlain(finder.workspace.source(place)?.tree.root, 'json'));
    if (found) return found;
  }
  return undefined;
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
}
