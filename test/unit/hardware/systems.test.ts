import { describe, expect, it } from 'vitest';
import { analyze } from '../../../server/src/core/analyze';
import { linkIfUsed } from '../../../server/src/core/estimate/time/index';
import { hover } from '../../../server/src/core/features/hover';
import { buildCluster } from '../../../server/src/core/hardware/cluster';
import { hardwareDetail } from '../../../server/src/core/hardware/describe';
import { loadHardwareCatalog } from '../../../server/src/data/hardware';
import { loadCatalogs } from '../../../server/src/data/index';
import { memoryWorkspace, ROOT } from '../../memory-workspace';
import { decoder, LLAMA_3_8B, run, zero } from '../estimate/time/runs';
import { importedText, printed } from './import/machine';

const catalog = loadHardwareCatalog();
const catalogs = loadCatalogs();

/** The run that a rule is shown on: a file, what else stands beside it, and the machine. */
interface Shown {
  /** The machine, where no file of the run names it. */
  readonly on?: string;
  readonly nodes?: number;
  readonly deepspeed?: string;
  readonly trainer?: string;
  readonly script?: string;
  readonly manifest?: string;
  readonly cluster?: string;
  readonly estimator?: string;
  readonly batch?: string;
}

/**
 * A row of the interconnect reference, §14: every system named in its sources and the support it is to have.
 * `P` a profile by each of these names; `N` is said to be no training target; `R` a rule that fires on it; `H` words about it;
 * `M` read in a launch manifest or script.
 */
interface System {
  readonly name: string;
  readonly levels: string;
  readonly names?: readonly string[];
  readonly rules?: readonly (readonly [rule: string, run: Shown])[];
  readonly verdicts?: readonly (readonly [on: unknown, tensor: number, verdict: string])[];
  readonly words?: readonly (readonly [name: string, words: RegExp])[];
  readonly links?: readonly (readonly [on: string, inside: string, between: string])[];
  readonly manifest?: readonly Shown[];
  /** Words over a key of the first file. */
  readonly hovers?: readonly (readonly [key: string, run: Shown, words: RegExp])[];
}

const BF16 = '"bf16": { "enabled": true }';
const TP = (size: number) =>
  `{ "train_micro_batch_size_per_gpu": 1, ${BF16}, "tensor_parallel": { "autotp_size": ${size} }, "zero_optimization": { "stage": 1 } }`;
const Z3 = `{ "train_micro_batch_size_per_gpu": 1, "gradient_accumulation_steps": 8, ${BF16}, "zero_optimization": { "stage": 3 } }`;
const Z2 = `{ "train_micro_batch_size_per_gpu": 1, "gradient_accumulation_steps": 8, ${BF16}, "zero_optimization": { "stage": 2 } }`;
const TRAIN =
  'model_name_or_path: Qwen/Qwen2.5-0.5B\noutput_dir: out\nper_device_train_batch_size: 1\ngradient_accumulation_steps: 8\nlearning_rate: 2.0e-5\n';
const LINE = 'deepspeed --num_gpus 8 --num_nodes 2 train.py --deepspeed ds.json\n';
const JOB = (efa: number) =>
  `kind: PyTorchJob\nspec:\n  containers:\n    - command: ["bash", "run.sh"]\n      resources:\n        limits:\n          nvidia.com/gpu: 8\n          vpc.amazonaws.com/efa: ${efa}\n`;

const WITH_EFA = '          Efa:\n            Enabled: true\n';
const QUEUE = (more: string) =>
  `Scheduling:\n  Scheduler: slurm\n  SlurmQueues:\n    - Name: gpu\n      ComputeResources:\n        - Name: a100\n          InstanceType: p4d.24xlarge\n${more}`;
const SBATCH =
  '#SBATCH --nodes=2\nsrun torchrun --nnodes $SLURM_NNODES --nproc_per_node 8 train.py --deepspeed ds.json\n';
