import { describe, expect, it } from 'vitest';
import { launchesOf } from '../../../server/src/core/run/launch';
import { sizeOf } from '../../../server/src/core/run/launch-size';
import { readScript } from '../../../server/src/core/run/shell';
import { processorMilliseconds } from '../../processor-time';
import { told } from './joining';

function launches(text: string) {
  return launchesOf('/workspace/run.sh', readScript('/workspace/run.sh', text));
}

function size(text: string): Record<string, unknown> {
  const [launch] = launches(text);
  if (!launch) throw new Error('no launch line found');
  const { processes, nodes, perNode } = sizeOf(launch);
  return { processes: told(processes), nodes: told(nodes), perNode: told(perNode) };
}

describe('sizes by the rules of each launcher', () => {
  it.each([
    ['torchrun --nproc_per_node 8 --nnodes=2 train.py a.yaml', { perNode: 8, nodes: 2 }],
    ['torchrun --standalone --nproc-per-node=4 train.py a.yaml', { perNode: 4 }],
    ['python3 -u -m torch.distributed.run --nproc_per_node 2 train.py a.yaml', { perNode: 2 }],
    ['accelerate launch --num_processes 16 --num_machines 2 train.py a.yaml', { processes: 16, nodes: 2 }],
    ['accelerate launch --multi_gpu train.py --config a.yaml', {}],
    ['deepspeed --num_gpus 4 --num_nodes 2 train.py --deepspeed ds.json', { perNode: 4, nodes: 2 }],
    ['deepspeed --include localhost:0,1,5 train.py --deepspeed ds.json', { perNode: 3, nodes: 1 }],
    ['deepspeed --include w0@w1 train.py --deepspeed ds.json', { nodes: 2 }],
    // As many as the node has, which the hardware says.
    ['torchrun --nproc_per_node gpu train.py a.yaml', {}],
    [
      'torchrun --nproc_per_node x train.py a.yaml',
      { perNode: 'unknown: --nproc_per_node is not written as a number' },
    ],
    ['#SBATCH --nodes=4\n#SBATCH --gres=gpu:a100:8\nsrun python train.py --bf16 --config a.yaml', { nodes: 4 }],
    ['#SBATCH --nodes=8\nsrun torchrun --nnodes=$SLURM_NNODES train.py a.yaml', { nodes: 8 }],
    [
      '#SBATCH -N 4\nexport N=$SLURM_JOB_NUM_NODES\naccelerate launch --num_machines "$N" train.py a.yaml',
      { nodes: 4 },
    ],
    [
      '#SBATCH --ntasks=16\naccelerate launch --num_processes $SLURM_NTASKS --num_machines 2 train.py a.yaml',
      { processes: 16, nodes: 2 },
    ],
    ['#SBATCH --gres=gpu:a100:4\ntorchrun --nproc_per_node $SLURM_GPUS_ON_NODE train.py a.yaml', { perNode: 4 }],
    // What the script assigns itself is not Slurm's.
    ['#SBATCH --nodes=8\nSLURM_NNODES=2\ntorchrun --nnodes=$SLURM_NNODES train.py a.yaml', { nodes: 2 }],
    // Slurm chooses from a range.
    [
      '#SBATCH --nodes=2-4\nsrun python train.py --bf16 --config a.yaml',
      { nodes: 'unknown: #SBATCH --nodes is not written as one number' },
    ],
    [
      '#SBATCH --nodes=2-4\nsrun torchrun --nnodes=$SLURM_NNODES train.py a.yaml',
      { nodes: 'unknown: --nnodes is filled in by a template or variable' },
    ],
    [
      '#SBATCH -N 2\n#SBATCH --gpus-per-node=8\nsrun torchrun --nnodes 2 --nproc_per_node gpu train.py a.yaml',
      { nodes: 2, perNode: 8 },
    ],
    // What the launcher itself says or takes stands over what the job has.
    ['#SBATCH -N 2\n#SBATCH --gres=gpu:8\naccelerate launch --num_processes 4 train.py a.yaml', { processes: 4 }],
    ['#SBATCH --gres=gpu:8\naccelerate launch train.py a.yaml', { perNode: 8 }],
    ['#SBATCH --gres=gpu:8\naccelerate launch --config_file b.yaml train.py a.yaml', {}],
    ['#SBATCH --gres=gpu:8\nCUDA_VISIBLE_DEVICES=0,1 accelerate launch train.py a.yaml', { perNode: 2 }],
    ['#SBATCH -N 2\n#SBATCH --gres=gpu:8\ntorchrun --nproc_per_node 4 train.py a.yaml', { perNode: 4 }],
    ['#SBATCH -N 2\n#SBATCH --gres=gpu:8\nsrun torchrun train.py a.yaml', {}],
    ['#SBATCH -N 2\n#SBATCH --gres=gpu:8\ndeepspeed train.py --deepspeed ds.json', { perNode: 8 }],
    [
      '#SBATCH -N 2\n#SBATCH --gres=gpu:8\ndeepspeed --include $H train.py --deepspeed ds.json',
      { nodes: 'unknown: --include cannot be read' },
    ],
    // Flags of srun stand over those of the job.
    [
      '#SBATCH --gres=gpu:8\nsrun --exclusive -n1 --gpus=4 torchrun --nproc_per_node=gpu train.py a.yaml',
      { perNode: 4 },
    ],
    ['#SBATCH --gres=gpu:8\nsrun --gres gpu:2 torchrun --nproc_per_node=gpu train.py a.yaml', { perNode: 2 }],
    [
      '#SBATCH -N 2\n#SBATCH --gres=gpu:8\nsrun --gpus 6 torchrun --nproc_per_node=gpu train.py a.yaml',
      { perNode: 'unknown: Slurm is not told the GPUs of each node' },
    ],
    ['#SBATCH -N 4\nsrun -N 2 --ntasks-per-node=8 python train.py --bf16 --config a.yaml', { nodes: 2, perNode: 8 }],
    [
      '#SBATCH -N 4\nN=$((SLURM_NNODES - 1))\naccelerate launch --num_processes $(( N * 8 )) --num_machines $N train.py a.yaml',
      { processes: 24, nodes: 3 },
    ],
    [
      'accelerate launch --num_processes $((2 * WORLD)) train.py a.yaml',
      { processes: 'unknown: --num_processes is filled in by a template or variable' },
    ],
  ])('%s', (text, expected) => {
    expect(size(text)).toEqual({ processes: undefined, nodes: undefined, perNode: undefined, ...expected });
  });
});

