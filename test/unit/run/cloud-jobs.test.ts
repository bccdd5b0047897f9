import { describe, expect, it } from 'vitest';
import { analyze } from '../../../server/src/core/analyze';
import { imageContents, isReplaced } from '../../../server/src/core/run/image';
import { loadCatalogs } from '../../../server/src/data/index';
import { memoryWorkspace, ROOT } from '../../memory-workspace';
import { processorMilliseconds } from '../../processor-time';

const DS = '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 3 } }';

function read(files: Readonly<Record<string, string>>, name = 'ds.json') {
  const workspace = memoryWorkspace({ 'ds.json': DS, ...files });
  const file = workspace.source(`${ROOT}/${name}`);
  if (!file) throw new Error('no file');
  const { run } = analyze(file, { workspace, catalogs: loadCatalogs() });
  if (!run) throw new Error('no run');
  const value = <T>(fact: { known: true; value: T } | { known: false } | undefined) =>
    fact?.known ? fact.value : undefined;
  return {
    machine: value(run.cluster)?.instanceId,
    nodes: value(run.nodes),
    gpusPerNode: value(run.gpusPerNode),
    inter: value(run.cluster)?.inter.kind,
    job: Object.fromEntries(Object.entries(run.job ?? {}).map(([key, fact]) => [key, value(fact)])),
    environment: Object.fromEntries(Object.entries(run.environment).map(([key, fact]) => [key, value(fact)])),
    torch: value(run.frameworks.torch),
    transformers: value(run.frameworks.transformers),
    storage: value(run.storage),
    origin: run.cluster.known ? run.cluster.origin : undefined,
  };
}

describe('a SageMaker job', () => {
  const training = `{
  "TrainingJobName": "llama",
  "AlgorithmSpecification": {
    "TrainingImage": "763104351884.dkr.ecr.us-east-1.amazonaws.com/huggingface-pytorch-training:2.5.1-transformers4.49.0-gpu-py311-cu124-ubuntu22.04"
  },
  "ResourceConfig": { "InstanceType": "ml.p4d.24xlarge", "InstanceCount": 4, "VolumeSizeInGB": 500 },
  "HyperParameters": { "deepspeed": "ds.json" },
  "Environment": { "NCCL_DEBUG": "INFO", "FI_PROVIDER": "efa" },
  "EnableManagedSpotTraining": true
}`;

  it('in JSON names machine, number, image, variables and Spot', () => {
    const found = read({ 'job.json': training });
    expect(found).toMatchObject({ machine: 'p4d.24xlarge', nodes: 4, gpusPerNode: 8 });
    expect(found.environment).toEqual({ NCCL_DEBUG: 'INFO', FI_PROVIDER: 'efa' });
    expect(found.job.Spot).toBe('true');
    expect([found.torch, found.transformers]).toEqual(['2.5.1', '4.49.0']);
    const start = training.indexOf('ml.p4d');
    expect(found.origin).toMatchObject({ path: `${ROOT}/job.json`, start, end: start + 15 });
  });

  it('as an estimator is read where its file is called so, with `distribution`', () => {
    const estimator = (more: string) =>
      `import sagemaker\nfrom sagemaker.huggingface import HuggingFace\ncount = 2\nh = HuggingFace(\n  entry_point='train.py',\n  instance_type='ml.p5.48xlarge',\n  instance_count=2,\n  hyperparameters={'deepspeed': 'ds.json'},\n${more})\n`;
    const plain = read({ 'run_sagemaker.py': estimator('') });
    expect(plain).toMatchObject({ machine: 'p5.48xlarge', nodes: 2, gpusPerNode: 8 });
    expect(plain.job.distribution).toBe('none');
    const torchrun = estimator('  distribution={"torch_distributed": {"enabled": True}},\n');
    expect(read({ 'run_sagemaker.py': torchrun }).job.distribution).toBe('given');
    expect(read({ 'train.py': estimator('') }).machine).toBeUndefined();
    expect(
      read({ 'run_sagemaker.py': estimator('').replace("'ml.p5.48xlarge'", 'args.instance') }).machine,
    ).toBeUndefined();
  });

  it("of HyperPod's command line names machine, nodes and processes", () => {
    const job =
      'training_cfg:\n  entry_script: train.py\n  script_args: ["--deepspeed", "ds.json"]\n  run:\n    nodes: 2\n    ntasks_per_node: 8\ncluster:\n  instance_type: ml.p5.48xlarge\n';
    expect(read({ 'job.yaml': job })).toMatchObject({ machine: 'p5.48xlarge', nodes: 2, gpusPerNode: 8 });
  });

  it('of Accelerate names the machine in its own file', () => {
    const accelerate =
      'compute_environment: AMAZON_SAGEMAKER\ndistributed_type: DATA_PARALLEL\nec2_instance_type: ml.p3.16xlarge\niam_role_name: role\nmixed_precision: fp16\nnum_machines: 2\nuse_cpu: false\n';
    expect(read({ 'accelerate.yaml': accelerate }, 'accelerate.yaml')).toMatchObject({
      machine: 'p3.16xlarge',
      nodes: 2,
    });
  });

  it('that names no file of the run is another one', () => {
    expect(read({ 'job.json': training.replace('ds.json', 'other.json') }).machine).toBeUndefined();
  });
});

