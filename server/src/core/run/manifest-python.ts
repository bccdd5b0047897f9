import { type CloudJob, isVariable, type JobValue, jobValue, MACHINE } from './cloud-job';
import { DISTRIBUTION, IMAGE, INSTANCE, NODES, SPOT } from './manifest-values';
import { entriesAt, literalAt, type PythonEntries, type PythonText, type PythonValue, readPython } from './python-text';

/** Estimators of SageMaker's Python SDK 2, the ModelTrainer of its third, and boto3's call. Processors, transformers and endpoints start no training. */
const CALL =
  /\b(\w*Estimator|PyTorch|HuggingFace|TensorFlow|MXNet|Chainer|SKLearn|XGBoost|ModelTrainer|create_training_job)[ \t]*\(/g;

/** The calls of a Python file that start training jobs, by what their own arguments say. */
export function pythonJobs(text: string): CloudJob[] {
  const python = readPython(text);
  const jobs: CloudJob[] = [];
  let inside = 0;
  for (const found of python.code.matchAll(CALL)) {
    const open = found.index + found[0].length - 1;
    if (
      found.index < inside ||
      /\b(?:class|def)[ \t]+$/.test(python.code.slice(Math.max(0, found.index - 20), found.index))
    )
      continue;
    const call = entriesAt(python, open);
    inside = python.closes.get(open) ?? open;
    jobs.push({ values: new Map(call && valuesOf(python, found[1] ?? '', call)) });
  }
  return jobs;
}

function valuesOf(python: PythonText, callee: string, call: PythonEntries): [string, JobValue][] {
  if (callee === 'create_training_job') return requestValues(python, call);
  const { values } = call;
  const size = callee === 'ModelTrainer' ? computeOf(python, values.get('compute')) : call;
  return [
    ...jobValue(INSTANCE, 'InstanceType', literalAt(python, size?.values.get('instance_type')), MACHINE),
    ...jobValue(NODES, 'InstanceCount', literalAt(python, size?.values.get('instance_count')), COUNT),
    ...jobValue(SPOT, 'use_spot_instances', literalAt(python, values.get('use_spot_instances')), /^True$/, 'true'),
    ...jobValue(IMAGE, 'image', literalAt(python, values.get('image_uri') ?? values.get('training_image')), /./),
    ...variables(python, values.get('environment')),
    ...distributionOf(python, callee, call),
  ];
}

const COUNT = /^\d{1,5}$/;

/** Boto3's arguments have the names of SageMaker's own request. */
function requestValues(python: PythonText, { values }: PythonEntries): [string, JobValue][] {
  const resources = dictAt(python, values.get('ResourceConfig'));
  const image = dictAt(python, values.get('AlgorithmSpecification'))?.values.get('TrainingImage');
  const spot = literalAt(python, values.get('EnableManagedSpotTraining'));
  return [
    ...jobValue(INSTANCE, 'InstanceType', literalAt(python, resources?.values.get('InstanceType')), MACHINE),
    ...jobValue(NODES, 'InstanceCount', literalAt(python, resources?.values.get('InstanceCount')), COUNT),
    ...jobValue(SPOT, 'EnableManagedSpotTraining', spot, /^True$/, 'true'),
    ...jobValue(IMAGE, 'image', literalAt(python, image), /./),
    ...variables(python, values.get('Environment')),
  ];
}

/** `Compute(…)` as the argument, or by a name that is given one value in the file. */
function computeOf(python: PythonText, value: PythonValue | undefined): PythonEntries | undefined {
  if (!value) return undefined;
  const written = python.code.slice(value.start, value.end);
  if (!/^\w+$/.test(written)) return computeAt(python, value.start, value.end);
  const given = [...python.code.matchAll(/^[ \t]*(\w+)[ \t]*=(?!=)[ \t]*/gm)].filter(([, name]) => name === written);
  const [only] = given;
  return only && given.length === 1 ? computeAt(python, only.index + only[0].length) : undefined;
}

function computeAt(python: PythonText, start: number, end?: number): PythonEntries | undefined {
  const call = /^(?:\w+\.){0,9}Compute[ \t]*\(/.exec(python.code.slice(start, start + 200));
  const open = start + (call?.[0].length ?? 0) - 1;
  const close = python.closes.get(open);
  // Behind the call the value ends, with its line where no end is given.
  const ends =
    close !== undefined &&
    (end === undefined ? /^[ \t]*(?:\r?\n|$)/.test(python.code.slice(close + 1, close + 200)) : close + 1 === end);
  return call && ends ? entriesAt(python, open) : undefined;
}

/** A dict that is the whole value. */
function dictAt(python: PythonText, value: PythonValue | undefined): PythonEntries | undefined {
  if (!value || python.code[value.start] !== '{' || python.closes.get(value.start) !== value.end - 1) return undefined;
  return entriesAt(python, value.start);
}

function variables(python: PythonText, value: PythonValue | undefined): [string, JobValue][] {
  return [...(dictAt(python, value)?.values ?? [])].flatMap(([name, written]) =>
    isVariable(name) ? jobValue(name, name, literalAt(python, written), /^/) : [],
  );
}

/** Without `distribution` SageMaker starts one process an instance, whatever the machine has; a script of one's own starts its processes itself. */
function distributionOf(python: PythonText, callee: string, { values, open }: PythonEntries): [string, JobValue][] {
  const given = values.get('distribution') ?? values.get('distributed');
  if (given) return [[DISTRIBUTION, { value: 'given', at: given.start, key: DISTRIBUTION }]];
  const entry = literalAt(python, values.get('entry_point'));
  const machine = literalAt(python, values.get('instance_type'))?.value ?? '';
  if (open || callee === 'ModelTrainer' || !entry?.value.endsWith('.py') || machine.startsWith('local')) return [];
  return [[DISTRIBUTION, { value: 'none', at: entry.at, key: DISTRIBUTION }]];
}
