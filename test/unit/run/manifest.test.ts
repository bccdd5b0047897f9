import { describe, expect, it } from 'vitest';
import { analyze } from '../../../server/src/core/analyze';
import { shellOf } from '../../../server/src/core/run/manifest-commands';
import { loadCatalogs } from '../../../server/src/data/index';
import { memoryWorkspace, ROOT } from '../../memory-workspace';

const DS = '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 3 } }';

function placed(files: Readonly<Record<string, string>>) {
  const workspace = memoryWorkspace({
    'ds.json': DS,
    'run.sh': 'torchrun train.py --deepspeed ds.json --output_dir out --per_device_train_batch_size 1\n',
    ...files,
  });
  const file = workspace.source(`${ROOT}/ds.json`);
  if (!file) throw new Error('no file');
  const { run } = analyze(file, { workspace, catalogs: loadCatalogs() });
  const value = <T>(fact: { known: true; value: T } | { known: false } | undefined) =>
    fact?.known ? fact.value : undefined;
  return {
    machine: value(run?.cluster)?.instanceId,
    nodes: value(run?.nodes),
    gpusPerNode: value(run?.gpusPerNode),
    worldSize: value(run?.worldSize),
    origin: run?.cluster.known ? run.cluster.origin : undefined,
    job: Object.fromEntries(Object.entries(run?.job ?? {}).map(([name, fact]) => [name, value(fact)])),
    torch: value(run?.frameworks.torch),
  };
}

const TRAIN_JOB = `apiVersion: trainer.kubeflow.org/v1alpha1
kind: TrainJob
spec:
  podTemplateOverrides:
    - spec:
        nodeSelector:
          node.kubernetes.io/instance-type: p4d.24xlarge # eight A100
        containers:
          - name: node
  trainer:
    numNodes: 2
    numProcPerNode: 8
    command: ["bash", "run.sh"]
    resourcesPerNode:
      limits:
        nvidia.com/gpu: "8"
        vpc.amazonaws.com/efa: 4
`;

const PYTORCH_JOB = (workers: string, master = '') => `apiVersion: "kubeflow.org/v1"
kind: PyTorchJob
spec:
  pytorchReplicaSpecs:
${master}    Worker:
      replicas: ${workers}
      template:
        spec:
          nodeSelector:
            node.kubernetes.io/instance-type: "g6e.48xlarge"
          containers:
            - name: pytorch
              command: ["bash", "run.sh"]
              resources:
                requests:
                  nvidia.com/gpu: 8
                limits:
                  nvidia.com/gpu: 8
`;

describe('pods with NeuronCores', () => {
  const on = (resource: string, more: Readonly<Record<string, string>> = {}) =>
    placed({
      'job.yaml': TRAIN_JOB.replace('p4d.24xlarge', 'trn2.48xlarge')
        .replace('numProcPerNode: 8', '')
        .replace('nvidia.com/gpu: "8"', resource),
      ...more,
    });

  it('start a process for each core of the chips that they ask for', () => {
    expect(on('aws.amazon.com/neuron: 16')).toMatchObject({ gpusPerNode: 64, worldSize: 128 });
    expect(on('aws.amazon.com/neuron: 4')).toMatchObject({ gpusPerNode: 16, worldSize: 32 });
    expect(on('aws.amazon.com/neuroncore: 8')).toMatchObject({ gpusPerNode: 8, worldSize: 16 });
    expect(on('aws.amazon.com/neuron: {{ .Values.chips }}')).toMatchObject({ gpusPerNode: undefined });
  });

  it.each(['NEURON_LOGICAL_NC_CONFIG', 'NEURON_RT_VIRTUAL_CORE_SIZE'])(
    'have twice as many where each physical core is one by %s',
    (name) => {
      const script = `export ${name}=1\ntorchrun train.py --deepspeed ds.json --output_dir out --per_device_train_batch_size 1\n`;
      expect(on('aws.amazon.com/neuron: 16', { 'run.sh': script })).toMatchObject({ gpusPerNode: 128 });
    },
  );
});