describe('a multi-node job of AWS Batch', () => {
  const job = `{
  "jobDefinitionName": "train", "type": "multinode",
  "nodeProperties": { "numNodes": 2, "mainNode": 0, "nodeRangeProperties": [ { "targetNodes": "0:", "container": {
    "image": "pytorch/pytorch:2.4.0-cuda12.1-cudnn9-devel",
    "command": ["torchrun", "train.py", "--deepspeed", "ds.json"],
    "instanceType": "p4d.24xlarge",
    "resourceRequirements": [ { "type": "VCPU", "value": "96" }, { "type": "GPU", "value": "8" } ],
    "environment": [ { "name": "NCCL_PROTO", "value": "Simple" } ] } } ] } }`;

  it('names machine, nodes, GPUs and image', () => {
    const found = read({ 'batch.json': job });
    expect(found).toMatchObject({ machine: 'p4d.24xlarge', nodes: 2, gpusPerNode: 8, torch: '2.4.0' });
    expect(found.environment).toEqual({ NCCL_PROTO: 'Simple' });
  });

  it('in CloudFormation reads the same', () => {
    const yaml =
      'Resources:\n  Job:\n    Type: AWS::Batch::JobDefinition\n    Properties:\n      NodeProperties:\n        NumNodes: 4\n        NodeRangeProperties:\n          - TargetNodes: "0:"\n            InstanceTypes:\n              - p5.48xlarge\n            Container:\n              Command: [torchrun, train.py, --deepspeed, ds.json]\n              ResourceRequirements:\n                - Type: GPU\n                  Value: "8"\n';
    expect(read({ 'batch.yaml': yaml })).toMatchObject({ machine: 'p5.48xlarge', nodes: 4, gpusPerNode: 8 });
  });

  it('of ECS gives machine and number', () => {
    const task =
      '{ "family": "train", "containerDefinitions": [ { "command": ["train.py", "ds.json"], "resourceRequirements": [ { "value": "4", "type": "GPU" } ] } ], "placementConstraints": [ { "type": "memberOf", "expression": "attribute:ecs.instance-type == g5.12xlarge" } ] }';
    expect(read({ 'task.json': task })).toMatchObject({ machine: 'g5.12xlarge', gpusPerNode: 4 });
  });
});

