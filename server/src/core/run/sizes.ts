import type { FileFinder } from './files';
import { hostsOf } from './hostfile';
import { type Known, known, type Origin, unknown } from './known';
import type { Launch } from './launch';
import { sizeOf } from './launch-size';
import { scriptSizes } from './script-parallel';
import type { RunSources } from './sources';
import { byDefault, countFrom, writtenIn } from './written';

/** What one source says about the size of a run; undefined where it says nothing. */
export interface Size {
  readonly nodes?: Known<number> | undefined;
  readonly perNode?: Known<number> | undefined;
  readonly world?: Known<number> | undefined;
}

type SizeSources = Pick<RunSources, 'links' | 'accelerate' | 'deepspeed' | 'args'>;

/** Who names the GPUs per node means one node, where neither that nor what starts the run says more. */
export function oneNode({ nodes, perNode }: Size): Size {
  return perNode && !nodes ? { nodes: byDefault(1, 'Shardlens', 'one node where none is named') } : {};
}

/** Launch lines that start this run; where two of them differ in a figure, or one does not tell it, it is not known. */
export function fromLaunches(sources: SizeSources, finder: FileFinder): Size {
  const { launches } = sources.links;
  const sizes = launches.map((launch) => sizeOfLine(launch, sources, finder));
  const [first = {}] = sizes;
  if (sizes.length < 2) return first;
  const wholes = launches.flatMap((launch, index) => {
    // Plain python with another script is a tool beside the run.
    if (index > 0 && launch.launcher === 'python' && !launch.srun && !isSameScript(launch, launches[0])) return [];
    return overlay([sizes[index] ?? {}, ...(countsAll(launch) ? [fromAccelerate(sources)] : [])]);
  });
  const agreed = (field: (typeof FIELDS)[number]): Known<number> | undefined => {
    const values = wholes.map((whole) => whole[field]);
    const one = values.find((value) => value?.known);
    const others = values.filter((value) => !value?.known || !one?.known || value.value !== one.value);
    if (others.length === 0) return first[field];
    const open = others.find((value) => value?.known === false);
    const other = others.find((value) => value?.known);
    const words = other?.known ? other.value : 'nothing';
    return (
      open ?? (one?.known ? unknown(`one launch line says ${one.value} and another ${words}`, one.origin) : undefined)
    );
  };
  return { nodes: agreed('nodes'), perNode: agreed('perNode'), world: agreed('world') };
}

function isSameScript({ script: one }: Launch, other: Launch | undefined): boolean {
  return one.known && other?.script.known === true && one.value === other.script.value;
}

/** What one line says, with what its launcher takes where it says nothing. */
function sizeOfLine(launch: Launch, sources: SizeSources, finder: FileFinder): Size {
  const { nodes, perNode, processes } = sizeOf(launch, (it) => hostsOf(it, finder));
  const isSaid = countsAll(launch) && (sources.accelerate || sources.args.get('accelerate_config', 'num_processes'));
  const size = { perNode: (isSaid ? undefined : perNode) ?? onlyProcess(launch), world: processes };
  const unread = sources.accelerate ? undefined : unreadMachines(launch);
  return {
    ...size,
    nodes: nodes ?? unread ?? ((size.perNode || size.world) && launchedOnOneNode(launch)),
  };
}

function countsAll({ launcher }: Launch): boolean {
  return launcher === 'accelerate' || launcher === 'trl';
}

function onlyProcess({ launcher, flags, script }: Launch): Known<number> | undefined {
  // Another word in the place of the script is a flag that was not read.
  if (launcher !== 'torchrun' || flags.has('nproc_per_node') || !script.known || !script.value.endsWith('.py'))
    return undefined;
  return byDefault(1, 'torchrun', 'torch/distributed/run.py:506 --nproc-per-node');
}

/** The Accelerate file that the line names may say more than one machine; it was not found. */
function unreadMachines({ launcher, flags }: Launch): Known<number> | undefined {
  const named = launcher === 'accelerate' ? flags.get('config_file') : undefined;
  return named && unknown(`the file of ${named.key} cannot be read`, named.origin);
}

