import { describe, expect, it } from 'vitest';
import { microBatch } from '../../../server/src/core/moves/batch';
import { opened } from './run-in';

const DS =
  '{ "bf16": { "enabled": true }, "zero_optimization": { "stage": 2 }, "train_micro_batch_size_per_gpu": "auto", "gradient_accumulation_steps": "auto" }\n';
const LINE =
  'torchrun --nproc_per_node 8 train.py --model_name_or_path meta-llama/Meta-Llama-3-8B --output_dir out --bf16 True --deepspeed ds.json';

function project(script: string) {
  return {
    'ds.json': DS,
    'launch.sh': script,
    'shardlens.json': '{ "target": "t", "targets": { "t": { "hardware": "p4d.24xlarge" } }, "sequenceLength": 2048 }',
  };
}

const BRACED = `"\${MICRO}"`;

const flags = (micro: string, steps: string) =>
  `${LINE} --per_device_train_batch_size ${micro} --gradient_accumulation_steps ${steps}\n`;

describe('a flag that takes its value from a variable', () => {
  it.each([
    ['of its own', `MICRO=4\nSTEPS=2\n${flags('$MICRO', '$STEPS')}`, `MICRO=2\nSTEPS=4\n${flags('$MICRO', '$STEPS')}`],
    [
      'in quotes and braces',
      `MICRO="4" # rows\nSTEPS='2'\n${flags(BRACED, '$STEPS')}`,
      `MICRO="2" # rows\nSTEPS='4'\n${flags(BRACED, '$STEPS')}`,
    ],
    ['beside one that does not', `MICRO=4\n${flags('$MICRO', '2')}`, `MICRO=2\n${flags('$MICRO', '4')}`],
    [
      'joined by an equals sign',
      `MICRO=4\n${LINE} --per_device_train_batch_size=$MICRO --gradient_accumulation_steps=2\n`,
      `MICRO=2\n${LINE} --per_device_train_batch_size=$MICRO --gradient_accumulation_steps=4\n`,
    ],
  ])('%s is changed where the script assigns it', (_, script, expected) => {
    const { moves, written, closed } = opened(microBatch, project(script));
    expect(closed).toEqual([]);
    const half = moves.find(({ title }) => / to 2 and /.test(title));
    if (!half) throw new Error(`no micro-batch of 2 among ${moves.map(({ title }) => title)}`);
    const { texts, analysis, brings } = written(half);
    expect(texts).toEqual({ 'launch.sh': expected });
    expect(brings()).toEqual([]);
    expect(analysis.run?.batch.micro).toMatchObject({ value: 2 });
    expect(analysis.run?.batch.accumulation).toMatchObject({ value: 4 });
  });

  it.each([
    ['is used elsewhere', `MICRO=4\n${flags('$MICRO', '2')}echo "rows: $MICRO"\n`, 'MICRO, which is used 2 times'],
    [
      'fills a document of the script',
      `MICRO=4\ncat > x.yaml <<EOF\nrows: \${MICRO}\nEOF\n${flags('$MICRO', '2')}`,
      'which is used 2 times',
    ],
    ['is used with a default', `MICRO=4\nROWS=\${MICRO:-1}\n${flags('$MICRO', '2')}`, 'which is used 2 times'],
    ['is exported', `export MICRO=4\n${flags('$MICRO', '2')}`, 'MICRO, which is exported'],
    ['is exported later', `MICRO=4\nexport MICRO\n${flags('$MICRO', '2')}`, 'MICRO, which is exported'],
    ['is assigned twice', `MICRO=4\nMICRO=4\n${flags('$MICRO', '2')}`, 'MICRO, which is assigned 2 times'],
    ['is a part of the word', `MICRO=4\n${flags('1$MICRO', '2')}`, 'takes its value from a variable'],
  ])('stays where the variable %s, and that is said', (_, script, words) => {
    const { moves, closed } = opened(microBatch, project(script));
    expect(moves).toEqual([]);
    expect(closed.map(({ because }) => because).join('\n')).toContain(words);
  });
});