describe('a call of an estimator', () => {
  const HEAD = 'import sagemaker\n';
  const call = (args: string, callee = 'HuggingFace') =>
    `est = ${callee}(entry_point='train.py', ${args}, hyperparameters={'deepspeed': 'ds.json'})\n`;
  const P5 = "instance_type='ml.p5.48xlarge', instance_count=2";
  const of = (text: string) => read({ 'run_sagemaker.py': HEAD + text });

  it('has its own machine only, not that of an endpoint or a processor', () => {
    const open = call('instance_type=INSTANCE, instance_count=4');
    for (const other of [
      'est.deploy(initial_instance_count=1, instance_type="ml.g5.2xlarge")\n',
      'ScriptProcessor(image_uri="x", instance_type="ml.g5.2xlarge", instance_count=1)\n',
      'PyTorchModel(entry_point="serve.py").deploy(1, instance_type="ml.g5.2xlarge")\n',
      'est.transformer(instance_count=1, instance_type="ml.g5.2xlarge")\n',
    ]) {
      expect(of(open + other).machine).toBeUndefined();
      expect(of(call(P5) + other)).toMatchObject({ machine: 'p5.48xlarge', nodes: 2 });
    }
  });

  it('is not what comments and other strings say', () => {
    const args = call('instance_type=args.instance_type, instance_count=args.nodes');
    const example = 'instance_type="ml.p4d.24xlarge", instance_count=4';
    for (const said of [
      `"""Launch.\n\nExample: PyTorch(entry_point="train.py", ${example})\n"""\n`,
      `# PyTorch(entry_point="train.py", ${example})\n`,
      `USAGE = 'PyTorch(entry_point="a.py", ${example})'\n`,
      `p.add_argument("--instance_type", default="ml.p4d.24xlarge")\n`,
    ])
      expect(of(said + args)).toMatchObject({ machine: undefined, nodes: undefined });
    const local = of(`${call('instance_type="local_gpu", instance_count=1')}# prod: instance_type="ml.p4d.24xlarge"\n`);
    expect(local.machine).toBeUndefined();
    expect(local.job.distribution).toBeUndefined();
    const older = of(
      `# old: instance_type='ml.p3.2xlarge', instance_count=1,\n${call(`\n  # instance_type='ml.p4d.24xlarge',\n  ${P5}`)}`,
    );
    expect(older).toMatchObject({ machine: 'p5.48xlarge', nodes: 2 });
  });

  it.each([
    ['a choice', '"ml.p4d.24xlarge" if big else "ml.g5.12xlarge"'],
    ['a sum', '"ml.p4d" + ".24xlarge"'],
    ['two strings', '"ml.p4d.24" "xlarge"'],
    ['an f-string', 'f"ml.p4d.{size}"'],
    ['a method', '"ml.p4d.24xlarge".replace("p4d", kind)'],
    ['an alternative', '"ml.p4d.24xlarge" or x'],
  ])('whose machine is %s has none', (_name, value) => {
    expect(of(call(`instance_type=${value}, instance_count=2`)).machine).toBeUndefined();
    expect(of(`cfg = dict(instance_type=${value}, entry_point="train.py", x="ds.json")\n`).machine).toBeUndefined();
  });

  it('with others that differ has what they share; those without GPUs do not count', () => {
    const two = of(call(P5) + call("instance_type='ml.p4d.24xlarge', instance_count=2"));
    expect(two.machine).toBeUndefined();
    expect(of(call(P5) + call('instance_count=2, instance_type=kind')).machine).toBeUndefined();
    expect(of(call(P5) + call(P5)).machine).toBe('p5.48xlarge');
    const data = call("instance_type='ml.m5.xlarge', instance_count=1", 'SKLearn');
    expect(of(data + call(P5))).toMatchObject({ machine: 'p5.48xlarge', nodes: 2 });
  });

  it('whose number is computed is not one node', () => {
    const found = of(call("instance_type='ml.p5.48xlarge', instance_count=args.nodes"));
    expect(found).toMatchObject({ machine: 'p5.48xlarge', nodes: undefined, gpusPerNode: 8 });
  });

  it('that takes more from elsewhere may have a distribution', () => {
    expect(of(call(`${P5}, **common`)).job.distribution).toBeUndefined();
    expect(of(call(`${P5}, environment={'NCCL_DEBUG': 'INFO', 'NCCL_ALGO': algo}`)).environment).toEqual({
      NCCL_DEBUG: 'INFO',
    });
  });

  it('is a ModelTrainer with its Compute, or a request of boto3', () => {
    const trainer = (compute: string) =>
      `ModelTrainer(training_image="x:1", source_code=SourceCode(entry_script="train.py"), compute=${compute}, hyperparameters={"deepspeed": "ds.json"})\n`;
    const compute = 'Compute(instance_type="ml.p5.48xlarge", instance_count=2)';
    const found = { machine: 'p5.48xlarge', nodes: 2 };
    expect(of(trainer(compute))).toMatchObject(found);
    expect(of(`c = ${compute}\n${trainer('c')}`)).toMatchObject(found);
    expect(of(`c = ${compute}\nc = other\n${trainer('c')}`).machine).toBeUndefined();
    expect(of(`c = ${compute} if big else small\n${trainer('c')}`).machine).toBeUndefined();
    const request = (kind: string) =>
      `sm.create_training_job(HyperParameters={"deepspeed": "ds.json"}, ResourceConfig={"InstanceType": ${kind}, "InstanceCount": 2})\n`;
    expect(of(request('"ml.p5.48xlarge"'))).toMatchObject(found);
    expect(of(request('kind')).machine).toBeUndefined();
  });

  it.each([
    ['brackets', `${'PyTorch('.repeat(12_000)}${')'.repeat(12_000)}`],
    ['open brackets', 'PyTorch('.repeat(25_000)],
    ['quotes', '"""\\'.repeat(40_000)],
    ['a word', `${'a'.repeat(200_000)}`],
    ['commas', `PyTorch(${' ,'.repeat(100_000)})`],
    ['blanks', `PyTorch(a =${' '.repeat(200_000)}1)`],
    ['names', 'a = Compute(\n'.repeat(15_000)],
  ])('in a text of many %s takes no longer', (_name, text) => {
    expect(processorMilliseconds(() => of(`# instance_type entry_point ds.json\n${text}`))).toBeLessThan(1500);
  });
});