describe('counts of a manifest that nobody can read', () => {
  it.each([
    ['a template', TRAIN_JOB.replace('numNodes: 2', 'numNodes: {{ .Values.nodes }}')],
    ['a template in quotes', TRAIN_JOB.replace('numNodes: 2', 'numNodes: "{{ .Values.nodes }}"')],
    ['a variable', TRAIN_JOB.replace('numNodes: 2', `numNodes: \${NODES}`)],
    ['replicas of a template', PYTORCH_JOB('{{ .Values.workers }}')],
    ['replicas of a variable', PYTORCH_JOB(`\${WORKERS} # set by envsubst`)],
    ['pods of a job', PYTORCH_JOB('1').replace('PyTorchJob', 'Job').replace('replicas: 1', 'parallelism: 4')],
    [
      'workers behind a leader',
      PYTORCH_JOB('1').replace('PyTorchJob', 'LeaderWorkerSet').replace('replicas', 'size: 4\n      x'),
    ],
  ])('are not one node: %s', (_, manifest) => {
    const { nodes, worldSize, gpusPerNode } = placed({ 'job.yaml': manifest });
    expect([nodes, worldSize, gpusPerNode]).toEqual([undefined, undefined, 8]);
  });

  it('are not all GPUs of the machine', () => {
    const manifest = TRAIN_JOB.replace('numProcPerNode: 8', '').replace('"8"', '{{ .Values.gpus }}');
    expect(placed({ 'job.yaml': manifest })).toMatchObject({ nodes: 2, gpusPerNode: undefined, worldSize: undefined });
  });

  it('give way to a launch line that counts', () => {
    const manifest = TRAIN_JOB.replace('numNodes: 2', 'numNodes: {{ .Values.nodes }}');
    const line = 'torchrun --nnodes 4 --nproc_per_node 8 train.py --deepspeed ds.json --output_dir out\n';
    expect(placed({ 'job.yaml': manifest, 'run.sh': line })).toMatchObject({ nodes: 4, worldSize: 32 });
  });

  it('are read where they stand beside a comment or in quotes', () => {
    expect(placed({ 'job.yaml': PYTORCH_JOB('"3" # three') })).toMatchObject({ nodes: 3 });
  });
});

