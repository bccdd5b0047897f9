import { describe, expect, it } from 'vitest';
import { analyze } from '../../../server/src/core/analyze';
import type { Finding } from '../../../server/src/core/findings';
import { withLaunches } from '../../../server/src/core/launched/launched';
import { applyEdits } from '../../../server/src/core/text/edit';
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

describe('what the flags of a launch line bring', () => {
  const BASE = TRAIN.replace('fp16: true\n', '');
  const RULE = 'fp16-and-bf16-arguments';
  const TRL = 'from trl import TrlParser\nparser = TrlParser((ScriptArguments, SFTConfig))\n';
  const analysed = (files: Readonly<Record<string, string>>, name: string) => {
    const workspace = memoryWorkspace(files);
    const file = workspace.source(`${ROOT}/${name}`);
    if (!file) throw new Error('it cannot be read');
    return { analysis: analyze(file, { workspace, catalogs }), workspace };
  };
  const of = (files: Readonly<Record<string, string>>, rule: string, name = 'train.yaml') =>
    analysed(files, name)
      .analysis.findings()
      .filter((finding) => finding.rule === rule);

  it('is said at the key of the file, with the flag named and shown', () => {
    const run = 'accelerate launch train.py \\\n  --config train.yaml \\\n  --fp16 true\n';
    const [finding] = of({ 'train.yaml': BASE, 'run.sh': run }, RULE);
    expect(BASE.slice(finding?.start, finding?.end)).toBe('bf16: true');
    expect(finding?.severity).toBe('warning');
    expect(finding?.message).toContain('This comes with --fp16 true in run.sh:3.');
    const [place] = finding?.related ?? [];
    expect(run.slice(place?.start, place?.end)).toBe('--fp16 true');
  });

  it('is an error where every line has it and the script surely reads flags', () => {
    const line = 'accelerate launch train.py --config train.yaml --fp16 true\n';
    const files = { 'train.yaml': BASE, 'run.sh': line, 'train.py': TRL };
    expect(of(files, RULE)[0]?.severity).toBe('error');
    expect(of({ ...files, 'run.sh': line.replace('accelerate launch train.py', 'trl sft') }, RULE)[0]?.severity).toBe(
      'error',
    );
    const two = `${line}accelerate launch train.py --config train.yaml --learning_rate 1e-5\n`;
    const [finding] = of({ ...files, 'run.sh': two }, RULE);
    expect(finding?.severity).toBe('warning');
    expect(finding?.message).toContain('in run.sh:1, not with the other line.');
  });

  it('is nothing where the script reads the file alone, or a variable fills the flag', () => {
    const files = { 'train.yaml': BASE, 'run.sh': 'python train.py train.yaml --fp16 true --seed 1\n' };
    expect(of(files, RULE)).toHaveLength(1);
    const script = 'parser = HfArgumentParser((A,))\nparser.parse_yaml_file(sys.argv[1])\n';
    expect(of({ ...files, 'train.py': script }, RULE)).toEqual([]);
    expect(of({ ...files, 'run.sh': files['run.sh'].replace('true', '"$FP16"') }, RULE)).toEqual([]);
  });

  it('is mended where the flag stands, once', () => {
    const run = 'trl sft --config train.yaml --fp16 true --seed 3\n';
    const [finding] = of({ 'train.yaml': BASE, 'run.sh': run }, RULE);
    const fix = finding?.fixes.find(({ title }) => title === 'Remove --fp16 from the launch line');
    expect(applyEdits(run, fix?.edits ?? [])).toBe('trl sft --config train.yaml --seed 3\n');
    expect(finding?.fixes.map(({ title, edits }) => `${title}: ${edits.map((edit) => edit.path)}`)).toEqual([
      `Set bf16 to false: ${ROOT}/train.yaml`,
      `Set --fp16 to false on the launch line: ${ROOT}/run.sh`,
      `Remove --fp16 from the launch line: ${ROOT}/run.sh`,
    ]);
  });

  it('is held against a DeepSpeed file, with a Trainer file or without one', () => {
    const ds = '{ "train_micro_batch_size_per_gpu": 4, "zero_optimization": { "stage": 2 } }';
    const run =
      'deepspeed train.py --deepspeed ds.json --output_dir out --bf16 True --save_strategy steps --per_device_train_batch_size 2\n';
    const [alone] = of({ 'ds.json': ds, 'run.sh': run, 'train.py': TRL }, 'trainer-mismatch', 'ds.json');
    expect(alone?.severity).toBe('error');
    expect(alone?.message).toContain('per_device_train_batch_size is 2 on the launch line');
    const change = alone?.fixes.find(
      ({ title }) => title === 'Set --per_device_train_batch_size to 4 on the launch line',
    );
    expect(applyEdits(run, change?.edits ?? [])).toContain('--per_device_train_batch_size 4\n');
    expect(of({ 'ds.json': ds, 'run.sh': run }, 'trainer-mismatch', 'ds.json')[0]?.severity).toBe('warning');
    const both = {
      'ds.json': ds,
      'train.yaml': BASE,
      'run.sh': 'trl sft --config train.yaml --deepspeed ds.json --per_device_train_batch_size 2\n',
    };
    expect(of(both, 'trainer-mismatch')[0]?.message).toContain('--per_device_train_batch_size 2 in run.sh:1');
  });

  it('has its place at the top where the file has no key of it', () => {
    const files = {
      'train.yaml': BASE.replace('bf16: true\n', ''),
      'run.sh': 'trl sft --config train.yaml --bf16 --fp16\n',
    };
    const [finding] = of(files, RULE);
    expect([finding?.start, finding?.end]).toEqual([0, 0]);
    expect(finding?.message).toContain('--bf16');
  });

  it('is not looked for where no line gives arguments', () => {
    let looks = 0;
    const { analysis, workspace } = analysed(
      { 'train.yaml': BASE, 'run.sh': 'accelerate launch --num_processes 2 train.py --config train.yaml\n' },
      'train.yaml',
    );
    const { file, run } = analysis;
    if (!run) throw new Error('it is no run');
    const found = withLaunches([], {
      file,
      run,
      workspace,
      catalogs,
      levels: {},
      dependencies: new Set(),
      findings: () => {
        looks++;
        return [];
      },
    });
    expect([found, looks]).toEqual([[], 0]);
  });
});