describe('a file of several jobs', () => {
  const step = (name: string, kind: string, more = '"deepspeed": "ds.json"') =>
    `{ "Name": "${name}", "Arguments": { "ResourceConfig": { "InstanceType": ${kind}, "InstanceCount": 4 }, "HyperParameters": { ${more} } } }`;
  const steps = (...all: string[]) => read({ 'pipeline.json': `{ "Steps": [ ${all.join(', ')} ] }` });
  const OPEN = '{ "Get": "Parameters.Kind" }';

  it('of SageMaker has the machine of the training step', () => {
    const other =
      '{ "Name": "Eval", "Arguments": { "ProcessingResources": { "ClusterConfig": { "InstanceType": "ml.g5.2xlarge", "InstanceCount": 4 } } } }';
    expect(steps(step('a', OPEN), other).machine).toBeUndefined();
    expect(steps(step('a', '"ml.p4d.24xlarge"'), other)).toMatchObject({ machine: 'p4d.24xlarge', nodes: 4 });
    expect(steps(step('a', '"ml.p4d.24xlarge"'), step('b', OPEN)).machine).toBeUndefined();
    expect(steps(step('a', '"ml.p4d.24xlarge"'), step('b', OPEN, '"x": "y.json"')).machine).toBe('p4d.24xlarge');
  });

  it('of SageMaker with several groups has that with GPUs', () => {
    const group = (kind: string, count: number) => `{ "InstanceType": "${kind}", "InstanceCount": ${count} }`;
    const job = (...groups: string[]) =>
      read({ 'job.json': `{ "ResourceConfig": { "InstanceGroups": [ ${groups.join(', ')} ] }, "x": "ds.json" }` });
    const found = job(group('ml.c5.18xlarge', 2), group('ml.p4d.24xlarge', 3));
    expect(found).toMatchObject({ machine: 'p4d.24xlarge', nodes: 3 });
    expect(job(group('ml.g5.12xlarge', 2), group('ml.p4d.24xlarge', 3)).machine).toBeUndefined();
  });

  const ecs = (service: string, constraint = 'attribute:ecs.instance-type == p4d.24xlarge', count = '6') =>
    read({
      'task.yaml': `Resources:
  TrainTask:
    Type: AWS::ECS::TaskDefinition
    Properties:
      Family: train
      ContainerDefinitions:
        - Name: logs
          Image: fluentbit:1
        - Name: train
          Command: [torchrun, --nproc_per_node, "8", train.py, --deepspeed, ds.json]
          ResourceRequirements: [{Type: GPU, Value: "8"}]
      PlacementConstraints: [{Type: memberOf, Expression: "${constraint}"}]
  Api:
    Type: AWS::ECS::Service
    Properties:
      DesiredCount: ${count}
      TaskDefinition: ${service}
  Machines:
    Type: AWS::EC2::LaunchTemplate
    Properties: {LaunchTemplateData: {InstanceType: g5.48xlarge}}
`,
    });

  it('of ECS has the number of its own service', () => {
    expect(ecs('!Ref ApiTask')).toMatchObject({ machine: 'p4d.24xlarge', nodes: 1, gpusPerNode: 8 });
    for (const own of ['!Ref TrainTask', '{Ref: TrainTask}', 'train:3'])
      expect(ecs(own)).toMatchObject({ machine: 'p4d.24xlarge', nodes: 6, gpusPerNode: 8 });
    expect(ecs('!Ref TrainTask', undefined, '!Ref Count')).toMatchObject({ machine: 'p4d.24xlarge', nodes: undefined });
    expect(ecs('!Ref ApiTask', 'ecs.instance-type == p4d.24xlarge or ecs.instance-type == g5.48xlarge').machine).toBe(
      undefined,
    );
  });

  it('of Batch has what is plain in it', () => {
    const job = (kinds: string, count = '4') =>
      read({
        'batch.yaml': `# InstanceTypes: [g5.48xlarge]\nJob:\n  NodeProperties:\n    NumNodes: ${count}\n    NodeRangeProperties:\n      - InstanceTypes: ${kinds}\n        Container:\n          Command: [train.py, ds.json]\n`,
      });
    expect(job('[p5.48xlarge]')).toMatchObject({ machine: 'p5.48xlarge', nodes: 4 });
    for (const open of ['[p5.48xlarge, p4d.24xlarge]', '!If [Big, p5.48xlarge, p4d.24xlarge]', '!Foo [p5.48xlarge]'])
      expect(job(open).machine).toBeUndefined();
    expect(job('[p5.48xlarge]', '!Ref Count').nodes).toBeUndefined();
    expect(job('[p5.48xlarge]\n        InstanceTypes: [p4d.24xlarge]').machine).toBeUndefined();
  });
});

