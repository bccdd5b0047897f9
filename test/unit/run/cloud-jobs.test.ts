import { describe, expect, it } from 'vitest';
import { analyze } from '../../../server/src/core/analyze';
import { imageContents, isReplaced } from '../../../server/src/core/run/image';
import { loadCatalogs } from '../../../server/src/data/index';
import { memoryWorkspace, ROOT } from '../../memory-workspace';

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
    const start = performance.now();
    read({ 'batch.json': text });
    expect(performance.now() - start).toBeLessThan(1500);
  });

  it.each([
    ['a key', `kind: TrainJob\nx: ds.json\nkey: node.kubernetes.io/instance-type${'\n'.repeat(100_000)}z`],
    ['blocks', `kind: TrainJob\nx: ds.json torchrun\n${'- '.repeat(50_000)}|\n`],
    ['an image', `kind: TrainJob\nx: ds.json\nimage: ${'a/'.repeat(60_000)}\n`],
  ])('%s of a manifest too', (_name, text) => {
    const start = performance.now();
    read({ 'job.yaml': text });
    expect(performance.now() - start).toBeLessThan(1500);
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
  `#!/bin/bash\n${options}srun torchrun --nproc_per_node 8 train.py --deepspeed ds.json\n`;

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
