import { join } from '../paths';
import type { Path } from '../source';
import { lookup, type MappingNode, type Node } from '../syntax/node';
import type { FileFinder } from './files';
import { foldersUp, namesIn } from './folders';
import type { Launch } from './launch';
import {
  EFA_ENABLED,
  INSTANCE,
  type ManifestValues,
  PLACEMENT_GROUP,
  QUEUE_NODES,
  SPOT,
  ValueCollector,
} from './manifest-values';

/** An AWS ParallelCluster file: the machines and file systems behind the `#SBATCH` lines of a script. */
export interface SlurmCluster {
  readonly path: Path;
  readonly root: MappingNode;
}

/** The only ParallelCluster file of the nearest folder that has one; none for a run that Slurm does not start. */
export function slurmClusterOf(launch: Launch | undefined, finder: FileFinder): SlurmCluster | undefined {
  if (!launch || (launch.slurm.size === 0 && !launch.srun)) return undefined;
  for (const folder of foldersUp(launch.path, finder.workspace)) {
    const found = clustersIn(folder, finder);
    if (found.length > 0) return found.length === 1 ? found[0] : undefined;
  }
  return undefined;
}

function clustersIn(folder: Path, { workspace, dependencies }: FileFinder): SlurmCluster[] {
  return namesIn(folder, workspace).configs.flatMap((name) => {
    if (!/\.ya?ml$/.test(name)) return [];
    const path = join(folder, name);
    const read = workspace.read(path);
    if (!read.ok || !read.text.includes('SlurmQueues:')) return [];
    dependencies.add(path);
    const root = workspace.source(path)?.tree.root;
    return root?.kind === 'mapping' ? [{ path, root }] : [];
  });
}

/** The Slurm partition of a script, else the first queue, which ParallelCluster makes the default one. */
function queueOf({ root }: SlurmCluster, { slurm }: Launch): MappingNode | undefined {
  const queues = items(at(root, 'Scheduling', 'SlurmQueues'));
  const partition = slurm.get('partition');
  const wanted = partition?.raw;
  return wanted === undefined ? queues[0] : queues.find((queue) => text(at(queue, 'Name')) === wanted);
}

/**
 * What the queue of a job says of its nodes, as far as all of its machines agree. Defaults: EFA and placement group are off, and
 * 10 nodes at most (AWS ParallelCluster user guide, Scheduling section of version 3).
 */
export function slurmClusterValues(cluster: SlurmCluster, launch: Launch): ManifestValues {
  const values = new ValueCollector(cluster.path);
  const queue = queueOf(cluster, launch);
  if (!queue) return values.result();
  let nodes = 0;
  for (const resource of items(at(queue, 'ComputeResources'))) {
    addMachines(resource, values);
    const efa = at(resource, 'Efa', 'Enabled');
    values.add(EFA_ENABLED, { value: isTrue(efa) ? 'true' : 'false', at: (efa ?? resource).start });
    const count = at(resource, 'MaxCount');
    nodes += count === undefined ? 10 : Number(text(count) ?? Number.NaN);
    const group = at(resource, 'Networking', 'PlacementGroup') ?? at(queue, 'Networking', 'PlacementGroup');
    if (!isReserved(queue) && !isReserved(resource) && !isOpen(group))
      values.add(PLACEMENT_GROUP, { value: String(isGrouped(group)), at: (group ?? queue).start });
  }
  if (nodes > 0) values.add(QUEUE_NODES, { value: String(nodes), at: queue.start });
  const capacity = at(queue, 'CapacityType');
  if (capacity && text(capacity) === 'SPOT') values.add(SPOT, { value: 'true', at: capacity.start }, 'CapacityType');
  return values.result();
}

function addMachines(resource: MappingNode, values: ValueCollector): void {
  const machines = [
    at(resource, 'InstanceType'),
    ...items(at(resource, 'Instances')).map((it) => at(it, 'InstanceType')),
  ];
  for (const machine of machines) {
    const value = machine && text(machine);
    if (value !== undefined) values.add(INSTANCE, { value, at: machine?.start ?? 0 }, 'InstanceType');
  }
}

/** Capacity that was reserved lies where the provider put it, and a group can keep it from starting. */
function isReserved(node: MappingNode): boolean {
  return at(node, 'CapacityReservationTarget') !== undefined || text(at(node, 'CapacityType')) === 'CAPACITY_BLOCK';
}

function isGrouped(group: Node | undefined): boolean {
  const enabled = at(group, 'Enabled');
  if (enabled) return isTrue(enabled);
  return at(group, 'Name') !== undefined || at(group, 'Id') !== undefined;
}

/** A template decides it. */
function isOpen(group: Node | undefined): boolean {
  const enabled = at(group, 'Enabled');
  return enabled?.kind === 'scalar' && enabled.scalar.type !== 'bool';
}

/** The node at a path of keys; undefined where one of them is missing. */
export function at(node: Node | undefined, ...keys: readonly string[]): Node | undefined {
  let found = node;
  for (const key of keys) found = found?.kind === 'mapping' ? lookup(found, key)?.value : undefined;
  return found;
}

/** The mappings of a list. */
export function items(node: Node | undefined): readonly MappingNode[] {
  return node?.kind === 'sequence' ? node.items.filter((item) => item.kind === 'mapping') : [];
}

/** A plain value as text; undefined for anything that a template fills in. */
export function text(node: Node | undefined): string | undefined {
  return node?.kind !== 'scalar' || node.templated || node.scalar.value === null
    ? undefined
    : String(node.scalar.value);
}

function isTrue(node: Node | undefined): boolean {
  return node?.kind === 'scalar' && node.scalar.value === true;
}