const ESTIMATOR =
  'import sagemaker\nPyTorch(entry_point="train.py", instance_type="ml.p4d.24xlarge", instance_count=2, hyperparameters={"deepspeed": "ds.json"})\n';
const BATCH =
  '{ "nodeProperties": { "numNodes": 2, "nodeRangeProperties": [ { "container": { "command": ["--deepspeed", "ds.json"], "image": "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.5.1-gpu-py311-cu124-ubuntu22.04-ec2", "instanceType": "p6-b200.48xlarge" } } ] } }';

const NOT_FOR_TRAINING = 'accelerator-not-for-training';

const SYSTEMS: readonly System[] = [
  {
    name: 'P2, G3, Maxwell, Kepler and Pascal',
    levels: 'P N',
    names: ['p2.xlarge', 'p2.16xlarge', 'g3s.xlarge', 'g3.16xlarge', 'K80', 'M60', 'P100', 'P40', 'GTX 1080 Ti'],
    rules: ['p2.xlarge', 'g3.16xlarge', 'P100'].map((on) => [NOT_FOR_TRAINING, { on }] as const),
  },
  {
    name: 'P3, P3dn (V100)',
    levels: 'P R',
    names: ['p3.2xlarge', 'p3.16xlarge', 'p3dn.24xlarge', 'V100', 'ml.p3.16xlarge'],
    rules: [
      ['bf16-unsupported-by-gpu', { on: 'p3dn.24xlarge', deepspeed: Z2 }],
      [
        'flash-attention-unsupported-by-gpu',
        { on: 'p3.16xlarge', trainer: `${TRAIN}attn_implementation: flash_attention_2\n` },
      ],
    ],
    verdicts: [
      ['p3.16xlarge', 4, 'good'],
      ['p3.16xlarge', 8, 'caution'],
    ],
  },
  {
    name: 'P4d, P4de (A100)',
    levels: 'P R',
    names: ['p4d.24xlarge', 'p4de.24xlarge', 'A100-40GB', 'A100-80GB'],
    rules: [['tensor-parallel-crosses-nodes', { on: 'p4d.24xlarge', nodes: 2, deepspeed: TP(16) }]],
    verdicts: [['p4d.24xlarge', 8, 'good']],
    links: [['p4d.24xlarge', 'NVSwitch 300 GB/s', 'EFA 6.25 GB/s per GPU, GPUDirect RDMA']],
  },
  {
    name: 'P5, P5e, P5en (H100, H200)',
    levels: 'P R',
    names: ['p5.48xlarge', 'p5e.48xlarge', 'p5en.48xlarge', 'p5.4xlarge', 'H100', 'H200'],
    rules: [
      [
        'bf16-states-on-avx2-host',
        {
          on: 'p5.48xlarge',
          deepspeed: `{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true, "bf16_master_weights_and_grads": true, "bf16_optimizer_states": true }, "zero_optimization": { "stage": 2, "offload_optimizer": { "device": "cpu" } } }`,
        },
      ],
    ],
    links: [
      ['p5.48xlarge', 'NVSwitch 450 GB/s', 'EFA 50 GB/s per GPU, GPUDirect RDMA'],
      ['p5.4xlarge', 'one GPU', 'EFA 12.5 GB/s, no GPUDirect RDMA'],
    ],
  },
  {
    name: 'P6-B200, P6-B300',
    levels: 'P R',
    names: ['p6-b200.48xlarge', 'p6-b300.48xlarge', 'B200', 'B300'],
    rules: [['tensor-parallel-crosses-nodes', { on: 'p6-b200.48xlarge', nodes: 2, deepspeed: TP(16) }]],
    links: [
      ['p6-b200.48xlarge', 'NVSwitch 900 GB/s', 'EFA 50 GB/s per GPU, GPUDirect RDMA'],
      ['p6-b300.48xlarge', 'NVSwitch 900 GB/s', 'EFA 100 GB/s per GPU, GPUDirect RDMA'],
    ],
  },
  {
    name: 'P6e-GB200 and P6e-GB300 UltraServers',
    levels: 'P R',
    names: ['p6e-gb200.36xlarge', 'u-p6e-gb200x36', 'u-p6e-gb200x72', 'u-p6e-gb300x72', 'GB200', 'GB300'],
    rules: [['tensor-parallel-crosses-nodes', { on: 'p6e-gb200.36xlarge', nodes: 4, deepspeed: TP(16) }]],
    verdicts: [
      ['p6e-gb200.36xlarge', 4, 'good'],
      ['p6e-gb200.36xlarge', 8, 'bad'],
      [{ instance: 'p6e-gb200.36xlarge', nodes: 18, between: { transport: 'nvlink' } }, 72, 'good'],
    ],
  },
  {
    name: 'G4dn, G5, G6, Gr6, G6f, G6e',
    levels: 'P R',
    names: ['g4dn.12xlarge', 'g5.48xlarge', 'g6.48xlarge', 'gr6.8xlarge', 'g6f.large', 'g6e.48xlarge'],
    rules: [['tensor-parallel-on-slow-link', { on: 'g6e.48xlarge', deepspeed: TP(4) }]],
    links: [['g6e.48xlarge', 'PCIe without peer-to-peer (SHM)', 'EFA 6.25 GB/s per GPU, no GPUDirect RDMA']],
  },
  {
    name: 'G7e (RTX PRO 6000)',
    levels: 'P R',
    names: ['g7e.8xlarge', 'g7e.12xlarge', 'g7e.48xlarge', 'RTX PRO 6000'],
    rules: [['tensor-parallel-crosses-nodes', { on: 'g7e.48xlarge', nodes: 2, deepspeed: TP(16) }]],
    links: [
      ['g7e.48xlarge', 'PCIe Gen5 peer-to-peer 63 GB/s', 'EFA 25 GB/s per GPU, GPUDirect RDMA'],
      ['g7e.8xlarge', 'one GPU', 'EFA 12.5 GB/s, no GPUDirect RDMA'],
    ],
  },
  {
    name: 'G4ad, DL2q, Inf1',
    levels: 'P N',
    names: ['g4ad.16xlarge', 'dl2q.24xlarge', 'inf1.24xlarge'],
    rules: ['g4ad.16xlarge', 'dl2q.24xlarge', 'inf1.24xlarge'].map((on) => [NOT_FOR_TRAINING, { on }] as const),
  },
  {
    name: 'F1, F2, VT1',
    levels: 'P N',
    rules: ['f1.16xlarge', 'f2.48xlarge', 'vt1.24xlarge'].map((on) => ['unreadable-input', { on }] as const),
  },
  {
    name: 'DL1 and Gaudi',
    levels: 'P R',
    names: ['dl1.24xlarge', 'Gaudi', 'Gaudi2', 'Gaudi3'],
    rules: [['nccl-variable-unread', { on: 'dl1.24xlarge', deepspeed: Z2, script: `NCCL_ALGO=Ring ${LINE}` }]],
    links: [['dl1.24xlarge', 'RoCE on chip 87.5 GB/s', 'EFA 6.25 GB/s per GPU, no GPUDirect RDMA']],
  },
  {
    name: 'Trn1, Trn1n, Trn2, its UltraServer, Trainium3',
    levels: 'P R',
    names: [
      'trn1.32xlarge',
      'trn1n.32xlarge',
      'trn2.48xlarge',
      'trn2u.48xlarge',
      'u-trn2x64',
      'u-trn3-gen2',
      'trn1',
      'Trainium2',
    ],
    rules: [
      ['deepspeed-without-accelerator-backend', { on: 'trn1.32xlarge', deepspeed: Z2 }],
      ['cuda-only-setting', { on: 'trn2.48xlarge', trainer: `${TRAIN}optim: adamw_bnb_8bit\n` }],
      ['shapes-change-on-compiled-chip', { on: 'trn1.32xlarge', trainer: `${TRAIN}group_by_length: true\n` }],
      ['tensor-parallel-not-dividing-cores', { on: 'trn2.48xlarge', trainer: `${TRAIN}tensor_parallel_size: 24\n` }],
    ],
    links: [
      ['trn1.32xlarge', 'NeuronLink 192 GB/s', 'EFA 3.13 GB/s per GPU, GPUDirect RDMA'],
      ['trn1n.32xlarge', 'NeuronLink 384 GB/s', 'EFA 6.25 GB/s per GPU, GPUDirect RDMA'],
    ],
  },
  {
    name: 'Inf2',
    levels: 'P H',
    names: ['inf2.48xlarge', 'Inferentia2'],
    rules: [[NOT_FOR_TRAINING, { on: 'inf2.48xlarge' }]],
    words: [['inf2.48xlarge', /inference/]],
  },
  {
    name: 'NeuronLink, NeuronCore, NKI, Neuron SDK, Optimum Neuron',
    levels: 'R H',
    rules: [
      ['cuda-only-setting', { on: 'trn1.32xlarge', trainer: `${TRAIN}attn_implementation: flash_attention_2\n` }],
    ],
    words: [['trn1.32xlarge', /NeuronCore-v2[\s\S]*NeuronLink/]],
  },
  {
    name: 'Graviton 1 to 5',
    levels: 'P H',
    words: [
      ['m8g.48xlarge', /Graviton4[\s\S]*no SIMD kernel/],
      ['m9g.48xlarge', /Graviton5/],
      ['c7g.16xlarge', /Graviton3/],
      ['graviton2', /64 per socket/],
      ['a1.metal', /Graviton/],
    ],
    rules: [['unreadable-input', { on: 'm8g.48xlarge' }]],
  },
  {
    name: 'Grace',
    levels: 'P R',
    words: [['grace', /72 per socket/]],
    rules: [['tensor-parallel-crosses-nodes', { on: 'p6e-gb200.36xlarge', nodes: 4, deepspeed: TP(16) }]],
  },
  { name: 'Nitro', levels: 'H', words: [['p5.48xlarge', /EFA/]] },
  {
    name: 'EFA v1 to v5, SRD, ENA',
    levels: 'P R M',
    rules: [
      ['efa-not-used', { on: 'p4d.24xlarge', nodes: 2, deepspeed: Z2, script: `FI_PROVIDER=tcp ${LINE}` }],
      ['efa-count-unlike-machine', { on: 'p4d.24xlarge', nodes: 2, deepspeed: Z2, script: LINE, manifest: JOB(1) }],
    ],
    manifest: [{ on: 'p4d.24xlarge', nodes: 2, deepspeed: Z2, script: LINE, manifest: JOB(1) }],
  },
  {
    name: 'RoCE, InfiniBand',
    levels: 'P R',
    rules: [['nccl-ib-disabled', { on: 'dgx-h100', nodes: 2, deepspeed: Z2, script: `NCCL_IB_DISABLE=1 ${LINE}` }]],
    links: [
      ['dgx-h100', 'NVSwitch 450 GB/s', 'InfiniBand 50 GB/s per GPU'],
      ['a3-ultragpu-8g', 'NVSwitch 450 GB/s', 'RoCE 50 GB/s per GPU'],
    ],
  },
  {
    name: 'NVLink, NVSwitch, PCIe, P2P, SHM, GPUDirect RDMA',
    levels: 'P R',
    rules: [
      ['nccl-p2p-disabled', { on: 'p4d.24xlarge', deepspeed: Z2, script: `NCCL_P2P_DISABLE=1 ${LINE}` }],
      ['gpudirect-switched-off', { on: 'dgx-h100', nodes: 2, deepspeed: Z2, script: `NCCL_NET_GDR_LEVEL=LOC ${LINE}` }],
    ],
    verdicts: [['g6e.48xlarge', 2, 'bad']],
  },
  {
    name: 'NCCL, MPI, Libfabric',
    levels: 'R H',
    rules: [['nccl-tuning-forced', { on: 'p4d.24xlarge', deepspeed: Z2, script: `NCCL_PROTO=Simple ${LINE}` }]],
  },
  {
    name: 'local NVMe',
    levels: 'P R',
    rules: [
      [
        'nvme-too-small',
        {
          on: 'g5.12xlarge',
          deepspeed: `{ "train_micro_batch_size_per_gpu": 1, ${BF16}, "zero_optimization": { "stage": 3, "offload_optimizer": { "device": "nvme", "nvme_path": "/nvme" }, "offload_param": { "device": "nvme", "nvme_path": "/nvme" } } }`,
        },
      ],
    ],
  },
  {
    name: 'ParallelCluster (Slurm)',
    levels: 'M R',
    manifest: [
      {
        on: 'p4d.24xlarge',
        deepspeed: Z3,
        script: `#SBATCH --nodes=2\n#SBATCH --gpus-per-node=8\nsrun torchrun --nnodes $SLURM_NNODES --nproc_per_node gpu train.py --deepspeed ds.json --output_dir out\n`,
      },
    ],
    rules: [
      ['efa-not-used', { deepspeed: Z2, script: SBATCH, cluster: QUEUE('') }],
      ['job-larger-than-queue', { deepspeed: Z2, script: SBATCH, cluster: QUEUE('          MaxCount: 1\n') }],
    ],
  },
  {
    name: 'EKS with Kubeflow (TrainJob, PyTorchJob, MPIJob)',
    levels: 'M R',
    rules: [
      ['pod-shared-memory-small', { on: 'g6e.48xlarge', nodes: 2, deepspeed: Z2, script: LINE, manifest: JOB(4) }],
      ['efa-count-unlike-machine', { on: 'p4d.24xlarge', nodes: 2, deepspeed: Z2, script: LINE, manifest: JOB(32) }],
    ],
  },
  {
    name: 'SageMaker',
    levels: 'M H',
    names: ['ml.p4d.24xlarge', 'ml.trn1.32xlarge', 'ml.g5.48xlarge'],
    rules: [['estimator-without-distribution', { deepspeed: Z2, estimator: ESTIMATOR }]],
  },
  {
    name: 'DeepSpeed, Trainer, torchrun, FlashAttention, Transformer Engine',
    levels: 'R',
    rules: [
      [
        'flash-attention-unsupported-by-gpu',
        { on: 'g4dn.12xlarge', trainer: `${TRAIN}attn_implementation: flash_attention_2\n` },
      ],
    ],
  },
  {
    name: 'FSx for Lustre, ONTAP, OpenZFS, EFS',
    levels: 'P H',
    words: [
      ['fsx-lustre', /1000 GB\/s at most[\s\S]*provisioned/],
      ['fsx-ontap', /72 GB\/s at most/],
      ['fsx-openzfs', /21 GB\/s at most/],
      ['efs', /60 GB\/s at most/],
    ],
    hovers: [
      [
        'output_dir',
        { on: 'p4d.24xlarge', trainer: TRAIN.replace('out\n', '/fsx/out\n') },
        /FSx writes as fast as it was provisioned: .+ at 1 GB\/s/,
      ],
      [
        'output_dir',
        { on: 'p4d.24xlarge', trainer: TRAIN.replace('out\n', '/efs/out\n') },
        /some 1\.5 GB\/s to EFS at most: .+ s/,
      ],
    ],
  },
  {
    name: 'S3, S3 Express, the S3 connector, EBS',
    levels: 'P H',
    words: [
      ['s3-standard', /5,500/],
      ['s3-express-one-zone', /no ceiling/],
      ['ebs', /ebs_gbps/],
    ],
    rules: [['output-dir-is-an-address', { trainer: TRAIN.replace('out\n', 's3://bucket/out\n') }]],
    hovers: [
      ['output_dir', { on: 'p4d.24xlarge', trainer: TRAIN }, /On EBS p4d.24xlarge writes 2\.38 GB\/s at most/],
      ['dataset_name', { trainer: `${TRAIN}dataset_name: s3://bucket/data\n` }, /S3 connector for PyTorch/],
    ],
  },
  {
    name: 'ECS, AWS Batch',
    levels: 'M',
    manifest: [{ deepspeed: Z2, batch: BATCH }],
  },
  {
    name: 'DLAMI, DLC',
    levels: 'M H',
    rules: [['image-lacks-gpu-code', { deepspeed: Z2, batch: BATCH }]],
  },
  {
    name: 'placement groups',
    levels: 'M R',
    rules: [['placement-group-missing', { deepspeed: Z2, script: SBATCH, cluster: QUEUE(WITH_EFA) }]],
  },
  {
    name: 'ODCR, Spot, Capacity Blocks',
    levels: 'H',
    words: [
      ['p6e-gb200.36xlarge', /Capacity Block/],
      ['u-trn2x64', /Capacity Block/],
    ],
    rules: [
      [
        'restart-loses-progress',
        {
          trainer: `${TRAIN}save_strategy: "no"\n`,
          script: SBATCH.replace('--deepspeed ds.json', '--config train.yaml'),
          cluster: QUEUE(`${WITH_EFA}      CapacityType: SPOT\n`),
        },
      ],
    ],
  },
  {
    name: 'gang scheduling, node problem detector',
    levels: 'H M',
    rules: [
      ['job-without-gang-scheduling', { on: 'p4d.24xlarge', nodes: 2, deepspeed: Z2, script: LINE, manifest: JOB(4) }],
    ],
  },
  {
    name: 'data preprocessing services',
    levels: 'H',
    hovers: [
      ['dataset_num_proc', { on: 'p4d.24xlarge', trainer: `${TRAIN}dataset_num_proc: 8\n` }, /96 vCPUs.*EMR, Ray Data/],
    ],
  },
];

