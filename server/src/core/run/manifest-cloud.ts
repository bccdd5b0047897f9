import { isCpuInstance } from '../hardware/cpu-names';
import { basename } from '../paths';
import type { Path } from '../source';
import type { CloudJob } from './cloud-job';
import { unknown } from './known';
import { documentJobs } from './manifest-document';
import { pythonJobs } from './manifest-python';
import { INSTANCE, type ManifestValues, NODES, ValueCollector } from './manifest-values';

/**
 * A cloud's own way to start containers on machines: a SageMaker training job or estimator, a multi-node job of AWS Batch, a task
 * of ECS. JSON, YAML and the arguments of a Python call are alike where a name is followed by a plain value.
 */
export function isCloudJob(text: string): boolean {
  return KINDS.some(({ part, marks }) => text.includes(part) && marks.every((mark) => mark.test(text)));
}

/** A part that stands in few other files, which is sought first: every file beside a config is asked. */
const KINDS: readonly { readonly part: string; readonly marks: readonly RegExp[] }[] = [
  { part: 'ResourceConfig', marks: [/\bResourceConfig\b/, /\bInstanceCount\b/] },
  { part: 'sagemaker', marks: [/\bsagemaker\b/, /\binstance_type\b/, /\bentry_point\b/] },
  // HyperPod's own command line.
  { part: 'entry_script', marks: [/\binstance_type\b/, /\bentry_script\b/] },
  // In whatever case.
  { part: '', marks: [/\bnodeProperties\b/i, /\bnumNodes\b/i] },
  { part: 'ecs.instance-type', marks: [/\bcontainerDefinitions\b/i, /\becs\.instance-type\b/] },
];

/** The jobs of such a file, but those on machines without GPUs, which prepare data. */
export function cloudJobs(path: Path, text: string): readonly CloudJob[] {
  const jobs = path.endsWith('.py') ? pythonJobs(text) : documentJobs(path, text);
  return jobs.filter(({ values }) => !isCpuInstance(values.get(INSTANCE)?.value ?? ''));
}

/**
 * Machine, number and processes of the jobs that name one of these files, else of all jobs: what all of them say alike, in plain
 * words. A value that one of them leaves out or computes is not known.
 */
export function cloudJobValues(
  path: Path,
  text: string,
  jobs: readonly CloudJob[],
  names: readonly string[],
): ManifestValues {
  const named = jobs.filter(
    ({ span }) => !span || names.some((name) => text.slice(span.start, span.end).includes(name)),
  );
  const [first, ...others] = named.length > 0 ? named : jobs;
  const values = new ValueCollector(path);
  for (const [name, found] of first?.values ?? [])
    if (others.every((other) => other.values.get(name)?.value === found.value)) values.add(name, found, found.key);
  const result = values.result();
  if (!first || first.oneNode || result.has(NODES)) return result;
  // It is no single node only because its number is computed.
  const why = `${basename(path)} does not give the number of nodes in plain words`;
  const place = { kind: 'file', path, start: 0, end: 0, key: 'InstanceCount' } as const;
  return new Map([...result, [NODES, unknown(why, result.get(INSTANCE)?.origin ?? place)]]);
}