describe('an error that one of several lines has', () => {
  const RUN = 'trl sft --config train.yaml --seed 1\ntrl sft --config train.yaml --seed 2\n';
  const ERROR: Finding = {
    rule: 'memory-does-not-fit',
    severity: 'error',
    message: 'It is too large.',
    path: `${ROOT}/train.yaml`,
    start: 0,
    end: 4,
    related: [],
    fixes: [],
  };
  const shown = (isOfFiles: boolean) => {
    const workspace = memoryWorkspace({ 'train.yaml': TRAIN, 'run.sh': RUN });
    const file = workspace.source(`${ROOT}/train.yaml`);
    const run = file && analyze(file, { workspace, catalogs }).run;
    if (!file || !run) throw new Error('it is no run');
    return withLaunches([ERROR], {
      file,
      run,
      workspace,
      catalogs,
      levels: {},
      dependencies: new Set(),
      findings: (_file, _workspace, { launch }) => {
        const seed = launch.arguments.get('seed')?.plain;
        return seed === '1' || (seed === undefined && isOfFiles) ? [ERROR] : [];
      },
    }).map(({ severity, message }) => `${severity}: ${message}`);
  };

  it('is a warning that names the line where the flags bring it, and stays one where the files do', () => {
    const message = 'It is too large. This comes with the flags in run.sh:1; the other line does not have it.';
    expect(shown(false)).toEqual([`warning: ${message}`]);
    expect(shown(true)).toEqual(['error: It is too large.']);
  });
});
