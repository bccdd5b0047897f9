import { describe, expect, it } from 'vitest';
import { analyze } from '../../../server/src/core/analyze';
import { loadCatalogs } from '../../../server/src/data/index';
import { memoryWorkspace, ROOT } from '../../memory-workspace';

const catalogs = loadCatalogs();
const TRAIN =
  'output_dir: out\nlearning_rate: 2.0e-5\nper_device_train_batch_size: 1\nnum_train_epochs: 1\nlogging_steps: 10\nbf16: true\nfp16: true\n';

function found(flags: string) {
  const run = `accelerate launch train.py --config train.yaml${flags}\n`;
  const workspace = memoryWorkspace({ 'train.yaml': TRAIN, 'run.sh': run });
  const file = workspace.source(`${ROOT}/train.yaml`);
  if (!file) throw new Error('it cannot be read');
  return analyze(file, { workspace, catalogs })
    .findings()
    .find(({ rule }) => rule === 'fp16-and-bf16-arguments');
}

describe('an error in training arguments', () => {
  it('stays one where the launch line says nothing else', () => {
    expect(found('')?.severity).toBe('error');
    expect(found(' --fp16 True')?.severity).toBe('error');
  });

  it('is a warning where a flag overrides what it is about', () => {
    expect(found(' --fp16 False')?.severity).toBe('warning');
    expect(found(' --fp16 False')?.message).toContain('The launch line gives another fp16');
    expect(found(' --fp16 "$FP16"')?.severity).toBe('warning');
  });
});
