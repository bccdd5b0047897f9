import { describe, expect, it } from 'vitest';
import { estimateRun } from '../../../server/src/core/estimate/index';
import { join, source, told } from './joining';

const DS = '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 3 } }';
const TRAIN =
  'train.py --deepspeed ds.json --model_name_or_path meta-llama/Llama-3.1-8B --bf16 true --max_length 4096 --output_dir out';

function run(launch: string, more: Readonly<Record<string, string>> = {}) {
  const script = launch.replace('TRAIN', TRAIN);
  return join({ 'ds.json': DS, 'run.sh': script, ...more }, { from: 'flag', hardware: 'p4d.24xlarge' }).run;
}

function place(launch: string, more: Readonly<Record<string, string>> = {}): readonly unknown[] {
  const { nodes, gpusPerNode, worldSize } = run(launch, more);
  return [told(nodes), told(gpusPerNode), told(worldSize)];
}

const HOSTS = 'w1 slots=8\n# w0 slots=8\n\nw2 slots=8\nw3 slots=8\nw4 slots=8\n';

describe('the number of nodes', () => {
  it('is one where nobody says it', () => {
    const { nodes, worldSize } = run('python TRAIN');
    expect([told(nodes), source(nodes), told(worldSize)]).toEqual([1, 'default of Shardlens', 8]);
  });

  it.each([
    ['torchrun --nnodes={{ nodes }} --nproc_per_node=8 TRAIN', '--nnodes is not written as a number'],
    ['torchrun --nnodes=$NNODES --nproc_per_node=8 TRAIN', '--nnodes is filled in by a template or variable'],
    ['torchrun --nnodes=2:4 --nproc_per_node=8 TRAIN', '--nnodes is not written as a number'],
    ['accelerate launch --num_machines $N TRAIN', '--num_machines is filled in by a template or variable'],
    ['accelerate launch --config_file other.yaml TRAIN', 'the file of --config_file cannot be read'],
    ['deepspeed --hostfile hosts --num_gpus 8 TRAIN', 'the file of --hostfile cannot be read'],
    ['deepspeed --include "$HOSTS" TRAIN', '--include cannot be read'],
    [
      '#SBATCH --nodes=2-4\n#SBATCH --ntasks-per-node=8\nsrun python TRAIN',
      '#SBATCH --nodes is not written as one number',
    ],
  ])('is not known where it is said and cannot be read: %s', (launch, why) => {
    expect(place(launch)).toEqual([`unknown: ${why}`, 8, `unknown: ${why}`]);
  });

  it.each([
    [
      'accelerate launch --num_processes $N TRAIN',
      [1, 8, 'unknown: --num_processes is filled in by a template or variable'],
    ],
    ['torchrun --nproc_per_node=$N TRAIN', [1, 'unknown: --nproc_per_node is filled in by a template or variable']],
    ['torchrun --nproc_per_node=auto TRAIN', [1, 8, 8]],
  ])('nor are processes that are said and cannot be read: %s', (launch, expected) => {
    expect(place(launch).slice(0, expected.length)).toEqual(expected);
    expect(typeof place(launch)[2]).toBe(launch.includes('$') ? 'string' : 'number');
  });

  it('leaves memory and time of such a run not known', () => {
    const { memory, step, assumptions } = estimateRun(run('torchrun --nnodes=$N --nproc_per_node=8 TRAIN'));
    expect([memory, step]).toEqual([null, null]);
    expect(assumptions).toContainEqual({
      what: 'step time',
      value: 'not known',
      because: 'number of nodes: --nnodes is filled in by a template or variable',
    });
  });

  it('is what a target says of a run whose launch line cannot be read', () => {
    const files = { 'ds.json': DS, 'run.sh': `torchrun --nnodes=$N --nproc_per_node=8 ${TRAIN}` };
    const { run: joined } = join(files, { from: 'flag', hardware: 'p4d.24xlarge', nodes: 4 });
    expect([told(joined.nodes), told(joined.worldSize)]).toEqual([4, 32]);
  });

  it('is that of the Slurm job', () => {
    const job = '#SBATCH --nodes=8\n#SBATCH --gres=gpu:8\n';
    expect(place(`${job}srun torchrun --nnodes=$SLURM_NNODES --nproc_per_node=8 TRAIN`)).toEqual([8, 8, 64]);
    const machines = 'export NNODES=$SLURM_NNODES\nsrun accelerate launch --config_file a.yaml';
    const line = `${job}${machines} --num_processes $((NNODES * 8)) --num_machines $NNODES TRAIN`;
    expect(place(line)).toEqual([8, 8, 64]);
  });
});