describe('texts that are made to be slow', () => {
  const blanks = ' '.repeat(100_000);
  it.each([
    ['after GPU', `{ "nodeProperties": { "numNodes": 2, "x": "ds.json", "type": "GPU"${blanks}x } }`],
    ['after a value', `{ "nodeProperties": { "numNodes": 2, "x": "ds.json", "value": "8"${blanks}x } }`],
    [
      'after a name',
      `{ "nodeProperties": { "numNodes": 2, "x": "ds.json", "instanceType"${blanks}: "p4d.24xlarge" } }`,
    ],
    [
      'lists',
      `{ "nodeProperties": { "numNodes": 2, "x": "ds.json", "instanceTypes": [${blanks}${'['.repeat(50_000)} } }`,
    ],
    ['variables', `{ "nodeProperties": 1, "numNodes": 2, "x": "ds.json", ${'"NCCL_A"'.repeat(20_000)}${blanks} }`],
  ])('%s take no longer than others', (_name, text) => {
    expect(processorMilliseconds(() => read({ 'batch.json': text }))).toBeLessThan(1500);
  });

  it.each([
    ['a key', `kind: TrainJob\nx: ds.json\nkey: node.kubernetes.io/instance-type${'\n'.repeat(100_000)}z`],
    ['blocks', `kind: TrainJob\nx: ds.json torchrun\n${'- '.repeat(50_000)}|\n`],
    ['an image', `kind: TrainJob\nx: ds.json\nimage: ${'a/'.repeat(60_000)}\n`],
  ])('%s of a manifest too', (_name, text) => {
    expect(processorMilliseconds(() => read({ 'job.yaml': text }))).toBeLessThan(1500);
  });
});

const CLUSTER = (queue: string, more = '') => `Region: us-east-1
HeadNode:
  InstanceType: c5n.9xlarge
Scheduling:
  Scheduler: slurm
  SlurmQueues:
${queue}
${more}`;
const QUEUE = (name: string, machine: string, more = '') => `    - Name: ${name}
      ComputeResources:
        - Name: r1
          Instances:
            - InstanceType: ${machine}
          MaxCount: 4
${more}`;
const SBATCH = (options: string) =>
  `#!/bin/bash\n${options}srun torchrun --nnodes $SLURM_NNODES --nproc_per_node 8 train.py --deepspeed ds.json\n`;