function analysed({ on, nodes, deepspeed, trainer, script, manifest, cluster, estimator, batch }: Shown) {
  const size = nodes === undefined ? '' : `, "nodes": ${nodes}`;
  const name = trainer === undefined ? 'ds.json' : 'train.yaml';
  const workspace = memoryWorkspace({
    [name]: trainer ?? deepspeed ?? Z2,
    'shardlens.json': `{ "model": "meta-llama/Llama-3.1-405B", "sequenceLength": 2048${on === undefined ? '' : `, "targets": { "t": { "hardware": "${on}"${size} } }`} }`,
    ...(script !== undefined && { 'run.sh': script }),
    ...(manifest !== undefined && { 'job.yaml': manifest }),
    ...(cluster !== undefined && { 'cluster.yaml': cluster }),
    ...(estimator !== undefined && { 'run_sagemaker.py': estimator }),
    ...(batch !== undefined && { 'batch.json': batch }),
  });
  const file = workspace.source(`${ROOT}/${name}`);
  if (!file) throw new Error('no file');
  const analysis = analyze(file, { workspace, catalogs });
  const over = (key: string) => hover(analysis, file.text.indexOf(key) + 1, catalogs)?.markdown;
  return { run: analysis.run, rules: analysis.findings().map(({ rule }) => rule), over };
}

