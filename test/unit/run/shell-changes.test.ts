// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the scripts are in the shell's words
import { describe, expect, it } from 'vitest';
import { launchesOf } from '../../../server/src/core/run/launch';
import { sizeOf } from '../../../server/src/core/run/launch-size';
import { readScript } from '../../../server/src/core/run/shell';
import { processorMilliseconds } from '../../processor-time';
import { told } from './joining';

function sizes(text: string) {
  return launchesOf('/workspace/run.sh', readScript('/workspace/run.sh', text)).map((launch) => {
    const { processes, nodes, perNode } = sizeOf(launch);
    return { processes: told(processes), nodes: told(nodes), perNode: told(perNode) };
  });
}

const LAUNCH = 'torchrun --nproc_per_node $N train.py a.yaml';

describe('variables', () => {
  it.each([
    '(( N /= 2 ))',
    '((N++))',
    'echo $(( N = 4 ))',
    'N=\n: ${N:=4}',
    'let N=N/2',
    'let "N /= 2"',
    'N+=0',
    'N[0]=4',
    'printf -v N "%d" 4',
    'read N',
    'read -r M N',
    'mapfile -t N < file',
    'declare N=4',
    'declare "N=4"',
    'declare -i N=8',
    'unset N',
    'export $(cat .env)',
    'eval "$1"',
    'source config.sh',
    '. ./config.sh',
    'for a in "$@"; do eval "$a"; done',
    'if a; then source config.sh; fi',
    'while getopts "n:" N; do echo; done',
    'lspci -q && N=4',
    'for ((N=1; N<4; N++)); do echo; done',
  ])('is not known behind %s', (change) => {
    expect(sizes(`N=8\n${change}\n${LAUNCH}`)[0]?.perNode).toMatch(/^unknown/);
  });

  it.each(['lspci -q && N=8', 'python prepare.py && export N=8', 'a && if b; then N=8; else N=8; fi'])(
    'is not known where the command before may fail: %s',
    (line) => {
      expect(sizes(`${line}\n${LAUNCH}`)[0]?.perNode).toMatch(/^unknown/);
    },
  );

  it.each([
    'N=8; source venv/bin/activate',
    'N=8; eval "$(conda shell.bash hook)"',
    'source config.sh; N=8',
    'eval "$1"; N=8',
    'mkdir -p out && N=8',
    'N=8; (( M /= 2 ))',
    'N=8; (( N == 8 ))',
    'N=8; read M; printf "$N"',
    'N=8; { echo; }',
    'N=8; : ${N:=4}',
    'N=8; f() { M=4; }; f',
    'N=8; a && M=4',
  ])('is known behind %s', (lines) => {
    expect(sizes(`${lines}\n${LAUNCH}`)[0]?.perNode).toBe(8);
  });

  it('is known to the commands that run only where it is assigned', () => {
    expect(sizes(`python prepare.py && N=8 && ${LAUNCH}`)[0]?.perNode).toBe(8);
    expect(sizes(`if a; then N=8; else ${LAUNCH}; fi`)[0]?.perNode).toMatch(/^unknown/);
  });

  it.each([
    `N=64; start() {\n${LAUNCH}\n}\nN=4\nstart`,
    `N=64\nfunction start {\n${LAUNCH}\n}\nN=4\nstart`,
    `N=64\nfunction start\n{ ${LAUNCH}; }\nread N\nstart`,
    `N=64\nstart() (\n${LAUNCH}\n)\nsource config.sh\nstart`,
    `N=64\nfor i in 1 2; do ${LAUNCH}; N=4; done`,
  ])('is not known where it changes before the line runs: %s', (text) => {
    expect(sizes(text)[0]?.perNode).toMatch(/^unknown/);
  });

  it.each([
    `N=8; start() {\n${LAUNCH}\n}\nstart`,
    `N=4; start() {\nlocal M=8\ntorchrun --nproc_per_node $M train.py a.yaml\n}\nstart; N=2`,
    `for i in 1 2; do N=8; ${LAUNCH}; done; N=4`,
  ])('is known where it stays: %s', (text) => {
    expect(sizes(text)[0]?.perNode).toBe(8);
  });
});