describe('the ParallelCluster file of a Slurm script', () => {
  it('gives the machine of the first queue, or of the partition', () => {
    const cluster = CLUSTER(QUEUE('a', 'p4d.24xlarge') + QUEUE('b', 'p5.48xlarge'));
    const first = read({ 'run.sbatch': SBATCH('#SBATCH --nodes=2\n'), 'cluster.yaml': cluster });
    expect(first).toMatchObject({ machine: 'p4d.24xlarge', nodes: 2, gpusPerNode: 8 });
    expect(first.job).toMatchObject({ MaxCount: '4', 'PlacementGroup.Enabled': 'false' });
    const second = read({ 'run.sbatch': SBATCH('#SBATCH -N 2 -p b\n'), 'cluster.yaml': cluster });
    expect(second.machine).toBe('p5.48xlarge');
    const other = read({ 'run.sbatch': SBATCH('#SBATCH -N 2\n#SBATCH --partition=c\n'), 'cluster.yaml': cluster });
    expect(other.machine).toBeUndefined();
  });

  it('says whether nodes have EFA, which decides the path', () => {
    const files = (efa: string) => ({
      'run.sbatch': SBATCH('#SBATCH --nodes=2\n'),
      'cluster.yaml': CLUSTER(QUEUE('a', 'p4d.24xlarge', efa)),
    });
    expect(read(files('          Efa:\n            Enabled: true\n'))).toMatchObject({ inter: 'efa-gdr' });
    expect(read(files(''))).toMatchObject({ inter: 'tcp', environment: { 'Efa.Enabled': 'false' } });
  });

  it('is read for batch scripts only, as the only one of its folder, and not where a template decides', () => {
    const cluster = CLUSTER(QUEUE('a', 'p4d.24xlarge'));
    const line = 'torchrun --nproc_per_node 8 train.py --deepspeed ds.json\n';
    expect(read({ 'run.sh': line, 'cluster.yaml': cluster }).machine).toBeUndefined();
    const script = SBATCH('#SBATCH --nodes=2\n');
    expect(read({ 'run.sbatch': script, 'a.yaml': cluster, 'b.yaml': cluster }).machine).toBeUndefined();
    const template = CLUSTER(QUEUE('a', '{{ instance }}'));
    expect(read({ 'run.sbatch': script, 'cluster.yaml': template }).machine).toBeUndefined();
  });

  it('of several kinds of machine names none, and of Spot and reserved capacity says so', () => {
    const mixed = QUEUE('a', 'p4d.24xlarge', '        - Name: r2\n          InstanceType: p4de.24xlarge\n');
    const script = SBATCH('#SBATCH --nodes=2\n');
    const found = read({ 'run.sbatch': script, 'cluster.yaml': CLUSTER(mixed) });
    expect(found.machine).toBeUndefined();
    expect(found.job.MaxCount).toBe('14');
    const spot = QUEUE('a', 'p4d.24xlarge', '      CapacityType: SPOT\n');
    expect(read({ 'run.sbatch': script, 'cluster.yaml': CLUSTER(spot) }).job.Spot).toBe('true');
    const reserved = QUEUE('a', 'p5.48xlarge', '      CapacityType: CAPACITY_BLOCK\n');
    expect(read({ 'run.sbatch': script, 'cluster.yaml': CLUSTER(reserved) }).job).toEqual({ MaxCount: '4' });
  });
});