describe.each(SYSTEMS)('$name ($levels)', ({ names, rules, verdicts, words, links, manifest, hovers, levels }) => {
  it('has something to show for each of its levels', () => {
    const shown = {
      P: names ?? links ?? words ?? rules,
      N: rules,
      R: rules ?? verdicts,
      H: words ?? hovers ?? rules,
      M: manifest ?? rules ?? names,
    };
    for (const level of levels.split(' ')) expect(shown[level as keyof typeof shown], level).toBeDefined();
  });

  it.each(names ?? [])('%s resolves to a record with sources', (name) => {
    const match = catalog.resolve(name);
    expect((match?.instance ?? match?.accelerator)?.sources.length).toBeGreaterThan(0);
    expect('cluster' in buildCluster({ hardware: name, nodes: 2 }, { catalog })).toBe(true);
  });

  it.each((rules ?? []).map(([rule, shown]) => ({ rule, shown, on: shown.on })))('$rule on $on', ({ rule, shown }) => {
    expect(analysed(shown).rules).toContain(rule);
  });

  it.each((verdicts ?? []).map(([on, tensor, verdict]) => ({ on, tensor, verdict })))(
    '$on, $tensor ranks: $verdict',
    ({ on, tensor, verdict }) => {
      const hardware = on as string;
      const built = buildCluster({ hardware, ...(typeof on === 'string' && { nodes: 2 }) }, { catalog });
      if ('problem' in built) throw new Error(built.problem);
      const of = run({ model: decoder(LLAMA_3_8B), cluster: built.cluster, sharding: zero(1) });
      expect(linkIfUsed(of, 'tensor', tensor)?.verdict).toBe(verdict);
    },
  );

  it.each((words ?? []).map(([name, pattern]) => ({ name, pattern })))('$name is explained', ({ name, pattern }) => {
    const found = hardwareDetail(name, catalog);
    if ('problem' in found) throw new Error(found.problem);
    expect(JSON.stringify(found.detail)).toMatch(pattern);
  });

  it.each((hovers ?? []).map(([key, shown, pattern]) => ({ key, shown, pattern })))(
    'explains $key',
    ({ key, shown, pattern }) => {
      expect(analysed(shown).over(key)).toMatch(pattern);
    },
  );

  it.each((links ?? []).map(([on, inside, between]) => ({ on, inside, between })))(
    '$on: $inside, $between',
    ({ on, inside, between }) => {
      const built = buildCluster({ hardware: on, nodes: 2 }, { catalog });
      if ('problem' in built) throw new Error(built.problem);
      expect([built.cluster.intra.label, built.cluster.inter.label]).toEqual([inside, between]);
    },
  );

  it.each((manifest ?? []).map((shown) => ({ shown })))('is read where it starts a run', ({ shown }) => {
    const { run: found } = analysed(shown);
    expect(found?.nodes).toMatchObject({ known: true, value: 2 });
    if (shown.on === undefined) expect(found?.cluster.known).toBe(true);
    if (shown.manifest) expect(found?.cluster).toMatchObject({ value: { nicsPerNode: 1, usual: { nicsPerNode: 4 } } });
  });
});