describe('words in variables', () => {
  it.each([
    'D=(--nproc_per_node 8 --nnodes 2)\ntorchrun "${D[@]}" train.py a.yaml',
    'D=(\n  --nproc_per_node 8 # GPUs\n  --nnodes=2\n)\ntorchrun ${D[@]} train.py a.yaml',
    'N=2\nA=(--nnodes $N)\nB=("${A[@]}" --nproc_per_node 8)\ntorchrun "${B[@]}" train.py a.yaml',
    'G=8\nD="\n  --nproc_per_node $G \\\n  --nnodes 2\n"\ntorchrun $D train.py a.yaml',
    'L="torchrun --nproc_per_node 8 --nnodes 2"\n$L train.py a.yaml',
    'E=""\ntorchrun $E --nproc_per_node 8 --nnodes 2 train.py a.yaml',
  ])('are read as the shell splits them: %s', (text) => {
    expect(sizes(text)).toEqual([{ processes: undefined, nodes: 2, perNode: 8 }]);
  });

  it.each([
    'torchrun $ARGS train.py a.yaml',
    'torchrun $DISTRIBUTED_ARGS $SCRIPT',
    'torchrun "${D[@]}" train.py a.yaml',
    'D=(--nnodes 2)\nD+=(--nproc_per_node 8)\ntorchrun "${D[@]}" train.py a.yaml',
    'D=(--nnodes 2)\nif a; then D=(--nnodes 4); fi\ntorchrun "${D[@]}" train.py a.yaml',
    'torchrun $(size) train.py a.yaml',
  ])('leave the size unknown where they cannot be read: %s', (text) => {
    const [size] = sizes(text);
    expect(size?.nodes).toMatch(/^unknown/);
    expect(size?.perNode).toMatch(/^unknown/);
  });

  it('leave what is written beside them', () => {
    expect(sizes('torchrun --nproc_per_node 8 $ARGS train.py a.yaml')[0]).toMatchObject({ perNode: 8 });
    expect(sizes('torchrun --nproc_per_node 8 "$SCRIPT" a.yaml')[0]).toMatchObject({ perNode: 8, nodes: undefined });
    expect(sizes('trl sft --config a.yaml $EXTRA')[0]?.processes).toMatch(/^unknown/);
  });

  it('are not offered for a change in place', () => {
    const text = 'D="--nproc_per_node 8"\ntorchrun $D train.py a.yaml';
    const [launch] = launchesOf('/workspace/run.sh', readScript('/workspace/run.sh', text));
    expect(launch?.flags.get('nproc_per_node')).toMatchObject({ plain: '8', literal: false });
  });

  it.each([
    ['doubled values', `A0=xxxxxxxxxx\n${Array.from({ length: 200 }, (_, i) => `A${i + 1}=$A${i}$A${i}`).join('\n')}`],
    ['a long value used often', `A="${'x '.repeat(50_000)}"\n${'echo $A\n'.repeat(15_000)}`],
    ['a long array used often', `A=(${'x '.repeat(50_000)})\n${'echo "${A[@]}"\n'.repeat(9_000)}`],
    ['arrays in arrays', `A=(${'B=('.repeat(60_000)}`],
    ['open arithmetic', '((\n'.repeat(80_000)],
    ['arithmetic in one line', '((;'.repeat(80_000)],
    ['evals', `${Array.from({ length: 8_000 }, (_, i) => `N${i}=1\n`).join('')}${'eval x\n'.repeat(20_000)}`],
    ['functions', `${'f() {\n'.repeat(10_000)}${'N=1; echo $N $M\n'.repeat(10_000)}`],
    ['lists', `${'a && ( '.repeat(20_000)}${'N=1; b || '.repeat(10_000)}`],
    ['loops with names', `for i in a; do\n${'aaaaaaaaaaaaaaaaaaa   '.repeat(10_000)}\nN=1; echo $N\nM=2`],
  ])('take no longer for %s', (_, text) => {
    expect(processorMilliseconds(() => sizes(`${text}\n${LAUNCH}`))).toBeLessThan(6000);
  });
});
