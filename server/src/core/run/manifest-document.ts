import { isCpuInstance } from '../hardware/cpu-names';
import type { Path } from '../source';
import type { MappingNode, Node } from '../syntax/node';
import { parseSource } from '../syntax/parse';
import { type CloudJob, isVariable, type JobValue, jobValue, MACHINE } from './cloud-job';
import { type Found, IMAGE, INSTANCE, NODES, PROCESSES, SPOT } from './manifest-values';
import { items } from './slurm-cluster';

/**
 * The training jobs of a JSON or YAML file: SageMaker's, multi-node jobs of AWS Batch, tasks of ECS, and HyperPod's command line. Each
 * is one object, and what stands elsewhere in the file belongs to others. A text of several documents, or with a bracket open, tells
 * nothing.
 */
export function documentJobs(path: Path, text: string): CloudJob[] {
  if (hasSeveral(text)) return [];
  const { root, problems } = parseSource(path, text).tree;
  if (!root || problems.some(({ kind, spreads }) => kind === 'limit' || spreads)) return [];
  const mappings = mappingsIn(root);
  const services = mappings.filter(({ node }) => either(node, 'desiredCount'));
  const file: Document = { text, services };
  return [...mappings.flatMap((named) => jobsOf(file, named)), ...hyperPod(file, root)];
}

