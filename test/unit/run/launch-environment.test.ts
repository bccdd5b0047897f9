import { describe, expect, it } from 'vitest';
import { analyze } from '../../../server/src/core/analyze';
import { loadCatalogs } from '../../../server/src/data/index';
import { memoryWorkspace, ROOT } from '../../memory-workspace';

const DS =
  '{ "train_micro_batch_size_per_gpu": 1, "gradient_accumulation_steps": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 3 } }';

function onMachine(hardware: string, script: string, more: Readonly<Record<string, string>> = {}) {
  const workspace = memoryWorkspace({
    'ds.json': DS,
    'run.sh': script,
    'shardlens.json': `{ "model": "meta-llama/Meta-Llama-3-8B", "sequenceLength": 1024, "targets": { "box": { "hardware": ${hardware}, "nodes": 2, "gpusPerNode": 8 } } }`,
    ...more,
  });
  const file = workspace.source(`${ROOT}/ds.json`);
  if (!file) throw new Error('no file');
  const analysis = analyze(file, { workspace, catalogs: loadCatalogs() });
  const cluster = analysis.run?.cluster;
  if (!cluster?.known) throw new Error('no cluster');
  return { cluster: cluster.value, step: analysis.estimate()?.step, findings: analysis.findings() };
}

const LINE = 'deepspeed --num_gpus 8 --num_nodes 2 train.py --deepspeed ds.json\n';