it('rates of links that nobody published are assumed, and said so', () => {
  for (const hardware of [
    'trn1.32xlarge',
    'trn2.48xlarge',
    'gaudi2-hls2',
    'dl1.24xlarge',
    '8x TPU v5p',
    'a3-highgpu-8g',
  ]) {
    const built = buildCluster({ hardware, nodes: 2 }, { catalog });
    if ('problem' in built) throw new Error(built.problem);
    const { intra, inter, assumptions } = built.cluster;
    const assumed = [intra, inter].filter(({ basis }) => basis === 'assumed');
    expect(assumed.length, hardware).toBeGreaterThan(0);
    for (const { label } of assumed) expect(assumptions.join('\n'), hardware).toContain(`assumed: ${label}`);
  }
});

it('what a machine prints is read for the systems that have tools', () => {
  expect(importedText(printed('neuron-trn2.json')).cluster?.accelerator.id).toBe('aws-trainium2');
  expect(importedText(printed('mi300x-rccl.log'), 'MI300X').cluster?.intra.kind).toBe('xgmi');
  expect(importedText(printed('gb200-2-trays.log'), 'GB200').cluster?.inter.kind).toBe('nvlink-rack');
});

it('a fabric of RoCE that the user declares is taken for lossless, and said so', () => {
  const hardware = {
    node: { accelerator: 'H100', count: 8 },
    between: { transport: 'roce', gbpsPerNic: 400, nicsPerNode: 8 },
  };
  const built = buildCluster({ hardware, nodes: 2 }, { catalog });
  if ('problem' in built) throw new Error(built.problem);
  expect(built.cluster.assumptions.join()).toContain('lossless');
});