describe('words', () => {
  it('follows continuations, quotes and comments', () => {
    const [launch] = launches(
      '# a comment\naccelerate launch \\\n  --config_file "my dir/a.yaml" \\\n  train.py --name \'x y\' # end\n',
    );
    expect(launch?.flags.get('config_file')?.plain).toBe('my dir/a.yaml');
    expect(launch?.script).toMatchObject({ value: 'train.py' });
    expect(launch?.arguments.get('name')?.plain).toBe('x y');
  });

  it('expands variables with one literal value', () => {
    expect(size(`N=8\nDIR=conf\ntorchrun --nproc_per_node $N train.py \${DIR}/a.yaml`)).toMatchObject({ perNode: 8 });
    const [launch] = launches(`DIR=conf\ntorchrun train.py "\${DIR}/a.yaml"`);
    expect(launch?.positional[0]?.text).toMatchObject({ value: 'conf/a.yaml' });
  });

  it.each([
    'N=1; if [ "$BIG" ]; then N=8; fi',
    'N=1; if a; then echo; else N=8; fi',
    'N=1; if a; then echo; elif N=8; then echo; fi',
    'N=1; for i in 1 2; do N=8; done',
    'N=1; while N=8; do break; done',
    'N=1; a && N=8',
    'N=1; a || N=8',
    'N=1; a && { N=8; }',
    'N=1; a && (N=8)',
    'N=1; if a; then export N=8; fi',
    'N=1; set_n() { declare N=8; }',
    'N=1; case $1 in big) N=8;; esac',
    'N=1; while IFS= read -r N; do echo; done',
  ])('does not know a value that is assigned again on the same line: %s', (line) => {
    expect(size(`${line}\ntorchrun --nproc_per_node $N train.py a.yaml`).perNode).toMatch(/^unknown/);
  });

  it.each([
    'if [ "$BIG" ]; then N=8; fi',
    'if a; then echo; else N=8; fi',
    'if a; then N=8; elif b; then echo; else N=8; fi',
    'if a; then N=8; else N=4; fi',
    'if a; then if b; then N=8; fi; fi',
    'for i in 1 2; do N=8; done',
    'while a; do N=8; done',
    'case $1 in big) N=8;; small) N=4;; esac',
    'case $1 in big) N=8 ;; esac',
    '[ -n "$BIG" ] && N=8',
    '[[ $BIG ]] &&\n  export N=8',
    'a || N=8',
    'a || { N=8; }',
    '(N=8)',
    '((BIG > 1)) && N=8',
  ])('does not know a value that only some ways assign: %s', (line) => {
    expect(size(`${line}\ntorchrun --nproc_per_node $N train.py a.yaml`).perNode).toMatch(/^unknown/);
  });

  it.each([
    'if a; then N=8; else N=8; fi',
    'N=8; if a; then M=4; fi',
    'N=8; if a; then N=8; fi',
    'case $1 in big) M=8;; *) M=4;; esac; N=8',
    'cd here && N=8',
    'set -e; N=8 && export N',
    'NAMES=(a b); N=8',
  ])('knows a value that every way leaves: %s', (line) => {
    expect(size(`${line}\ntorchrun --nproc_per_node $N train.py a.yaml`).perNode).toBe(8);
  });

  it.each([
    ['parentheses', '(', ')'],
    ['branches', 'if a; then V=1; fi\n', ''],
    ['patterns', 'case a in b) V=1;; c) W=2;; esac\n', ''],
    ['open branches', 'if a; then\n', ''],
  ])('takes no longer for many %s and variables', (_, open, close) => {
    const assigned = Array.from({ length: 12_000 }, (__, i) => `N${i}=1\n`).join('');
    const script = `${assigned}${open.repeat(Math.floor(100_000 / open.length))}${close.repeat(1000)}\ntorchrun train.py a.yaml`;
    expect(processorMilliseconds(() => launches(script))).toBeLessThan(8000);
  });

  it('knows inside a branch what it assigns', () => {
    const text = 'if a; then\n  N=4\n  torchrun --nproc_per_node $N train.py a.yaml\nelse\n  N=8\nfi';
    expect(size(text).perNode).toBe(4);
    const arms = 'case $1 in big) N=8; torchrun --nproc_per_node $N train.py a.yaml;; small) N=4;; esac';
    expect(size(arms).perNode).toBe(8);
  });

  it('takes a variable in place of the default that is written for it', () => {
    const of = (text: string) => size(`${text} train.py a.yaml`);
    const job = '#SBATCH --nodes=4\n#SBATCH --gpus-per-node=8\n';
    expect(
      of(`${job}srun torchrun --nnodes=\${SLURM_NNODES:-1} --nproc_per_node=\${SLURM_GPUS_ON_NODE:-1}`),
    ).toMatchObject({
      nodes: 4,
      perNode: 8,
    });
    expect(of(`N=8\ntorchrun --nproc_per_node \${N:-2}`).perNode).toBe(8);
    expect(of(`N=\ntorchrun --nproc_per_node \${N:-2}`).perNode).toBe(2);
    expect(of(`if a; then N=8; fi\ntorchrun --nproc_per_node \${N:-2}`).perNode).toMatch(/^unknown/);
    expect(of(`#SBATCH --nodes=2-4\nsrun torchrun --nnodes=\${SLURM_NNODES:-1}`).nodes).toMatch(/^unknown/);
    // Without a header the environment may still set it.
    expect(of(`torchrun --nnodes=\${SLURM_NNODES:-1}`).nodes).toMatch(/^unknown/);
  });

  it('finds a launch line behind a word of the shell', () => {
    const text = 'if a; then N=4 torchrun --nnodes 2 train.py a.yaml; else torchrun --nnodes 2 train.py b.yaml; fi';
    const found = launches(text);
    expect(found.map(({ start, end }) => text.slice(start, end))).toEqual([
      'torchrun --nnodes 2 train.py a.yaml',
      'torchrun --nnodes 2 train.py b.yaml',
    ]);
    expect(told(found[0]?.environment.get('N'))).toBe('4');
  });

  it.each([
    ['torchrun --nproc_per_node $N train.py a.yaml', '$N is set elsewhere'],
    ['N=4\nif x; then\nN=8\nfi\ntorchrun --nproc_per_node $N train.py a.yaml', '$N is set elsewhere'],
    [`torchrun --nproc_per_node \${N:-8} train.py a.yaml`, `\${N:-8} is computed by the shell`],
    ['torchrun --nproc_per_node $(nvidia-smi -L | wc -l) train.py a.yaml', 'computed by the shell'],
  ])('does not know a value the shell decides: %s', (text) => {
    expect(size(text).perNode).toMatch(/^unknown/);
  });

  it('ends a command at a separator and skips redirections and here-documents', () => {
    const found = launches(
      'cat <<EOF > x.sh\ntorchrun train.py fake.yaml\nEOF\ntorchrun train.py a.yaml > log 2>&1 && echo done',
    );
    expect(found).toHaveLength(1);
    expect(found[0]?.positional.map(({ raw }) => raw)).toEqual(['a.yaml']);
  });

  it('keeps exported variables and those in front of the command', () => {
    const [launch] = launches('export NCCL_DEBUG=INFO\nOMP_NUM_THREADS=12 torchrun train.py a.yaml');
    expect(told(launch?.environment.get('NCCL_DEBUG'))).toBe('INFO');
    expect(told(launch?.environment.get('OMP_NUM_THREADS'))).toBe('12');
  });

  it('does not know a list behind which an unknown word stands, as it may be more of it', () => {
    const flag = (line: string, name: string) => launches(`torchrun train.py ${line}`)[0]?.arguments.get(name);
    expect(flag('--lora_target_modules q_proj v_proj', 'lora_target_modules')?.plain).toEqual(['q_proj', 'v_proj']);
    for (const more of ['$MORE', '$(cat names)', '"$@"', '`names`'])
      expect(flag(`--lora_target_modules q_proj v_proj ${more}`, 'lora_target_modules')?.templated).toBe(true);
    expect(flag('--lora_target_modules q_proj $MORE', 'lora_target_modules')?.templated).toBe(true);
    expect(flag('--lora_target_modules q_proj --bf16 $BF16', 'lora_target_modules')?.plain).toBe('q_proj');
    // An argument of one word leaves the variable to other flags.
    expect(flag('--learning_rate 1e-5 $MORE', 'learning_rate')?.plain).toBe('1e-5');
  });

  it('does not take a plain python line for training', () => {
    expect(launches('python setup.py install\npip install deepspeed')).toHaveLength(0);
  });

  it.each(['$', '"', "'", '`', '${', '$(', '\\', 'torchrun "', 'a <<', '<<EOF\n', 'deepspeed $'])(
    'ends on %j',
    (text) => {
      expect(() => launches(text)).not.toThrow();
    },
  );
});
