import { describe, expect, it } from 'vitest';
import { Trials } from '../../../server/src/core/rewrite/trial';
import { parseSource } from '../../../server/src/core/syntax/parse';
import { ROOT } from '../../memory-workspace';
import { project } from './rewriting';

const TRAIN = 'output_dir: out\nper_device_train_batch_size: 2\nbf16: true\ndeepspeed: ds.json\n';
const DS = '{ "bf16": { "enabled": "auto" }, "zero_optimization": { "stage": 2 } }\n';
const IGNORED = DS.replace('"stage": 2', '"stage": 2, "offload_param": { "device": "cpu" }');

function trials(where: 'file' | 'run', ds = DS) {
  const { analysis, input } = project({ 'train.yaml': TRAIN, 'ds.json': ds });
  return new Trials(analysis, input, where);
}

function changed(name: string, text: string) {
  return new Map([[`${ROOT}/${name}`, parseSource(`${ROOT}/${name}`, text)]]);
}

describe('an edit that is tried', () => {
  it('is analysed in the file and in those beside it', () => {
    const { analysis } = trials('run').with(changed('ds.json', DS.replace('2', '3')));
    const { run } = analysis;
    expect(run?.sharding.known && run.sharding.value.kind === 'zero' && run.sharding.value.stage).toMatchObject({
      value: 3,
    });
  });

  it('brings the findings of every file of the run, where the run is looked at', () => {
    const rules = trials('run')
      .with(changed('ds.json', IGNORED))
      .brings()
      .map(({ rule }) => rule);
    expect(rules).toContain('offload-param-ignored');
  });

  it('brings those of the file alone, where only it is looked at', () => {
    expect(trials('file').with(changed('ds.json', IGNORED)).brings()).toEqual([]);
  });

  it('brings nothing that was there before', () => {
    expect(
      trials('run', IGNORED)
        .with(changed('train.yaml', `${TRAIN}logging_steps: 10\n`))
        .brings(),
    ).toEqual([]);
  });
});
