import type { RunNote } from '../analysis';
import type { Catalogs } from '../catalogs';
import { buildCluster } from '../hardware/cluster';
import { type ForcedPaths, forcedPaths } from '../hardware/forced';
import type { Cluster } from '../hardware/hardware';
import { basename } from '../paths';
import { readEnvironment } from './environment';
import type { FileFinder } from './files';
import { type Known, known, type Origin, unknown } from './known';
import { manifestPlace } from './manifest';
import { type NamedHardware, namedHardware, shortName } from './named-hardware';
import { coresOf, logicalCore } from './neuron';
import { complete, fromAccelerate, fromBatch, fromLaunches, oneNode, overlay, type Size, unevenBatch } from './sizes';
import { overrideOf, type RunSources } from './sources';
import { fromTarget, noHardware, targetOf } from './target';
import type { Disagreement } from './training-run';
import { fromTrl } from './trl-launch';
import { byDefault, firstKnown, textFrom, type Written, writtenIn } from './written';

/** How many processes on how many nodes, and on what hardware. */
export interface Place {
  readonly cluster: Known<Cluster>;
  readonly nodes: Known<number>;
  readonly gpusPerNode: Known<number>;
  readonly worldSize: Known<number>;
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
  const manifest = manifestPlace(sources.links, finder);
  const sagemaker = writtenIn(sources.accelerate, 'ec2_instance_type');
  const asked = manifest.instance ?? (sagemaker && textFrom(sagemaker));
  const name = overrideOf(sources, 'hardware') ?? target?.hardware ?? askedFor(asked, catalogs);
  const hardware = name && namedHardware(name, sources, catalogs, finder);
  const stated = fromTarget(sources, target, hardware);
  const environment = readEnvironment(sources, finder);
  const podded = { ...manifest, perNode: manifest.perNode ?? coresOf(manifest.chips, name, environment, catalogs) };
  const started = [fromLaunches(sources, finder), fromTrl(sources), fromAccelerate(sources), podded];
  const written = overlay([stated, ...started, oneNode(stated)]);
  // What the batch keys imply comes last: it is no statement about the machines.
  const implied = fromBatch(sources);
  const uneven = unevenBatch(written, implied);
  const taken = uneven ? { ...written, perNode: uneven } : overlay([written, implied]);
  if (uneven)
    finder.notes.push({ kind: 'uneven-batch', message: `${capitalised(uneven.why)}.`, origin: uneven.origin });
  if (stated.nodes || stated.perNode) compare(overlay(started), taken, disagreements);
  const place = named(taken, several(sources));
  if (!hardware) return { ...place, cluster: unknown(target ? 'the target names no hardware' : noHardware(sources)) };
  return placeOn(hardware, place, sources, catalogs, finder);
}

function capitalised(words: string): string {
  return words.slice(0, 1).toUpperCase() + words.slice(1);
}

/** The machine that a manifest or Accelerate's SageMaker file asks for, where the catalog has it with accelerators. */
function askedFor(instance: Known<string> | undefined, { hardware }: Catalogs): Written | undefined {
  if (!instance?.known || hardware.instance(instance.value)?.accelerator === undefined) return undefined;
  const { value: plain, origin } = instance;
  return { key: 'instance type', plain, origin, from: 'file', templated: false };
}

/** Several Accelerate files beside the Trainer file: the user can say which. */
function several({ links }: PlaceSources): string {
  if (links.candidates.length < 2) return '';
  const names = links.candidates.map((path) => basename(path)).slice(0, 4);
  return `; ${names.join(', ')} could be meant, and \`with\` in shardlens.json can name one`;
}

