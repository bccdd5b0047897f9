import type { Path } from '../source';
import {
  allFound,
  EFA_RESOURCE,
  type Found,
  GANG,
  IMAGE,
  INSTANCE,
  type ManifestValues,
  NODES,
  PROCESSES,
  SHARED_MEMORY,
  SPOT,
  ValueCollector,
} from './manifest-values';

/** How Kubernetes counts the devices of a pod that a process is started for. */
export const GPU_RESOURCES = ['nvidia.com/gpu', 'amd.com/gpu', 'aws.amazon.com/neuroncore'] as const;
/** How it counts whole chips of several NeuronCores (awsdocs-neuron, Kubernetes device plugin; the second name is its old one). */
export const CHIP_RESOURCES = ['aws.amazon.com/neuron', 'aws.amazon.com/neurondevice'] as const;

/** The label by which a pod asks for a kind of machine. */
const INSTANCE_LABEL = 'node.kubernetes.io/instance-type';

/** Labels of machines that may be taken away: Karpenter, EKS node groups, GKE, AKS. */
const SPOT_LABELS: readonly (readonly [label: string, value: string])[] = [
  ['karpenter.sh/capacity-type', 'spot'],
  ['eks.amazonaws.com/capacityType', 'SPOT'],
  ['cloud.google.com/gke-spot', 'true'],
  ['kubernetes.azure.com/scalesetpriority', 'spot'],
];

/** The container runtime's default for pods that mount no memory of their own. */
const DEFAULT_SHARED_MEMORY = '64 MiB';

