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
      findings: (_file, _workspace, only) => {
        const seed = only?.launch.arguments.get('seed')?.plain;
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

describe('launch lines of other runs, other scripts and lists', () => {
  const BASE = TRAIN.replace('fp16: true\n', '');
  const of = (name: string, files: Readonly<Record<string, string>>) => {
    const workspace = memoryWorkspace(files);
    const file = workspace.source(`${ROOT}/${name}`);
    if (!file) throw new Error('it cannot be read');
    return Object.assign(analyze(file, { workspace, catalogs }), { workspace });
  };
  const DS = (micro: string) =>
    `{ "zero_optimization": { "stage": 2 }, "bf16": { "enabled": true }, "train_micro_batch_size_per_gpu": ${micro} }`;
  const errors = (name: string, rule: string, files: Readonly<Record<string, string>>) =>
    of(name, files)
      .findings()
      .filter((finding) => finding.rule === rule)
      .map(({ severity }) => severity);

  it('does not put the flags of another job into the Trainer file', () => {
    const files = {
      'ds.json': DS('4'),
      'train.yaml': `${BASE}deepspeed: ds.json\n`,
      'run.sh': 'deepspeed --num_gpus 8 train.py --config train.yaml\n',
    };
    const other = 'deepspeed --num_gpus 8 other.py --deepspeed ds.json --bf16 True --per_device_train_batch_size 4\n';
    expect(errors('ds.json', 'trainer-mismatch', { ...files, 'other.sh': other })).toEqual(['error']);
    expect(of('ds.json', { ...files, 'other.sh': other }).run?.launches).toHaveLength(1);
    const another = 'deepspeed other.py --config other.yaml --deepspeed ds.json --per_device_train_batch_size 4\n';
    expect(errors('ds.json', 'trainer-mismatch', { ...files, 'other.sh': another })).toEqual(['error']);
    // Without a line that starts the Trainer file, the other job is still another one.
    expect(errors('ds.json', 'trainer-mismatch', { ...files, 'run.sh': other })).toEqual(['error']);
    const both = 'deepspeed train.py --config train.yaml --deepspeed ds.json --per_device_train_batch_size 4\n';
    expect(errors('ds.json', 'trainer-mismatch', { ...files, 'run.sh': both })).toEqual(['warning']);
  });

  it('keeps an error that a line without training flags has, and says so', () => {
    const found = of('train.yaml', {
      'train.yaml': `${BASE}fp16: true\n`,
      'infer.sh': 'deepspeed --num_gpus 1 infer.py --config train.yaml --bf16 False --per_device_eval_batch_size 1\n',
      'run.sh': 'deepspeed --num_gpus 8 train.py --config train.yaml\n',
    }).findings();
    const both = found.find(({ rule }) => rule === 'fp16-and-bf16-arguments');
    expect(both?.severity).toBe('error');
    expect(both?.message).not.toContain('flags in run.sh');
  });

  it('names the value that is reckoned with, or none', () => {
    const line = (script: string, micro: number) =>
      `deepspeed --num_gpus 8 ${script} --model_name_or_path gpt2 --bf16 True --per_device_train_batch_size ${micro} --save_steps 10 --deepspeed ds.json\n`;
    const found = of('ds.json', { 'ds.json': DS('4'), 'a.sh': line('a.py', 4), 'b.sh': line('b.py', 2) }).findings();
    expect(found.map(({ message }) => message).join(' ')).not.toContain('reckons with 2');
    expect(found.map(({ rule }) => rule)).toContain('trainer-mismatch');
  });

  it('reads every word of a list, and removes every word of it', () => {
    const dpo = `${BASE}model_name_or_path: gpt2\nloss_type: [sigmoid, bco_pair]\nloss_weights: [0.8, 0.2]\nbeta: 0.1\n`;
    const rule = 'loss-weights-mismatch';
    const start = (flags: string) => ({
      'train.yaml': dpo,
      'run.sh': `trl dpo --config train.yaml ${flags} --seed 1\n`,
    });
    expect(errors('train.yaml', rule, start('--loss_type sigmoid sft'))).toEqual([]);
    // A variable behind it may hold more of the list, or other flags.
    expect(errors('train.yaml', rule, start('--loss_type sigmoid $MORE'))).toEqual([]);
    expect(errors('train.yaml', rule, start('--loss_type sigmoid $(cat losses)'))).toEqual([]);
    expect(errors('train.yaml', rule, start('--loss_type sigmoid --beta $MORE'))).toEqual(['error']);
    const files = start('--loss_type sigmoid sft hinge');
    const { findings, workspace } = of('train.yaml', files);
    const [fix] = findings()
      .filter((finding) => finding.rule === rule)
      .flatMap(({ fixes }) => fixes.filter(({ title }) => title.startsWith('Remove --loss_type')));
    const script = workspace.source(`${ROOT}/run.sh`)?.text ?? '';
    expect(applyEdits(script, fix?.edits ?? [])).toBe('trl dpo --config train.yaml --seed 1\n');
  });

  it('is not judged by the file that inline JSON stands over', () => {
    const run = (more: string) => ({
      'train.yaml': `${BASE}deepspeed: ds.json\n`,
      'ds.json': DS('4'),
      'run.sh': `deepspeed --num_gpus 8 train.py --config train.yaml${more}\n`,
    });
    expect(errors('train.yaml', 'trainer-mismatch', run(''))).toEqual(['error']);
    const inline = run(` --deepspeed '{"zero_optimization":{"stage":3}}'`);
    expect(errors('train.yaml', 'trainer-mismatch', inline)).toEqual([]);
    expect(errors('ds.json', 'trainer-mismatch', inline)).toEqual([]);
    expect(of('train.yaml', inline).run?.sharding.known).toBe(false);
  });

  it('is not judged by the file that names it, where every line gives another file in its place', () => {
    const run = (...more: readonly string[]) => ({
      'train.yaml': `${BASE}deepspeed: ds.json\n`,
      'ds.json': DS('4'),
      'other.json': DS('1'),
      'run.sh': more.map((each) => `deepspeed --num_gpus 8 train.py --config train.yaml${each}\n`).join(''),
    });
    const of = (files: Readonly<Record<string, string>>) => errors('ds.json', 'trainer-mismatch', files);
    expect(of(run(''))).toEqual(['error']);
    expect(of(run(' --deepspeed other.json'))).toEqual([]);
    expect(of(run(' --deepspeed gone.json', ' --deepspeed ./other.json'))).toEqual([]);
    expect(of(run(' --deepspeed other.json', ''))).toEqual(['error']);
    expect(of(run(' --deepspeed ./ds.json'))).toEqual(['error']);
    expect(errors('other.json', 'trainer-mismatch', run(' --deepspeed other.json'))).toEqual([]);
    expect(errors('train.yaml', 'trainer-mismatch', run(' --deepspeed other.json'))).toEqual([]);
  });

  it('takes no default for what a script may give itself', () => {
    const line =
      'deepspeed --num_gpus 8 train.py --output_dir out --per_device_train_batch_size 2 --save_steps 500 --logging_steps 10 --deepspeed ds.json\n';
    const start = (script: string | undefined) =>
      errors('ds.json', 'trainer-mismatch', {
        'ds.json': DS('2'),
        'run.sh': line,
        ...(script !== undefined && { 'train.py': script }),
      });
    const MAKES = 'args = TrainingArguments(output_dir=a.output_dir, bf16=True)\n';
    expect(start(undefined)).toEqual([]);
    expect(start(`p = argparse.ArgumentParser()\n${MAKES}`)).toEqual([]);
    expect(start(`s = HfArgumentParser(ScriptArguments).parse_args_into_dataclasses()\n${MAKES}`)).toEqual([]);
    expect(start('p = HfArgumentParser((ModelArguments, TrainingArguments))\n')).toEqual(['warning']);
    expect(start('class Mine(TrainingArguments):\n  x: int\np = HfArgumentParser((A, Mine))\n')).toEqual(['warning']);
  });

  it('lets an old name stand over the new one, as the Trainer does', () => {
    const best = `${BASE}eval_strategy: 'no'\nsave_strategy: steps\nsave_steps: 100\neval_steps: 100\nload_best_model_at_end: true\n`;
    const start = (flags: string) =>
      errors('train.yaml', 'load-best-strategy-mismatch', {
        'train.yaml': best,
        'run.sh': `trl sft --config train.yaml${flags}\n`,
      });
    expect(start('')).toEqual(['error']);
    expect(start(' --evaluation_strategy steps')).toEqual(['warning']);
  });
});

describe('a byte order mark of a Trainer file in JSON', () => {
  it('is passed over by TRL, which reads it as YAML', () => {
    const json = `\uFEFF${JSON.stringify({ output_dir: 'out', learning_rate: 2e-5, num_train_epochs: 1, logging_steps: 10, per_device_train_batch_size: 1 })}`;
    const found = (run: string) => {
      const workspace = memoryWorkspace({ 'train.json': json, 'run.sh': run });
      const file = workspace.source(`${ROOT}/train.json`);
      if (!file) throw new Error('it cannot be read');
      return analyze(file, { workspace, catalogs })
        .findings()
        .filter(({ rule }) => rule === 'byte-order-mark');
    };
    expect(found('python train.py train.json\n')).toHaveLength(1);
    expect(found('trl sft --config train.json\n')).toEqual([]);
  });
});

describe('an error that depends on what is not settled', () => {
  const DS = '{ "train_batch_size": 256, "zero_optimization": { "stage": 2 }, "bf16": { "enabled": "auto" } }';
  const ARGUMENTS = `${TRAIN.replace('fp16: true\n', '').replace('size: 1', 'size: 16')}gradient_accumulation_steps: 4\ndeepspeed: ds.json\n`;
  const errors = (run: string, more: Readonly<Record<string, string>> = {}, name = 'ds.json') => {
    const workspace = memoryWorkspace({ 'ds.json': DS, 'train.yaml': ARGUMENTS, 'run.sh': run, ...more });
    const file = workspace.source(`${ROOT}/${name}`);
    if (!file) throw new Error('it cannot be read');
    return analyze(file, { workspace, catalogs })
      .findings()
      .filter(({ rule }) => rule === 'trainer-batch-mismatch' || rule === 'fp16-and-bf16-arguments')
      .map(({ severity, message }) => `${severity}: ${message.slice(message.indexOf('differ.') + 7).trim()}`);
  };
  const LINE = 'torchrun --nproc_per_node 8 train.py train.yaml';

  it.each(['"$@"', '$EXTRA_ARGS', `\${@:2}`, '--bf16 "$@"', '--seed 1 "$@"'])(
    'is a warning where further flags could mend it: %s',
    (words) => {
      const [, word] = /(\S+)$/.exec(words) ?? [];
      expect(errors(`${LINE} ${words}`)).toEqual([`warning: ${word} on the launch line may mend this.`]);
    },
  );

  it('stays one without such words, or where one line has none', () => {
    expect(errors(LINE)).toEqual(['error: ']);
    expect(errors(`${LINE} --output_dir $DIR`)).toEqual(['error: ']);
    expect(errors(`${LINE} "$@"\n${LINE}`)).toEqual(['error: ']);
    const script = { 'train.py': 'HfArgumentParser(TrainingArguments).parse_yaml_file(sys.argv[1])' };
    expect(errors(`${LINE} "$@"`, script)).toEqual(['error: ']);
  });

  it('stays one where no argument has part in it', () => {
    const files = { 'ds.json': DS.replace('"stage": 2', '"stage": 7') };
    const workspace = memoryWorkspace({ ...files, 'train.yaml': ARGUMENTS, 'run.sh': `${LINE} "$@"` });
    const file = workspace.source(`${ROOT}/ds.json`);
    const found = file ? analyze(file, { workspace, catalogs }).findings() : [];
    expect(found.filter(({ severity }) => severity === 'error').map(({ start }) => start)).not.toEqual([]);
  });

  it('is a warning where the size that another source gives has it not', () => {
    const target = (gpus: number) => ({
      'shardlens.json': `{ "target": "x", "targets": { "x": { "hardware": "p4d.24xlarge", "gpusPerNode": ${gpus} } } }`,
    });
    const four = LINE.replace('8', '4');
    expect(errors(four, target(8))).toEqual(['warning: With the other number of processes this is not so.']);
    expect(errors(four, target(2))).toEqual(['warning: With the other number of processes this is not so.']);
    expect(errors(LINE, target(2))).toEqual(['error: ']);
    expect(errors(LINE, target(8))).toEqual(['error: ']);
  });
});