/** A target that makes the run larger or smaller than what starts it is a disagreement; a flag over a file is not. */
function compare(started: Size, taken: Size, disagreements: Disagreement[]): void {
  const { world } = taken;
  if (!world?.known || !started.world?.known) return;
  if (world.value === started.world.value) return;
  const { nodes, perNode } = started;
  const size = nodes?.known && perNode?.known ? { nodes: nodes.value, gpusPerNode: perNode.value } : undefined;
  disagreements.push({ fact: 'number of processes', taken: world, other: started.world, size });
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
  const logicalCores = logicalCore(readEnvironment(sources, finder));
  const build = ({ nodes, gpusPerNode }: Omit<Place, 'cluster'>, forced?: ForcedPaths) =>
    buildCluster(
      {
        hardware: hardware.description ?? name.value,
        nodes: nodes.known ? nodes.value : undefined,
        gpusPerNode: gpusPerNode.known ? gpusPerNode.value : undefined,
        logicalCores,
        forced,
      },
      { catalog: catalogs.hardware, own: sources.settings.hardware },
    );
  const first = build(taken);
  const placed = 'problem' in first ? taken : spread(taken, first.cluster);
  const built = placed === taken ? first : build(placed);
  if ('problem' in built) {
    const { problem, nearest } = built;
    const said = hardware.description ? `In ${shortName(name.value)}: ${problem}` : problem;
    finder.notes.push(unknownHardware({ problem: said, nearest }, name.origin));
    return { ...taken, cluster: unknown(built.problem.replace(/\.$/, ''), name.origin) };
  }
  return {
    ...placed,
    cluster: known(
      asLaunched(built.cluster, sources, finder, (it) => build(placed, it)),
      name.origin,
    ),
  };
}

/** The cluster with the paths that the launch environment leaves of it. */
function asLaunched(
  cluster: Cluster,
  sources: PlaceSources,
  finder: FileFinder,
  rebuild: (forced: ForcedPaths) => ReturnType<typeof buildCluster>,
): Cluster {
  const environment = readEnvironment(sources, finder);
  const forced = forcedPaths(cluster, (name) => {
    const found = environment[name];
    return found?.known ? found.value : undefined;
  });
  const built = forced && rebuild(forced);
  if (!built || 'problem' in built) return cluster;
  const { intra, inter, nicsPerNode } = cluster;
  return { ...built.cluster, usual: { intra, inter, nicsPerNode, because: forced.because } };
}

/**
 * Fills what nobody says from the hardware: as many nodes as the processes need, else all GPUs of one. Neither is a default where
 * somebody says a number that cannot be read.
 */
function spread(taken: Omit<Place, 'cluster'>, cluster: Cluster): Omit<Place, 'cluster'> {
  const { nodes, gpusPerNode, worldSize } = taken;
  if (nodes.known && gpusPerNode.known) return taken;
  const all = known(cluster.gpusInNode, { kind: 'catalog', id: cluster.id, source: 'GPUs of one node' });
  const whole = isSaid(gpusPerNode) ? gpusPerNode : all;
  const one = isSaid(nodes) ? nodes : byDefault(1, 'Shardlens', 'one node where none is named');
  const fits = worldSize.known && worldSize.value <= cluster.gpusInNode;
  const filled = worldSize.known
    ? complete({ nodes: fits ? one : undefined, perNode: fits ? undefined : whole, world: worldSize })
    : { nodes: nodes.known ? nodes : one, perNode: gpusPerNode.known ? gpusPerNode : whole };
  return {
    nodes: nodes.known ? nodes : (filled.nodes ?? nodes),
    gpusPerNode: gpusPerNode.known ? gpusPerNode : (filled.perNode ?? gpusPerNode),
    worldSize: worldSize.known || isSaid(worldSize) ? worldSize : (complete(filled).world ?? worldSize),
  };
}

/** Somebody says it in words that cannot be read. */
function isSaid(count: Known<number>): boolean {
  return !count.known && count.origin !== undefined;
}

function unknownHardware(
  { problem, nearest }: { problem: string; nearest: readonly string[] },
  origin: Origin,
): RunNote {
  const hint = nearest.length > 0 ? ` The nearest names are ${nearest.join(', ')}.` : '';
  return { kind: 'unknown-hardware', message: problem + hint, origin };
}
