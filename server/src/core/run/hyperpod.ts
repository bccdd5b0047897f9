import { isCpuInstance } from '../hardware/cpu-names';
import { join } from '../paths';
import type { Path } from '../source';
import type { MappingNode, Node } from '../syntax/node';
import type { FileFinder } from './files';
import { foldersUp, namesIn } from './folders';
import type { Launch } from './launch';
import { INSTANCE, type ManifestValues, QUEUE_NODES, SPOT, ValueCollector } from './manifest-values';
import { at, items, text } from './slurm-cluster';

/**
 * What a SageMaker HyperPod cluster says of the nodes behind a Slurm job: the JSON of `aws sagemaker create-cluster` (CreateCluster,
 * InstanceGroups), and which group a partition is, by `SlurmConfig` there or by provisioning_parameters.json of its lifecycle scripts
 * (awsome-distributed-training, LifecycleScripts/base-config/config.py). Undefined for a job that Slurm does not start.
 */
export function hyperPodValues(launch: Launch | undefined, finder: FileFinder): ManifestValues | undefined {
  if (!launch || (launch.slurm.size === 0 && !launch.srun)) return undefined;
  for (const folder of foldersUp(launch.path, finder.workspace)) {
    const files = filesIn(folder, finder);
    const clusters = files.flatMap((file) => {
      const groups = groupsOf(file.root);
      return groups ? [{ path: file.path, groups }] : [];
    });
    const [cluster] = clusters;
    if (!cluster) continue;
    if (clusters.length > 1) return undefined;
    return valuesOf(cluster.path, chosen(cluster.groups, files, launch), launch.slurm.has('partition'));
  }
  return undefined;
}

interface JsonFile {
  readonly path: Path;
  readonly root: MappingNode;
}

const MARKS = ['"InstanceGroups"', '"worker_groups"'] as const;

function filesIn(folder: Path, { workspace, dependencies }: FileFinder): JsonFile[] {
  return namesIn(folder, workspace).configs.flatMap((name) => {
    const path = join(folder, name);
    const read = name.endsWith('.json') ? workspace.read(path) : undefined;
    if (!read?.ok || !MARKS.some((mark) => read.text.includes(mark))) return [];
    dependencies.add(path);
    const root = workspace.source(path)?.tree.root;
    return root?.kind === 'mapping' ? [{ path, root }] : [];
  });
}

/** The groups of a cluster, as such or in a template of CloudFormation; the groups of a training job stand deeper. */
function groupsOf(root: MappingNode): readonly MappingNode[] | undefined {
  const resources = at(root, 'Resources');
  const templates = resources?.kind === 'mapping' ? resources.entries.map(({ value }) => at(value, 'Properties')) : [];
  const named = [root, ...templates].map((node) => items(at(node, 'InstanceGroups'))).filter((it) => it.length > 0);
  return named.length === 1 ? named[0] : undefined;
}

/** The groups with accelerators that the job's partition may run on: all of them where nothing tells which partition is which. */
function chosen(groups: readonly MappingNode[], files: readonly JsonFile[], { slurm }: Launch): readonly MappingNode[] {
  const workers = groups.filter((group) => !isCpuInstance(text(at(group, 'InstanceType')) ?? ''));
  const partition = slurm.get('partition')?.raw;
  if (partition === undefined) return workers;
  const provisioned = files.flatMap(({ root }) => items(at(root, 'worker_groups')));
  if (provisioned.length === 0 && workers.every((group) => partitionsOf(group).length === 0)) return workers;
  const names = provisioned.flatMap((it) =>
    text(at(it, 'partition_name')) === partition ? (text(at(it, 'instance_group_name')) ?? []) : [],
  );
  return workers.filter(
    (group) => partitionsOf(group).includes(partition) || names.includes(text(at(group, 'InstanceGroupName')) ?? ''),
  );
}

function partitionsOf(group: MappingNode): readonly string[] {
  const listed = at(group, 'SlurmConfig', 'PartitionNames');
  return listed?.kind === 'sequence' ? listed.items.flatMap((it) => text(it) ?? []) : [];
}

/** What all of these groups say alike; the nodes of a partition are those of all its groups. */
function valuesOf(path: Path, groups: readonly MappingNode[], isOnePartition: boolean): ManifestValues {
  const values = new ValueCollector(path);
  const add = (name: string, node: Node | undefined, key: string): void => {
    const value = text(node);
    if (node && value !== undefined) values.add(name, { value, at: startOf(node) }, key);
  };
  for (const group of groups) {
    add(INSTANCE, at(group, 'InstanceType'), 'InstanceType');
    const spot = at(group, 'CapacityRequirements', 'Spot');
    if (spot) values.add(SPOT, { value: 'true', at: spot.start }, 'CapacityRequirements.Spot');
  }
  // Without a partition it is not known which of several groups the job waits for.
  if (groups.length > 1 && !isOnePartition) return values.result();
  const counts = groups.map((group) => at(group, 'InstanceCount'));
  const [first] = counts;
  const nodes = counts.reduce((sum, count) => sum + Number(text(count) ?? Number.NaN), 0);
  if (first && nodes > 0) values.add(QUEUE_NODES, { value: String(nodes), at: startOf(first) }, 'InstanceCount');
  return values.result();
}

/** Behind the quote of a text. */
function startOf(node: Node): number {
  return node.kind === 'scalar' && /^["']/.test(node.raw) ? node.start + 1 : node.start;
}