/** Whether a second document follows the first. */
function hasSeveral(text: string): boolean {
  const start = text.search(/^[^\s#-]/m);
  return start >= 0 && /^---[ \t]*\r?$/m.test(text.slice(start).trimEnd());
}

interface Document {
  readonly text: string;
  readonly services: readonly Named[];
}

/** A mapping with the key it stands under: that of the resource for its `Properties`. */
interface Named {
  readonly name: string;
  readonly node: MappingNode;
}

function mappingsIn(root: Node): Named[] {
  const found: Named[] = [];
  const open: { name: string; node: Node }[] = [{ name: '', node: root }];
  for (let next = open.pop(); next; next = open.pop()) {
    const { name, node } = next;
    if (node.kind === 'sequence') for (const item of node.items) open.push({ name: '', node: item });
    if (node.kind !== 'mapping') continue;
    found.push({ name, node });
    for (const { key, value } of node.entries)
      if (value) open.push({ name: key === 'Properties' ? name : key, node: value });
  }
  return found;
}

function jobsOf(file: Document, named: Named): CloudJob[] {
  const { node } = named;
  const span = { start: node.start, end: node.end };
  const of = (values: readonly [string, JobValue][]): CloudJob => ({ values: new Map(values), span });
  const batch = either(node, 'nodeProperties');
  return [
    ...(has(node, 'ResourceConfig') ? [of(trainingJob(file, node))] : []),
    // The nodes of each range are machines of one job: what they agree on is the job's.
    ...items(either(batch, 'nodeRangeProperties')).map((range) => of(batchNodes(file, batch, range))),
    ...(has(node, 'containerDefinitions') || has(node, 'ContainerDefinitions')
      ? [{ ...of(ecsTask(file, named)), oneNode: servicesOf(file, named).length === 0 }]
      : []),
  ];
}

/** CreateTrainingJob, as such, as a step of a pipeline or of a tuning job. */
function trainingJob(file: Document, job: MappingNode): [string, JobValue][] {
  const resources = trainingGroup(file, child(job, 'ResourceConfig'));
  return [
    ...jobValue(INSTANCE, 'InstanceType', plain(file, resources, 'InstanceType'), MACHINE),
    ...jobValue(NODES, 'InstanceCount', plain(file, resources, 'InstanceCount'), COUNT),
    ...jobValue(IMAGE, 'image', plain(file, child(job, 'AlgorithmSpecification'), 'TrainingImage'), /./),
    ...jobValue(SPOT, 'EnableManagedSpotTraining', plain(file, job, 'EnableManagedSpotTraining'), /^true$/),
    ...variablesByName(file, child(job, 'Environment')),
  ];
}

/** Of a job with several kinds of machine the only group with GPUs. */
function trainingGroup(file: Document, resources: Node | undefined): Node | undefined {
  const groups = items(child(resources, 'InstanceGroups'));
  const training = groups.filter((it) => !isCpuInstance(plain(file, it, 'InstanceType')?.value ?? ''));
  return groups.length === 0 ? resources : training.length === 1 ? training[0] : undefined;
}

const COUNT = /^\d{1,5}$/;

function batchNodes(file: Document, batch: Node | undefined, range: MappingNode): [string, JobValue][] {
  const ecs = items(either(either(range, 'ecsProperties'), 'taskProperties'))[0];
  const several =
    either(ecs, 'containers') ?? either(either(either(range, 'eksProperties'), 'podProperties'), 'containers');
  const own = either(range, 'container');
  const container = own?.kind === 'mapping' ? own : trainingContainer(several);
  const kinds = either(range, 'instanceTypes');
  const kind = kinds?.kind === 'sequence' && kinds.items.length === 1 ? kinds.items[0] : undefined;
  const listed = kinds && !isTagged(file, kinds) ? plainNode(file, kind) : undefined;
  return [
    ...jobValue(INSTANCE, 'InstanceType', kinds ? listed : eitherPlain(file, container, 'instanceType'), MACHINE),
    ...jobValue(NODES, 'numNodes', eitherPlain(file, batch, 'numNodes'), COUNT),
    ...containerValues(file, container),
  ];
}

function ecsTask(file: Document, named: Named): [string, JobValue][] {
  const { node } = named;
  const services = servicesOf(file, named);
  const count = services.length === 1 ? eitherPlain(file, services[0]?.node, 'desiredCount') : undefined;
  const constraints = items(either(node, 'placementConstraints')).map((it) => eitherPlain(file, it, 'expression'));
  const asked = constraints.flatMap((found) => {
    const machine = /^(?:attribute:)?ecs\.instance-type[ \t]*==[ \t]*([\w.-]+)$/.exec(found?.value.trim() ?? '')?.[1];
    return found && machine ? [{ value: machine, at: file.text.indexOf(machine, found.at) }] : [];
  });
  return [
    ...jobValue(INSTANCE, 'ecs.instance-type', asked.length === 1 ? asked[0] : undefined, MACHINE),
    ...jobValue(NODES, 'desiredCount', count, COUNT),
    ...containerValues(file, trainingContainer(either(node, 'containerDefinitions'))),
  ];
}

/** The services that name this task definition, by its family or by the resource it is. */
function servicesOf(file: Document, { name: resource, node: task }: Named): Named[] {
  const family = eitherPlain(file, task, 'family')?.value;
  return file.services.filter(({ node }) => {
    const given = either(node, 'taskDefinition');
    const named = given?.kind === 'mapping' ? child(given, 'Ref') : given;
    const wanted = named?.kind === 'scalar' && !named.templated ? String(named.scalar.value) : undefined;
    if (wanted === undefined || wanted === '') return false;
    return wanted === resource || (family !== undefined && (wanted === family || wanted.startsWith(`${family}:`)));
  });
}

/** The only container of a task, or the only one with GPUs. */
function trainingContainer(containers: Node | undefined): MappingNode | undefined {
  const all = items(containers);
  const withGpus = all.filter((it) => gpuRequirements(it).length > 0);
  return all.length === 1 ? all[0] : withGpus.length === 1 ? withGpus[0] : undefined;
}

function gpuRequirements(container: Node | undefined): MappingNode[] {
  return items(either(container, 'resourceRequirements')).filter((it) => {
    const type = either(it, 'type');
    return type?.kind === 'scalar' && type.scalar.value === 'GPU';
  });
}

function containerValues(file: Document, container: MappingNode | undefined): [string, JobValue][] {
  const gpus = gpuRequirements(container);
  const variables = items(either(container, 'environment')).flatMap((it) => {
    const name = eitherPlain(file, it, 'name')?.value ?? '';
    return isVariable(name) ? jobValue(name, name, eitherPlain(file, it, 'value'), /^/) : [];
  });
  return [
    ...jobValue(PROCESSES, 'GPU', gpus.length === 1 ? eitherPlain(file, gpus[0], 'value') : undefined, /^\d{1,3}$/),
    ...jobValue(IMAGE, 'image', eitherPlain(file, container, 'image'), /./),
    ...variables,
  ];
}

/** `training_cfg.run` and `cluster` of the HyperPod command line's file. */
function hyperPod(file: Document, root: Node): CloudJob[] {
  const training = child(root, 'training_cfg');
  if (!child(training, 'entry_script')) return [];
  const run = child(training, 'run');
  const values = [
    ...jobValue(INSTANCE, 'InstanceType', plain(file, child(root, 'cluster'), 'instance_type'), MACHINE),
    ...jobValue(NODES, 'nodes', plain(file, run, 'nodes'), COUNT),
    ...jobValue(PROCESSES, 'ntasks_per_node', plain(file, run, 'ntasks_per_node'), /^\d{1,3}$/),
    ...variablesByName(file, child(root, 'env_vars')),
  ];
  return [{ values: new Map(values) }];
}

function variablesByName(file: Document, node: Node | undefined): [string, JobValue][] {
  const names = node?.kind === 'mapping' ? node.entries.map(({ key }) => key).filter(isVariable) : [];
  return names.flatMap((name) => jobValue(name, name, plain(file, node, name), /^/));
}

function has(node: MappingNode, key: string): boolean {
  return node.entries.some((entry) => entry.key === key);
}

/** The value of a key. One that is written twice, as in two branches of a template, may be either. */
function child(node: Node | undefined, key: string): Node | undefined {
  const entries = node?.kind === 'mapping' ? node.entries.filter((entry) => entry.key === key) : [];
  return entries.length === 1 ? entries[0]?.value : undefined;
}

/** The value of a key, or of the key with a capital, as CloudFormation writes it. */
function either(node: Node | undefined, key: string): Node | undefined {
  return child(node, key) ?? child(node, capital(key));
}

function eitherPlain(file: Document, node: Node | undefined, key: string): Found | undefined {
  return plain(file, node, key) ?? plain(file, node, capital(key));
}

function capital(key: string): string {
  return key.slice(0, 1).toUpperCase() + key.slice(1);
}

function plain(file: Document, node: Node | undefined, key: string): Found | undefined {
  return plainNode(file, child(node, key));
}

/** A scalar that nothing fills in: no template, no function of CloudFormation. */
function plainNode(file: Document, node: Node | undefined): Found | undefined {
  if (node?.kind !== 'scalar' || node.templated || node.scalar.value === null || isTagged(file, node)) return undefined;
  const value = String(node.scalar.value);
  const inside = node.raw.indexOf(value);
  return inside < 0 ? undefined : { value, at: node.start + inside };
}

/** `!Ref x`, `!Select [0, …]`: the tag stands before the value on its line. */
function isTagged({ text }: Document, { start }: Node): boolean {
  return /(?:^|[\s:[{,-])![\w.:-]*[ \t]*(?:\r?\n[ \t]*)?$/.test(text.slice(Math.max(0, start - 80), start));
}
