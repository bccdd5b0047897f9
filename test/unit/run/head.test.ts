import { describe, expect, it } from 'vitest';
import { join, told, trainer } from './joining';

const of = (text: string, script?: string) =>
  told(
    join({
      'train.yaml': trainer(text),
      ...(script !== undefined && { 'run.sh': `python ${script} train.yaml\n` }),
    }).run.head,
  );

describe('what an encoder ends in', () => {
  it('is told by keys that only such scripts have', () => {
    expect(of('task_name: mnli\n')).toBe('labels');
    expect(of('num_labels: 3\n')).toBe('labels');
    expect(of('mlm_probability: 0.15\n')).toBe('vocabulary');
  });

  it('is told by the name of the script', () => {
    const names = ['run_glue.py', 'src/run_classification.py', 'run_ner.py', 'run_mlm.py', 'pretrain.py'];
    expect(names.map((name) => of('', name))).toEqual(['labels', 'labels', 'labels', 'vocabulary', 'vocabulary']);
  });

  it('is not known where neither tells', () => {
    expect(of('')).toMatch(/^unknown: the script chooses the class/);
    expect(of('', 'train.py')).toMatch(/^unknown/);
    expect(of('', 'train_partner.py')).toMatch(/^unknown/);
  });
});