describe('what the launcher takes where it says nothing', () => {
  const JOB = '#SBATCH --nodes=2\n#SBATCH --gres=gpu:4\n';

  it.each([
    ['torchrun --nproc_per_node 4 TRAIN', [1, 4, 4]],
    ['srun torchrun --nproc_per_node 4 TRAIN', [1, 4, 4]],
    ['torchrun TRAIN', [1, 1, 1]],
    ['deepspeed TRAIN', [1, 4, 4]],
    ['accelerate launch --num_processes 2 TRAIN', [1, 2, 2]],
    ['accelerate launch TRAIN', [1, 4, 4]],
  ])('is not the size of the job: %s', (launch, expected) => {
    expect(place(JOB + launch)).toEqual(expected);
  });

  it('is what the Accelerate file says', () => {
    const file = 'compute_environment: LOCAL_MACHINE\ndistributed_type: MULTI_GPU\nnum_machines: 1\nnum_processes: 3\n';
    expect(place(`${JOB}accelerate launch --config_file a.yaml TRAIN`, { 'a.yaml': file })).toEqual([1, 3, 3]);
  });
});

describe('several launch lines of one run', () => {
  it.each([
    ['torchrun --nproc_per_node 4 TRAIN\naccelerate launch --num_processes 4 TRAIN', [1, 4, 4]],
    ['torchrun --nproc_per_node 4 TRAIN\npython merge.py --deepspeed ds.json --x 1', [1, 4, 4]],
  ])('give what they agree in: %s', (launch, expected) => {
    expect(place(launch.replace('TRAIN', TRAIN))).toEqual(expected);
  });

  it.each([
    ['torchrun --nproc_per_node 4 TRAIN\ntorchrun --nproc_per_node $N TRAIN', 'filled in by'],
    [
      'torchrun --nproc_per_node 4 TRAIN\ntorchrun --nproc_per_node gpu TRAIN',
      'one launch line says 4 and another nothing',
    ],
    ['torchrun --nproc_per_node 8 TRAIN\ntorchrun TRAIN', 'one launch line says 8 and another 1'],
    ['torchrun --nproc_per_node 8 TRAIN\npython TRAIN', 'one launch line says 8 and another nothing'],
  ])('give no size where one is not known or takes another: %s', (launch, why) => {
    const [, perNode, world] = place(launch.replace('TRAIN', TRAIN));
    expect([perNode, world]).toEqual([expect.stringContaining(why), expect.stringMatching(/^unknown/)]);
  });

  it('give no number of nodes where one stays on its own', () => {
    const multi = '#SBATCH -N 2\nsrun torchrun --nproc_per_node 8 --nnodes $SLURM_NNODES TRAIN';
    expect(place(`torchrun --nproc_per_node 8 ${TRAIN}\n${multi}`)).toEqual([
      'unknown: one launch line says 1 and another 2',
      8,
      expect.stringMatching(/^unknown/),
    ]);
  });
});