/** Without a number of nodes, torchrun, accelerate and (given no hostfile) deepspeed stay on one machine. */
function launchedOnOneNode({ launcher, flags }: Launch): Known<number> | undefined {
  if (launcher === 'torchrun') return byDefault(1, 'torchrun', 'torch/distributed/run.py --nnodes');
  if (launcher === 'accelerate' || launcher === 'trl') {
    return byDefault(1, 'accelerate 1.15.0', 'accelerate src/accelerate/commands/config/config_args.py:182');
  }
  const hosts = flags.has('hostfile') || flags.has('H') || flags.has('include') || flags.has('i');
  if (launcher !== 'deepspeed' || hosts) return undefined;
  return byDefault(1, 'the deepspeed launcher without a hostfile', 'deepspeed/launcher/runner.py');
}

/** What an Accelerate file says about the number of processes and machines. */
export function fromAccelerate({ accelerate }: SizeSources): Size {
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

/**
 * All three batch keys as numbers fit one number of data-parallel ranks only: DeepSpeed asserts the product
 * (runtime/config.py:938). Each of them is as many processes as split one sample or the model.
 */
export function fromBatch(sources: SizeSources): Size {
  const { deepspeed } = sources;
  const [total, micro, steps] = [
    'train_batch_size',
    'train_micro_batch_size_per_gpu',
    'gradient_accumulation_steps',
  ].map((key) => {
    const written = writtenIn(deepspeed, key);
    return written ? countFrom(written) : undefined;
  });
  if (!total?.known || !micro?.known || !steps?.known) return {};
  const data = total.value / (micro.value * steps.value);
  const split = splittingSizes(sources);
  if (!Number.isInteger(data) || !split) return {};
  const formula = [`${total.value} ÷ (${micro.value} × ${steps.value})`, ...split.map(({ value }) => value)].join(
    ' × ',
  );
  const from = [total, micro, steps, ...split].map(({ origin }) => origin);
  const world = split.reduce((product, { value }) => product * value, data);
  return { world: known(world, { kind: 'derived', formula, from }) };
}

/** Sections that split the model; how the ranks come out then is not taken from the batch. */
const SPLITTING = ['tensor_parallel', 'pipeline.stages'];

/**
 * Sizes that DeepSpeed or the script's mpu divides the processes by (deepspeed/runtime/config.py:459, 0.19.8); undefined where one
 * of them is not known.
 */
function splittingSizes(sources: SizeSources): readonly { value: number; origin: Origin }[] | undefined {
  const { deepspeed, accelerate } = sources;
  if (SPLITTING.some((key) => writtenIn(deepspeed, key)) || writtenIn(accelerate, 'parallelism_config'))
    return undefined;
  const ulysses = writtenIn(deepspeed, 'sequence_parallel_size');
  const { tensor, pipeline, context } = scriptSizes(sources);
  const sizes = [ulysses ? countFrom(ulysses) : context, tensor, pipeline];
  if (sizes.some((size) => size?.known === false)) return undefined;
  return sizes.flatMap((size) => (size?.known && size.value > 1 ? [size] : []));
}

/** Why the ranks that the batch keys imply cannot run on the nodes that are named: every node starts as many. */
export function unevenBatch(
  { nodes, world: stated }: Size,
  { world }: Size,
): Extract<Known<number>, { readonly known: false }> | undefined {
  if (stated?.known || !nodes?.known || !world?.known || world.value % nodes.value === 0) return undefined;
  const { origin, value } = world;
  const ranks = value === 1 ? '1 process' : `${value} processes`;
  const fit = value < nodes.value ? 'are fewer than' : 'do not divide over';
  const sum = origin.kind === 'derived' ? ` (${origin.formula})` : '';
  const place = origin.kind === 'derived' ? origin.from[0] : origin;
  return {
    known: false,
    why: `the batch sizes make ${ranks}${sum}, which ${value === 1 ? 'is fewer than' : fit} the ${nodes.value} nodes; one of these figures is not what will run`,
    ...(place && { origin: place }),
  };
}

/** Any two of nodes, GPUs per node and world size give the third. */
export function complete(size: Size): Size {
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
export function overlay(sizes: readonly Size[]): Size {
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
