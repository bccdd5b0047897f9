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
    expect(found(' --fp16 False')?.message).toContain('With the flags of the launch line this is not so');
    expect(found(' --fp16 "$FP16"')?.severity).toBe('warning');
  });
});

describe('a finding of arguments that several launch lines start', () => {
  const startedBy = (train: string, ...flags: readonly string[]) => {
    const lines = flags.map((each) => `accelerate launch train.py --config train.yaml${each}\n`);
    const workspace = memoryWorkspace({ 'train.yaml': train, 'run.sh': lines.join('') });
    const file = workspace.source(`${ROOT}/train.yaml`);
    if (!file) throw new Error('it cannot be read');
    return analyze(file, { workspace, catalogs }).findings();
  };
  const severities = (train: string, rule: string, ...flags: readonly string[]) =>
    startedBy(train, ...flags)
      .filter((finding) => finding.rule === rule)
      .map(({ severity }) => severity);

  it('stays an error where one of them meets it', () => {
    expect(severities(TRAIN, 'fp16-and-bf16-arguments', ' --fp16 False')).toEqual(['warning']);
    expect(severities(TRAIN, 'fp16-and-bf16-arguments', ' --fp16 False', ' --learning_rate 1e-5')).toEqual(['error']);
  });

  it('keeps the level that the user gave it, where there is something to say', () => {
    const train = `${TRAIN.replace('fp16: true\n', '')}eval_steps: 20\n`;
    const levels = { 'eval-steps-without-strategy': 'information', 'fp16-and-bf16-arguments': 'error' };
    const found = (text: string, flags: string) => {
      const workspace = memoryWorkspace({
        'train.yaml': text,
        'run.sh': `accelerate launch train.py --config train.yaml${flags}\n`,
        'shardlens.json': JSON.stringify({ rules: levels }),
      });
      const file = workspace.source(`${ROOT}/train.yaml`);
      if (!file) throw new Error('it cannot be read');
      const all = analyze(file, { workspace, catalogs }).findings();
      return all.filter(({ rule }) => rule in levels).map(({ severity }) => severity);
    };
    expect(found(train, ' --learning_rate 1e-5')).toEqual(['information']);
    expect(found(train, ' --eval_strategy steps')).toEqual([]);
    expect(found(TRAIN, ' --fp16 False')).toEqual(['error']);
  });

  it('is no warning where the flags of all take it away', () => {
    const train = `${TRAIN.replace('fp16: true\n', '')}eval_steps: 20\n`;
    const rule = 'eval-steps-without-strategy';
    expect(severities(train, rule, '').length).toBe(1);
    expect(severities(train, rule, ' --eval_strategy steps')).toEqual([]);
    expect(severities(train, rule, ' --eval_strategy steps', ' --learning_rate 1e-5').length).toBe(1);
  });
});

describe('an error that compares training arguments', () => {
  const BEST = `${TRAIN.replace('fp16: true\n', '')}load_best_model_at_end: true\nsave_strategy: steps\nsave_steps: 30\n`;
  const steps = (train: string, flags: string) => {
    const run = `accelerate launch train.py --config train.yaml${flags}\n`;
    const workspace = memoryWorkspace({ 'train.yaml': train, 'run.sh': run });
    const file = workspace.source(`${ROOT}/train.yaml`);
    if (!file) throw new Error('it cannot be read');
    return analyze(file, { workspace, catalogs })
      .findings()
      .filter(({ severity }) => severity === 'error' || severity === 'warning');
  };
  const errors = (train: string, flags: string) => steps(train, flags).filter(({ severity }) => severity === 'error');

  it('is none where a flag changes what is compared with', () => {
    const train = `${BEST}eval_strategy: steps\neval_steps: 20\n`;
    expect(errors(train, '')).toHaveLength(1);
    expect(errors(train, ' --eval_steps 15')).toEqual([]);
    expect(errors(train, ' --eval_steps "$STEPS"')).toEqual([]);
  });

  it('is none where a flag gives what the file lacks', () => {
    expect(errors(BEST, '').length).toBeGreaterThan(0);
    const flags = ' --eval_strategy steps --eval_steps 10';
    expect(errors(BEST, flags)).toEqual([]);
    expect(steps(BEST, flags).map(({ message }) => message)).toContainEqual(
      expect.stringContaining('With the flags of the launch line this is not so'),
    );
  });
});