describe('the HyperPod cluster of a Slurm script', () => {
  const group = (name: string, type: string, count: number, more = '') =>
    `{ "InstanceGroupName": "${name}", "InstanceType": "${type}", "InstanceCount": ${count}${more} }`;
  const created = (...groups: readonly string[]) =>
    `{ "ClusterName": "ml", "InstanceGroups": [ ${[group('controller-machine', 'ml.c5.xlarge', 1), ...groups].join(', ')} ], "VpcConfig": {} }`;
  const provisioned = (...pairs: readonly (readonly [string, string])[]) =>
    `{ "version": "1.0.0", "workload_manager": "slurm", "controller_group": "controller-machine", "worker_groups": [ ${pairs
      .map(([name, partition]) => `{ "instance_group_name": "${name}", "partition_name": "${partition}" }`)
      .join(', ')} ] }`;
  const on = (options: string, files: Readonly<Record<string, string>>) =>
    read({ 'run.sbatch': SBATCH(options), ...files });
  const two = created(group('a100s', 'ml.p4d.24xlarge', 4), group('h100s', 'ml.p5.48xlarge', 2));

  it('gives the machine of its only group with GPUs, and how many there are', () => {
    const found = on('#SBATCH --nodes=2\n', { 'cluster-config.json': created(group('w', 'ml.p5.48xlarge', 4)) });
    expect(found).toMatchObject({ machine: 'p5.48xlarge', nodes: 2, gpusPerNode: 8 });
    expect(found.job).toEqual({ MaxCount: '4' });
  });

  it('goes by the partition, as provisioning_parameters.json or the group itself names it', () => {
    const files = {
      'create-cluster.json': two,
      'provisioning_parameters.json': provisioned(['a100s', 'dev'], ['h100s', 'big']),
    };
    expect(on('#SBATCH -N 2 -p big\n', files)).toMatchObject({ machine: 'p5.48xlarge', job: { MaxCount: '2' } });
    expect(on('#SBATCH -N 2 -p dev\n', files)).toMatchObject({ machine: 'p4d.24xlarge', job: { MaxCount: '4' } });
    expect(on('#SBATCH -N 2 -p other\n', files).machine).toBeUndefined();
    const slurm = (name: string) => `, "SlurmConfig": { "NodeType": "Compute", "PartitionNames": ["${name}"] }`;
    const own = created(group('a', 'ml.p4d.24xlarge', 1, slurm('x')), group('b', 'ml.p5.48xlarge', 1, slurm('y')));
    expect(on('#SBATCH -N 1 -p y\n', { 'cluster.json': own }).machine).toBe('p5.48xlarge');
  });

  it('names no machine where several may be meant, or a template decides', () => {
    expect(on('#SBATCH --nodes=2\n', { 'cluster.json': two })).toMatchObject({ machine: undefined, job: {} });
    const template = created(group('w', '{{ instance }}', 4));
    expect(on('#SBATCH --nodes=2\n', { 'cluster.json': template }).machine).toBeUndefined();
    const only = created(group('w', 'ml.p5.48xlarge', 4));
    expect(on('#SBATCH --nodes=2\n', { 'a.json': only, 'b.json': only }).machine).toBeUndefined();
    const line = 'torchrun --nproc_per_node 8 train.py --deepspeed ds.json\n';
    expect(read({ 'run.sh': line, 'cluster.json': only }).machine).toBeUndefined();
  });

  it('is read in a template of CloudFormation, with its Spot capacity', () => {
    const properties = created(group('w', 'ml.g6e.48xlarge', 2, ', "CapacityRequirements": { "Spot": {} }'));
    const template = `{ "Resources": { "Cluster": { "Type": "AWS::SageMaker::Cluster", "Properties": ${properties} } } }`;
    expect(on('#SBATCH -N 2\n', { 'stack.json': template })).toMatchObject({
      machine: 'g6e.48xlarge',
      job: { MaxCount: '2', Spot: 'true' },
    });
  });
});

