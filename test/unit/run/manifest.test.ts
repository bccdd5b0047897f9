import { describe, expect, it } from 'vitest';
import { analyze } from '../../../server/src/core/analyze';
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
});