describe('the Kubernetes manifest that starts a run', () => {
  it('of a TrainJob names machine, nodes and processes, with their place', () => {
    const found = placed({ 'job.yaml': TRAIN_JOB });
    expect(found).toMatchObject({ machine: 'p4d.24xlarge', nodes: 2, gpusPerNode: 8, worldSize: 16 });
    const start = TRAIN_JOB.indexOf('p4d.24xlarge');
    expect(found.origin).toMatchObject({ kind: 'file', path: `${ROOT}/job.yaml`, start, end: start + 12 });
  });

  it('of a PyTorchJob counts master and workers', () => {
    expect(placed({ 'job.yaml': PYTORCH_JOB('3') })).toMatchObject({
      machine: 'g6e.48xlarge',
      nodes: 3,
      worldSize: 24,
    });
    const master = '    Master:\n      replicas: 1\n';
    expect(placed({ 'job.yaml': PYTORCH_JOB('3', master) })).toMatchObject({ nodes: 4, worldSize: 32 });
  });

  it('of an MPIJob counts workers, not the launcher', () => {
    const text = PYTORCH_JOB('2', '    Launcher:\n      replicas: 1\n').replace('PyTorchJob', 'MPIJob');
    expect(placed({ 'job.yaml': text })).toMatchObject({ nodes: 2, gpusPerNode: 8 });
  });

  it('says nothing in a template, and a target and the launch line rank above it', () => {
    const template = TRAIN_JOB.replace('p4d.24xlarge #', '$INSTANCE_TYPE #')
      .replace('numNodes: 2', 'numNodes: $NODES')
      .replace('"8"', '"$GPUS"')
      .replace('numProcPerNode: 8', 'numProcPerNode: auto');
    expect(placed({ 'job.yaml': template })).toMatchObject({ machine: undefined, gpusPerNode: undefined });
    expect(placed({ 'job.yaml': PYTORCH_JOB('$NUM_NODES') }).nodes).not.toBe(0);
    const settings = '{ "targets": { "t": { "hardware": "p5.48xlarge", "nodes": 4 } } }';
    expect(placed({ 'job.yaml': TRAIN_JOB, 'shardlens.json': settings })).toMatchObject({
      machine: 'p5.48xlarge',
      nodes: 4,
    });
    const line = 'torchrun --nnodes 4 --nproc_per_node 4 train.py --deepspeed ds.json --output_dir out --seed 1\n';
    expect(placed({ 'job.yaml': TRAIN_JOB, 'run.sh': line })).toMatchObject({ nodes: 4, gpusPerNode: 4 });
  });

  it('of machines without accelerators names none', () => {
    const cpu = TRAIN_JOB.replace('p4d.24xlarge', 'm5.24xlarge');
    expect(placed({ 'job.yaml': cpu })).toMatchObject({ machine: undefined, nodes: 2 });
  });

  it('by an affinity names the machine where it is the only one', () => {
    const affinity = (values: string) =>
      TRAIN_JOB.replace(
        /nodeSelector:\n.*\n/,
        `affinity:\n          matchExpressions:\n            - key: node.kubernetes.io/instance-type\n              operator: In\n              values:${values}\n`,
      );
    expect(placed({ 'job.yaml': affinity(' ["p5.48xlarge"]') }).machine).toBe('p5.48xlarge');
    expect(placed({ 'job.yaml': affinity('\n                - p5.48xlarge') }).machine).toBe('p5.48xlarge');
    const two = affinity('\n                - p5.48xlarge\n                - p5e.48xlarge');
    expect(placed({ 'job.yaml': two }).machine).toBeUndefined();
  });

  it('says whether it is on Spot, who starts its pods together, and what its image has', () => {
    const label = (line: string) => TRAIN_JOB.replace('nodeSelector:\n', `nodeSelector:\n          ${line}\n`);
    expect(placed({ 'job.yaml': TRAIN_JOB }).job).toEqual({ 'gang scheduling': 'none' });
    expect(placed({ 'job.yaml': label('karpenter.sh/capacity-type: spot') }).job.Spot).toBe('true');
    expect(placed({ 'job.yaml': label('karpenter.sh/capacity-type: on-demand') }).job.Spot).toBeUndefined();
    const kueue = TRAIN_JOB.replace(
      'kind: TrainJob\n',
      'kind: TrainJob\nmetadata:\n  labels:\n    kueue.x-k8s.io/queue-name: q\n',
    );
    expect(placed({ 'job.yaml': kueue }).job['gang scheduling']).not.toBe('none');
    for (const scheduler of ['{{ .Values.scheduler }}', '"{{ scheduler }}"', '$SCHEDULER']) {
      const templated = label(`x: y\n          schedulerName: ${scheduler}`);
      expect(placed({ 'job.yaml': templated }).job['gang scheduling']).toBeUndefined();
    }
    expect(placed({ 'job.yaml': label('schedulerName: default-scheduler') }).job['gang scheduling']).toBe('none');
    const image = 'public.ecr.aws/deep-learning-containers/pytorch-training:2.8.0-gpu-py312-cu129-ubuntu22.04-ec2-v1.0';
    const found = placed({ 'job.yaml': TRAIN_JOB.replace('numNodes', `image: ${image}\n    numNodes`) });
    expect([found.job.image, found.torch]).toEqual([image, '2.8.0']);
  });

  it('with the launch line in it is read as its script, flags and place included', () => {
    const job = `apiVersion: trainer.kubeflow.org/v1alpha1
kind: TrainJob
spec:
  trainer:
    numNodes: 2
    image: public.ecr.aws/deep-learning-containers/pytorch-training:2.8.0-gpu-py312-cu129-ubuntu22.04-ec2-v1.0
    command:
      - /bin/bash
      - -c
      - |
        cd /workspace
        export NCCL_DEBUG=INFO
        torchrun \\
          --nproc_per_node=gpu \\
          --rdzv_endpoint=\${PET_MASTER_ADDR} \\
          train.py --deepspeed ds.json --output_dir out --per_device_train_batch_size 4 --bf16
    resourcesPerNode:
      limits:
        nvidia.com/gpu: 8
`;
    const workspace = memoryWorkspace({ 'ds.json': DS.replace('1,', '"auto",'), 'k8s/job.yaml': job });
    const file = workspace.source(`${ROOT}/ds.json`);
    if (!file) throw new Error('no file');
    const { run } = analyze(file, { workspace, catalogs: loadCatalogs() });
    expect(run?.nodes).toMatchObject({ value: 2 });
    expect(run?.gpusPerNode).toMatchObject({ value: 8 });
    expect(run?.batch.micro).toMatchObject({ value: 4 });
    expect(run?.launch?.launcher).toBe('torchrun');
    expect(run?.environment.NCCL_DEBUG).toMatchObject({ value: 'INFO' });
    const origin = run?.launch?.flags.get('nproc_per_node')?.origin;
    const start = job.indexOf('--nproc_per_node');
    expect(origin).toMatchObject({ path: `${ROOT}/k8s/job.yaml`, start, end: start + '--nproc_per_node=gpu'.length });
  });

  it('starts nothing by a command that is a list of words, nor by text that is no block', () => {
    const list = TRAIN_JOB.replace('["bash", "run.sh"]', '["torchrun", "train.py", "--deepspeed", "ds.json"]');
    const workspace = memoryWorkspace({ 'ds.json': DS, 'job.yaml': list });
    const file = workspace.source(`${ROOT}/ds.json`);
    if (!file) throw new Error('no file');
    expect(analyze(file, { workspace, catalogs: loadCatalogs() }).run?.launch).toBeUndefined();
    expect(shellOf('kind: Job\nargs: torchrun train.py\n')).toBeUndefined();
    expect(shellOf('a: |\n  torchrun a.py\nb: 1\n')).toBe('    \n  torchrun a.py\n    \n');
  });
});