/** Whether a text is a Kubernetes manifest with containers, or a TrainJob, whose container is in its runtime. */
export function isKubernetes(text: string): boolean {
  return (
    (text.includes('containers:') && /^\s*kind:/m.test(text)) ||
    (text.includes('TrainJob') && /^kind:[ \t]*["']?TrainJob\b/m.test(text))
  );
}

/**
 * Environment, resources and size of the pods, as far as they are the same for all of them. Manifests are often templates of
 * several documents, so they are read by line.
 */
export function kubernetesValues(path: Path, text: string): ManifestValues {
  const values = new ValueCollector(path);
  addVariables(text, values);
  for (const [pattern, name, key] of WANTED) for (const found of allFound(text, pattern)) values.add(name, found, key);
  for (const [pattern, label] of SPOT_PATTERNS)
    for (const { at } of allFound(text, pattern)) values.add(SPOT, { value: 'true', at }, label);
  // The container of a TrainJob is written in its runtime, elsewhere.
  const pods = /^kind:[ \t]*["']?(?:PyTorchJob|MPIJob|Job|Pod|JobSet)\b/m.test(text);
  if (pods && !text.includes(SHARED_MEMORY) && !/^[ \t]*hostIPC:[ \t]*true/m.test(text))
    values.add(SHARED_MEMORY, { value: DEFAULT_SHARED_MEMORY, at: text.indexOf('containers:') });
  for (const [pattern, name, key] of COUNTS)
    for (const found of allFound(text, pattern)) if (TEMPLATED.test(found.value)) values.addOpen(name, found, key);
  const replicas = replicasOf(text);
  if (replicas && 'open' in replicas) values.addOpen(NODES, replicas.open, 'replicas');
  else if (replicas) values.add(NODES, replicas, 'replicas');
  for (const found of otherCounts(text)) values.addOpen(NODES, found, found.key);
  const gang = gangOf(text);
  if (gang) values.add(GANG, gang);
  return values.result();
}

/** `- name: X` with `value: y` below it. */
function addVariables(text: string, values: ValueCollector): void {
  for (const found of text.matchAll(
    /^[ \t]*-[ \t]*name:[ \t]*["']?([A-Z][A-Z0-9_]*)["']?[ \t]*\r?\n[ \t]*value:[ \t]*/gm,
  )) {
    const start = found.index + found[0].length;
    const written = /^(?:"([^"\n]*)"|'([^'\n]*)'|([^\s#]*))/.exec(text.slice(start, start + 500));
    const value = written?.[1] ?? written?.[2] ?? written?.[3] ?? '';
    const isQuoted = written?.[3] === undefined;
    values.add(found[1] ?? '', { value, at: start + (isQuoted ? 1 : 0) });
  }
}

/** `key: value` lines that tell what a pod asks for: the pattern, the name it is kept by, and the key. */
const WANTED: readonly (readonly [RegExp, string, string])[] = [
  ...[EFA_RESOURCE, ...GPU_RESOURCES, ...CHIP_RESOURCES].map((name) => [keyed(name, '\\d{1,4}'), name, name] as const),
  [keyed(INSTANCE_LABEL, '[a-z][\\w.-]+'), INSTANCE, INSTANCE_LABEL],
  // An affinity for one kind of machine.
  [
    /key:[ \t]*["']?node\.kubernetes\.io\/instance-type["']?\s+operator:[ \t]*["']?In["']?\s+values:\s*(?:\[|-)[ \t]*["']?([a-z][\w.-]+)["']?[ \t]*(?:\]|\r?\n(?![ \t]*-[ \t]*["']?[a-z][\w-]*\.))/g,
    INSTANCE,
    INSTANCE_LABEL,
  ],
  // Kubeflow Trainer's TrainJob.
  [keyed('numNodes', '\\d{1,5}'), NODES, 'numNodes'],
  [keyed('numProcPerNode', '\\d{1,3}'), PROCESSES, 'numProcPerNode'],
  [keyed('nprocPerNode', '\\d{1,3}'), PROCESSES, 'nprocPerNode'],
  [keyed('(?:- )?image', '[\\w./:@-]+'), IMAGE, 'image'],
];

/** Keys whose count a template or a variable may fill in. */
const COUNTS: readonly (readonly [RegExp, string, string])[] = [
  [keyed('numNodes', '\\S.*?'), NODES, 'numNodes'],
  [keyed('numProcPerNode', '\\S.*?'), PROCESSES, 'numProcPerNode'],
  [keyed('nprocPerNode', '\\S.*?'), PROCESSES, 'nprocPerNode'],
  ...[...GPU_RESOURCES, ...CHIP_RESOURCES].map((name) => [keyed(name, '\\S.*?'), name, name] as const),
];
/** `{{ .Values.nodes }}`, `${NODES}`, `$(NODES)`, `<nodes>`. */
const TEMPLATED = /\{\{|\$|^<.*>$/;

const SPOT_PATTERNS = SPOT_LABELS.map(([label, value]) => [keyed(label, value), label] as const);

function keyed(key: string, value: string): RegExp {
  return new RegExp(
    `^[ \\t]*["']?${key.replace(/[./]/g, '\\$&')}["']?[ \\t]*:[ \\t]*["']?(${value})["']?[ \\t]*(?:#.*)?\\r?$`,
    'gm',
  );
}

/** Pods of a PyTorchJob or MPIJob that train: all of PyTorch's replicas, and MPI's workers. */
function replicasOf(text: string): Found | { readonly open: Found } | undefined {
  const kind = /^kind:[ \t]*["']?(PyTorchJob|MPIJob)\b/m.exec(text)?.[1];
  if (kind === undefined) return undefined;
  const of = (role: string): { value: number; at: number; open?: Found } | undefined => {
    const start = new RegExp(`^([ \\t]*)${role}:[ \\t]*\\r?\\n`, 'm').exec(text);
    if (!start) return undefined;
    // The entries of this role are deeper than its own key.
    const rest = text.slice(start.index + start[0].length);
    const end = new RegExp(`^[ \\t]{0,${start[1]?.length ?? 0}}[\\w-]+:`, 'm').exec(rest)?.index ?? rest.length;
    const found = /^[ \t]*replicas:[ \t]*(\S[^\r\n]*)/m.exec(rest.slice(0, end));
    if (!found) return { value: 1, at: start.index };
    const written = found[1] ?? '';
    const at = start.index + start[0].length + found.index + found[0].length - written.length;
    const count = /^["']?(\d+)["']?[ \t]*(?:#.*)?$/.exec(written)?.[1];
    return count === undefined ? { value: 0, at, open: { value: written, at } } : { value: Number(count), at };
  };
  const [master, worker] = [kind === 'PyTorchJob' ? of('Master') : undefined, of('Worker')];
  if (!master && !worker) return undefined;
  const open = worker?.open ?? master?.open;
  if (open) return { open };
  const at = worker?.at ?? master?.at ?? 0;
  return { value: String((master?.value ?? 0) + (worker?.value ?? 0)), at };
}

/**
 * Kinds that multiply a pod in ways of their own (several jobs of several pods, Volcano's tasks, workers behind a leader): whatever is
 * above one there may be the nodes of the run, and is not counted here.
 */
function otherCounts(text: string): (Found & { readonly key: string })[] {
  if (!/^kind:[ \t]*["']?(?:Job|JobSet|StatefulSet|LeaderWorkerSet|RayJob|RayCluster)\b/m.test(text)) return [];
  const counts = /^[ \t-]*(replicas|parallelism|completions|size):[ \t]*["']?([^\s"'#][^\s"'#]*)/gm;
  return [...text.matchAll(counts)].flatMap((found) => {
    const [all, key = '', value = ''] = found;
    return value === '1' ? [] : [{ key, value, at: found.index + all.length - value.length }];
  });
}

/** Labels, annotations and schedulers that start all pods of a job together, or none. */
const TOGETHER =
  /kueue\.x-k8s\.io|scheduling\.volcano\.sh|scheduling\.x-k8s\.io\/pod-group|yunikorn\.apache\.org|\bschedulerName:[ \t]*["']?(?:volcano|kai-scheduler|yunikorn|runai|coscheduling|scheduler-plugins)|kind:[ \t]*["']?PodGroup\b|\bminAvailable:|\bpodGroupPolicy:/;

/** Of the kinds of job that start one pod a node by themselves. */
function gangOf(text: string): Found | undefined {
  const together = TOGETHER.exec(text);
  if (together) return { value: together[0], at: together.index };
  // What a template or the shell fills in may be one of them.
  if (/\bschedulerName:[ \t]*["']?(?:\{\{|\$)/.test(text)) return undefined;
  const job = /^kind:[ \t]*["']?(?:PyTorchJob|TrainJob|JobSet)\b/m.exec(text);
  return job ? { value: 'none', at: job.index } : undefined;
}