describe('where checkpoints go', () => {
  const train = (folder: string) =>
    `output_dir: ${folder}\nper_device_train_batch_size: 1\nlearning_rate: 2.0e-5\nlogging_steps: 10\nnum_train_epochs: 1\n`;
  const on = (folder: string, shared = '') =>
    read(
      {
        'train.yaml': train(folder),
        'run.sbatch': '#SBATCH -N 2\nsrun torchrun train.py --config train.yaml\n',
        ...(shared && { 'cluster.yaml': CLUSTER(QUEUE('a', 'p4d.24xlarge'), shared) }),
      },
      'train.yaml',
    ).storage;

  it('is told by the path', () => {
    expect(
      ['/fsx/run', '/mnt/efs/run', 's3://b/run', '/opt/ml/model', '/dev/shm/x', '/opt/dlami/nvme/x'].map(
        (it) => on(it)?.kind,
      ),
    ).toEqual(['fsx', 'efs', 's3', 'sagemaker', 'memory', 'instance-store']);
    expect(['out', '/data/run', '/fsxx/run', '$OUT', '/nvmefs/x'].map((it) => on(it))).toEqual(
      Array(5).fill(undefined),
    );
  });

  it('is told by ParallelCluster, with the throughput it provisions', () => {
    const lustre = (more: string) =>
      `SharedStorage:\n  - MountDir: /shared\n    Name: s\n    StorageType: FsxLustre\n    FsxLustreSettings:\n      StorageCapacity: 4800\n${more}`;
    const persistent = lustre('      DeploymentType: PERSISTENT_2\n      PerUnitStorageThroughput: 250\n');
    expect(on('/shared/run', persistent)).toMatchObject({
      kind: 'lustre',
      provisioned: { bytesPerSecond: 4.6875 * 250e6 },
    });
    expect(on('/shared/run', lustre('      DeploymentType: PERSISTENT_2\n'))?.provisioned).toBeUndefined();
    expect(on('/shared/run', lustre(''))?.provisioned?.bytesPerSecond).toBe(4.6875 * 200e6);
    expect(on('/sharedrun', lustre(''))).toBeUndefined();
    expect(on('/scratch/run', lustre(''))).toMatchObject({ kind: 'instance-store' });
    const volume =
      'SharedStorage:\n  - MountDir: /v\n    Name: s\n    StorageType: Ebs\n    EbsSettings:\n      VolumeType: gp3\n';
    expect(on('/v/run', volume)?.provisioned?.bytesPerSecond).toBe(125 * 2 ** 20);
  });
});

describe('the tag of an image', () => {
  it.each([
    [
      'public.ecr.aws/deep-learning-containers/pytorch-training:2.8.0-gpu-py312-cu129-ubuntu22.04-ec2-v1.0',
      '2.8.0',
      '12.9',
    ],
    ['pytorch/pytorch:2.4.0-cuda12.1-cudnn9-runtime', '2.4.0', '12.1'],
    [
      '763104351884.dkr.ecr.us-west-2.amazonaws.com/huggingface-pytorch-training:2.9.0-transformers5.3.0-gpu-py312-cu130-ubuntu22.04',
      '2.9.0',
      '13.0',
    ],
    ['x/pytorch-training-neuronx:2.1.2-neuronx-py310-sdk2.20.0-ubuntu20.04', '2.1.2', undefined],
  ])('%s', (image, torch, cuda) => {
    expect(imageContents(image)).toMatchObject({ releases: { torch }, cuda });
  });

  it('of other images says nothing, nor one behind which pip brings its own', () => {
    expect(imageContents('nvcr.io/nvidia/pytorch:24.01-py3')).toBeUndefined();
    expect(imageContents('pytorch-training:latest')).toBeUndefined();
    expect(imageContents('a/pytorch-training-arm64:2.8.0-gpu-py312-cu129-ubuntu22.04-ec2')?.arch).toBe('arm64');
    expect(imageContents('pytorch/pytorch:2.4.0-cuda12.1-cudnn9-devel')?.arch).toBeUndefined();
    expect(isReplaced('torch', 'pip install -r requirements.txt')).toBe(false);
    expect(isReplaced('torch', 'RUN pip install vllm')).toBe(true);
    expect(isReplaced('transformers', 'pip install trl')).toBe(true);
  });

  it('of a Dockerfile is taken where nothing else names a release', () => {
    const from = 'FROM pytorch/pytorch:2.4.0-cuda12.1-cudnn9-devel\n';
    expect(read({ Dockerfile: from }).torch).toBe('2.4.0');
    expect(read({ Dockerfile: `${from}RUN pip install torch==2.6.0\n` }).torch).toBe('2.6.0');
    expect(read({ Dockerfile: `${from}FROM pytorch/pytorch:2.5.0-cuda12.1-cudnn9-devel\n` }).torch).toBeUndefined();
    expect(read({ Dockerfile: from, 'requirements.txt': 'torch==2.7.1\n' }).torch).toBe('2.7.1');
  });
});