describe('ranks that only the batch sizes imply', () => {
  const batch = (total: number) => ({
    'ds.json': `{ "train_batch_size": ${total}, "train_micro_batch_size_per_gpu": 4, "gradient_accumulation_steps": 2 }`,
  });
  const on = (total: number, nodes: number) => join(batch(total), { from: 'flag', hardware: 'p4d.24xlarge', nodes });

  it('are spread over the nodes that are named', () => {
    const { run: placed, notes } = on(32, 2);
    expect([told(placed.nodes), told(placed.gpusPerNode), told(placed.worldSize)]).toEqual([2, 2, 4]);
    expect(notes).toEqual([]);
  });

  it.each([
    [8, 2, 'The batch sizes make 1 process (8 ÷ (4 × 2)), which is fewer than the 2 nodes'],
    [16, 4, 'The batch sizes make 2 processes (16 ÷ (4 × 2)), which are fewer than the 4 nodes'],
    [24, 2, 'The batch sizes make 3 processes (24 ÷ (4 × 2)), which do not divide over the 2 nodes'],
  ])('are no GPUs per node where they cannot be: %i samples on %i nodes', (total, nodes, message) => {
    const { run: placed, notes } = on(total, nodes);
    expect([told(placed.nodes), placed.gpusPerNode.known, placed.worldSize.known]).toEqual([nodes, false, false]);
    expect(notes.map((note) => note.message)).toEqual([`${message}; one of these figures is not what will run.`]);
    expect(notes[0]?.origin).toMatchObject({ kind: 'file', key: 'train_batch_size' });
  });
});

describe('a hostfile', () => {
  it.each([
    ['deepspeed --hostfile hosts TRAIN', [4, 8, 32]],
    ['deepspeed -H ./hosts --num_gpus 4 TRAIN', [4, 4, 16]],
    ['deepspeed --hostfile hosts --num_nodes 2 TRAIN', [2, 8, 16]],
    ['deepspeed --hostfile hosts --include w1@w2:0,1,2,3,4,5,6,7 TRAIN', [2, 8, 16]],
    ['#SBATCH --nodes=8\ndeepspeed --hostfile hosts TRAIN', [4, 8, 32]],
    ['#SBATCH --nodes=8\ndeepspeed --hostfile not-there --num_gpus 8 TRAIN', [8, 8, 64]],
  ])('gives the nodes: %s', (launch, expected) => {
    expect(place(launch, { hosts: HOSTS })).toEqual(expected);
  });

  it('is read again when it changes', () => {
    const { dependencies } = join({ 'ds.json': DS, 'run.sh': `deepspeed --hostfile hosts ${TRAIN}` });
    expect([...dependencies].filter((path) => path.endsWith('/hosts'))).not.toEqual([]);
  });

  it.each([
    ['deepspeed --hostfile hosts --exclude w1 TRAIN', HOSTS],
    ['deepspeed --hostfile hosts TRAIN', 'w1\nw2\n'],
    ['deepspeed --hostfile hosts TRAIN', 'w1 slots=8\nw1 slots=8\n'],
    ['deepspeed --hostfile hosts TRAIN', '# none\n'],
  ])('does not give them where they cannot be counted: %s', (launch, hosts) => {
    const [nodes, , world] = place(launch, { hosts });
    expect([nodes, world]).toEqual([expect.stringMatching(/^unknown/), expect.stringMatching(/^unknown/)]);
  });
});

describe('launch lines that give other arguments', () => {
  const lines = (second: string) => {
    const { assumptions } = estimateRun(
      run(`torchrun --nproc_per_node 8 TRAIN\ntorchrun --nproc_per_node 8 ${second}`),
    );
    return assumptions.filter(({ what }) => what === 'launch line');
  };

  it('are told beside the one that is taken', () => {
    expect(lines(TRAIN.replace('Llama-3.1-8B', 'Llama-3.1-70B'))).toEqual([
      {
        what: 'launch line',
        value: 'run.sh:1',
        because: 'run.sh:2 starts this run too, with another model_name_or_path',
      },
    ]);
    expect(lines(`${TRAIN} --seed 2`)).toEqual([]);
  });
});