describe('the launch environment', () => {
  it.each([
    ['"p4d.24xlarge"', 'NCCL_P2P_DISABLE=1', 'shm', 'efa-gdr', 'nccl-p2p-disabled'],
    ['"p4d.24xlarge"', 'NCCL_P2P_LEVEL=LOC', 'shm', 'efa-gdr', 'nccl-p2p-disabled'],
    ['"dgx-h100"', 'NCCL_IB_HCA==mlx5_0,mlx5_1', 'nvlink-switch', 'infiniband', 'nccl-cards-left-out'],
    ['"p4d.24xlarge"', 'NCCL_NET=Socket', 'nvlink-switch', 'tcp', 'nccl-socket-forced'],
    ['"p4d.24xlarge"', 'FI_PROVIDER=tcp', 'nvlink-switch', 'tcp', 'efa-not-used'],
    ['"p4d.24xlarge"', 'NCCL_NET_PLUGIN=none', 'nvlink-switch', 'tcp', 'efa-not-used'],
    ['"p4d.24xlarge"', 'FI_EFA_USE_DEVICE_RDMA=0', 'nvlink-switch', 'efa', 'efa-not-used'],
    ['"p4d.24xlarge"', 'NCCL_NET_GDR_LEVEL=LOC', 'nvlink-switch', 'efa', 'gpudirect-switched-off'],
    ['"dgx-h100"', 'NCCL_IB_DISABLE=1', 'nvlink-switch', 'tcp', 'nccl-ib-disabled'],
    ['"dgx-h100"', 'NCCL_NET_GDR_LEVEL=0', 'nvlink-switch', 'rdma-host', 'gpudirect-switched-off'],
    ['"dgx-h100"', 'NCCL_IB_HCA=mlx5_0:1', 'nvlink-switch', 'infiniband', 'nccl-cards-left-out'],
  ])('on %s with %s is taken into the paths and the step', (hardware, variable, inside, between, rule) => {
    const plain = onMachine(hardware, LINE);
    const found = onMachine(hardware, `${variable} ${LINE}`);
    expect([found.cluster.intra.kind, found.cluster.inter.kind]).toEqual([inside, between]);
    expect(found.cluster.usual).toEqual({
      intra: plain.cluster.intra,
      inter: plain.cluster.inter,
      nicsPerNode: plain.cluster.nicsPerNode,
      because: [variable],
    });
    expect(found.cluster.assumptions).toContain(`Path taken because of ${variable} at launch`);
    expect(found.step?.seconds).toBeGreaterThan(plain.step?.seconds ?? Number.POSITIVE_INFINITY);
    const finding = found.findings.find((it) => it.rule === rule);
    expect(finding?.message).toMatch(/A step takes about .+, and .+ without it\.$/);
    expect(finding?.fixes[0]?.edits[0]).toMatchObject({ path: `${ROOT}/run.sh`, start: 0, end: variable.length + 1 });
  });

  it('says what a step takes without all variables that change a path, and nothing of that for one that changes none', () => {
    const script = `export CUDA_LAUNCH_BLOCKING=1 NCCL_P2P_DISABLE=1 NCCL_NET=Socket\n${LINE}`;
    const { findings } = onMachine('"p4d.24xlarge"', script);
    const messages = (id: string) => findings.filter(({ rule }) => rule === id).map(({ message }) => message);
    expect(messages('cuda-launch-blocking')[0]).not.toContain('A step takes');
    for (const id of ['nccl-p2p-disabled', 'nccl-socket-forced'])
      expect(messages(id)[0]).toMatch(/and .+ without NCCL_P2P_DISABLE=1 and NCCL_NET=Socket\.$/);
  });

  it.each([
    ['"p4d.24xlarge"', 'NCCL_IB_DISABLE=1'],
    ['"p4d.24xlarge"', 'FI_PROVIDER=efa'],
    ['"g6e.48xlarge"', 'NCCL_P2P_DISABLE=1'],
    ['"g6e.48xlarge"', 'FI_EFA_USE_DEVICE_RDMA=0'],
    ['"dgx-h100"', 'FI_PROVIDER=tcp'],
    ['"dgx-h100"', 'NCCL_P2P_DISABLE=0'],
    ['"dgx-h100"', 'NCCL_P2P_DISABLE=true'],
    ['"dgx-h100"', 'NCCL_P2P_LEVEL=NVL'],
    ['"dgx-h100"', 'NCCL_IB_HCA=mlx5'],
    ['"dgx-h100"', 'NCCL_IB_HCA=^mlx5_2'],
    ['"dgx-h100"', 'NCCL_IB_HCA=mlx5_0,mlx5_1'],
    ['"trn1.32xlarge"', 'NCCL_NET=Socket'],
    ['"dl1.24xlarge"', 'NCCL_P2P_DISABLE=1'],
  ])('on %s with %s changes nothing', (hardware, variable) => {
    const { cluster } = onMachine(hardware, `${variable} ${LINE}`);
    expect(cluster.usual).toBeUndefined();
    expect(cluster).toEqual(onMachine(hardware, LINE).cluster);
  });

  it('of a whole line is removed with its line, and without the variable the finding is gone', () => {
    const script = `#!/bin/bash\nexport NCCL_P2P_DISABLE=1 # old cards\n${LINE}`;
    const { findings } = onMachine('"p4d.24xlarge"', script);
    const [edit] = findings.find((it) => it.rule === 'nccl-p2p-disabled')?.fixes[0]?.edits ?? [];
    if (!edit) throw new Error('no fix');
    const mended = script.slice(0, edit.start) + edit.newText + script.slice(edit.end);
    expect(mended).toBe(`#!/bin/bash\n${LINE}`);
    expect(onMachine('"p4d.24xlarge"', mended).findings.map(({ rule }) => rule)).not.toContain('nccl-p2p-disabled');
  });

  const TORCHRUN = 'torchrun --nnodes 2 --nproc_per_node 8 train.py --deepspeed ds.json\n';

  it.each([
    `env NCCL_NET=Socket ${TORCHRUN}`,
    `mpirun -np 2 -x NCCL_NET=Socket -x PATH ${TORCHRUN}`,
    `srun --export=ALL,NCCL_NET=Socket ${TORCHRUN}`,
    `#SBATCH --export=ALL,NCCL_NET=Socket\nsrun ${TORCHRUN}`,
  ])('that other launchers hand on counts: %j', (script) => {
    const { cluster, findings } = onMachine('"p4d.24xlarge"', script);
    expect(cluster.inter.kind).toBe('tcp');
    const [edit] = findings.find(({ rule }) => rule === 'nccl-socket-forced')?.fixes[0]?.edits ?? [];
    // Only a variable by itself is taken out.
    expect(edit !== undefined).toBe(script.startsWith('env'));
    if (edit) expect(script.slice(0, edit.start) + script.slice(edit.end)).toBe(`env ${TORCHRUN}`);
  });

  it('that shows some GPUs sizes a run of the deepspeed launcher, which passes over it beside flags of its own', () => {
    const start = (line: string) => {
      const workspace = memoryWorkspace({ 'ds.json': DS, 'run.sh': line });
      const file = workspace.source(`${ROOT}/ds.json`);
      if (!file) throw new Error('no file');
      const { run, findings } = analyze(file, { workspace, catalogs: loadCatalogs() });
      const found = findings().filter(({ rule }) => rule === 'visible-devices-unlike-processes');
      return [run?.worldSize.known && run.worldSize.value, found.length];
    };
    expect(start('CUDA_VISIBLE_DEVICES=2,3 deepspeed train.py --deepspeed ds.json\n')).toEqual([2, 0]);
    expect(start('CUDA_VISIBLE_DEVICES=2,3 deepspeed --num_gpus 2 train.py --deepspeed ds.json\n')).toEqual([2, 1]);
    expect(start('CUDA_VISIBLE_DEVICES=0,1 deepspeed --num_gpus 2 train.py --deepspeed ds.json\n')).toEqual([2, 0]);
    expect(start('CUDA_VISIBLE_DEVICES=0 torchrun --nproc_per_node 2 train.py --deepspeed ds.json\n')).toEqual([2, 1]);
    expect(start('CUDA_VISIBLE_DEVICES=$ids torchrun --nproc_per_node 2 train.py --deepspeed ds.json\n')).toEqual([
      2, 0,
    ]);
  });

  it('is also what DeepSpeed’s launcher reads from .deepspeed_env', () => {
    const { cluster, findings } = onMachine('"p4d.24xlarge"', LINE, {
      '.deepspeed_env': 'PATH=/usr/bin\nNCCL_NET=Socket\n',
    });
    expect(cluster.inter.kind).toBe('tcp');
    const finding = findings.find((it) => it.rule === 'nccl-socket-forced');
    expect(finding?.related[0]).toMatchObject({ path: `${ROOT}/.deepspeed_env`, start: 14, end: 29 });
    expect(finding?.fixes[0]?.edits).toEqual([{ path: `${ROOT}/.deepspeed_env`, start: 14, end: 30, newText: '' }]);
  });

  const JOB = (env: string, efa: string) =>
    `apiVersion: kubeflow.org/v1\nkind: PyTorchJob\nspec:\n  containers:\n    - args: ["bash", "run.sh"]\n      env:\n        - name: NCCL_DEBUG\n          value: INFO\n        - name: FI_PROVIDER\n          value: "${env}"\n      resources:\n        limits:\n          nvidia.com/gpu: 8\n          vpc.amazonaws.com/efa: ${efa}\n`;

  it('of the Kubernetes manifest that runs the script counts, with its EFA interfaces', () => {
    const plain = onMachine('"p4d.24xlarge"', LINE);
    const tcp = onMachine('"p4d.24xlarge"', LINE, { 'job.yaml': JOB('tcp', '4') });
    expect(tcp.cluster.inter.kind).toBe('tcp');
    const one = onMachine('"p4d.24xlarge"', LINE, { 'k8s/job.yaml': JOB('efa', '1') });
    expect(one.cluster).toMatchObject({ nicsPerNode: 1, inter: { kind: 'efa-gdr' }, usual: { nicsPerNode: 4 } });
    expect(one.cluster.inter.bytesPerSecond).toBeLessThan(plain.cluster.inter.bytesPerSecond);
    expect(one.step?.seconds).toBeGreaterThan(plain.step?.seconds ?? Number.POSITIVE_INFINITY);
    const finding = one.findings.find(({ rule }) => rule === 'efa-count-unlike-machine');
    expect(finding?.message).toMatch(/^The manifest asks for 1 EFA interface per pod; p4d.24xlarge has 4 for it/);
    expect(finding?.fixes[0]?.title).toBe('Ask for 4 EFA interfaces');
  });

  it('of a manifest of another job, of a template, or of one job of several does not count', () => {
    const plain = onMachine('"p4d.24xlarge"', LINE).cluster;
    for (const files of [
      { 'job.yaml': JOB('tcp', '1').replace('run.sh', 'serve.sh') },
      { 'job.yaml': JOB('{{ .Values.provider }}', '"{{ .Values.efa }}"') },
      { 'a.yaml': JOB('tcp', '1'), 'b.yaml': JOB('efa', '4') },
      { 'job.yaml': `${JOB('tcp', '1')}---\n${JOB('efa', '4')}` },
    ]) {
      expect(onMachine('"p4d.24xlarge"', LINE, files).cluster).toEqual(plain);
    }
  });
});
