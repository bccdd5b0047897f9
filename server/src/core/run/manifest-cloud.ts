import { isCpuInstance } from '../hardware/cpu-names';
import type { Path } from '../source';
import {
  allFound,
  DISTRIBUTION,
  type Found,
  IMAGE,
  INSTANCE,
  type ManifestValues,
  NODES,
  PROCESSES,
  SPOT,
  ValueCollector,
} from './manifest-values';

/**
 * A cloud's own way to start containers on machines: a SageMaker training job or estimator, a multi-node job of AWS Batch, a task
 * of ECS. JSON, YAML and the arguments of a Python call are alike where a name is followed by a plain value.
 */
export function isCloudJob(text: string): boolean {
  return KINDS.some((kind) => kind.every((mark) => mark.test(text)));
}

const KINDS: readonly (readonly RegExp[])[] = [
  [/\bResourceConfig\b/, /\bInstanceCount\b/],
  [/\bsagemaker\b/, /\binstance_type\b/, /\bentry_point\b/],
  // HyperPod's own command line.
  [/\binstance_type\b/, /\bentry_script\b/],
  [/\bnodeProperties\b/i, /\bnumNodes\b/i],
  [/\bcontainerDefinitions\b/i, /\becs\.instance-type\b/],
];

/** Machine, number and processes of such a job, with its environment. */
export function cloudJobValues(path: Path, text: string): ManifestValues {
  const values = new ValueCollector(path);
  for (const found of allFound(text, MACHINE))
    if (!isCpuInstance(found.value)) values.add(INSTANCE, found, 'InstanceType');
  for (const [pattern, name, key] of FIELDS) for (const found of allFound(text, pattern)) values.add(name, found, key);
  for (const [pattern, key] of INTERRUPTIBLE)
    for (const { at } of allFound(text, pattern)) values.add(SPOT, { value: 'true', at }, key);
  for (const found of text.matchAll(VARIABLE)) {
    const [, name = '', value = ''] = found;
    values.add(name, { value, at: found.index + found[0].lastIndexOf(value) });
  }
  const distribution = distributionOf(path, text);
  if (distribution) values.add(DISTRIBUTION, distribution);
  return values.result();
}

/** `"Name": "value"`, `Name: value` or `name="value"`, with nothing behind it that would make it an expression. */
function field(names: string, value: string): RegExp {
  return new RegExp(
    `["']?\\b(?:${names})\\b["']?[ \\t]*[:=][ \\t]*["']?(${value})["']?[ \\t]*(?=[,}\\])#\\r\\n]|$)`,
    'g',
  );
}

const TYPE = '(?:ml\\.)?[a-z][a-z0-9-]*\\.[a-z0-9-]+';
const MACHINE = new RegExp(
  `(?:["']?\\b(?:[iI]nstanceTypes?|instance_type)\\b["']?[ \\t]*[:=]\\s*(?:\\[\\s*|-[ \\t]*)?["']?|ecs\\.instance-type[ \\t]*==[ \\t]*["']?)(${TYPE})\\b`,
  'g',
);

const FIELDS: readonly (readonly [RegExp, string, string])[] = [
  [field('InstanceCount|instance_count', '\\d{1,5}'), NODES, 'InstanceCount'],
  [field('[nN]umNodes', '\\d{1,5}'), NODES, 'numNodes'],
  [field('nodes', '\\d{1,5}'), NODES, 'nodes'],
  [field('ntasks_per_node', '\\d{1,3}'), PROCESSES, 'ntasks_per_node'],
  [field('[dD]esiredCount', '\\d{1,5}'), NODES, 'desiredCount'],
  // Of Batch and ECS: {"type": "GPU", "value": "8"}, in either order. Runs of blanks are bounded, since they meet each other.
  [
    /["']?\btype["']?[ \t]*:[ \t]*["']?GPU["']?\s{0,99},?\s{0,99}["']?value["']?[ \t]*:[ \t]*["']?(\d{1,3})\b/gi,
    PROCESSES,
    'GPU',
  ],
  [
    /["']?\bvalue["']?[ \t]*:[ \t]*["']?(\d{1,3})["']?\s{0,99},?\s{0,99}["']?type["']?[ \t]*:[ \t]*["']?GPU\b/gi,
    PROCESSES,
    'GPU',
  ],
  [field('[iI]mage|TrainingImage|image_uri', '[\\w./:@-]+'), IMAGE, 'image'],
];

const INTERRUPTIBLE: readonly (readonly [RegExp, string])[] = [
  [field('EnableManagedSpotTraining', 'true'), 'EnableManagedSpotTraining'],
  [field('use_spot_instances', 'True'), 'use_spot_instances'],
];

/** `"NCCL_DEBUG": "INFO"`, and `{"name": "NCCL_DEBUG", "value": "INFO"}`. */
const VARIABLE =
  /["']((?:NCCL|FI)_[A-Z0-9_]+|OMP_NUM_THREADS|PYTORCH_(?:CUDA_)?ALLOC_CONF|CUDA_LAUNCH_BLOCKING)["']\s*(?::|,\s*["']value["']\s*:)\s*["']([^"'\n]*)["']/gi;

/** Of an estimator only: without `distribution` SageMaker starts one process an instance, whatever the machine has. */
function distributionOf(path: Path, text: string): Found | undefined {
  if (!path.endsWith('.py')) return undefined;
  const written = /\bdistribution[ \t]*=/.exec(text);
  if (written) return { value: 'given', at: written.index };
  // A script of one's own starts its processes itself.
  const entry = /\bentry_point[ \t]*=[ \t]*["']([^"'\n]+\.py)["']/.exec(text);
  return entry ? { value: 'none', at: entry.index } : undefined;
}
