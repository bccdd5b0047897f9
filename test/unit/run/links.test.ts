import { describe, expect, it } from 'vitest';
import { ROOT } from '../../memory-workspace';
import { ACCELERATE, join, source, told, trainer } from './joining';

const DS = '{ "zero_optimization": { "stage": 2 }, "train_micro_batch_size_per_gpu": "auto" }';

function files(input: Record<string, string>): Record<string, string> {
  return Object.fromEntries(join(input).run.files.map(({ path, because }) => [path.slice(ROOT.length + 1), because]));
}

describe('which files make one run', () => {
  it('follows deepspeed: beside the file and in the folders above it', () => {
    const text = trainer('deepspeed: configs/ds.json\n');
    expect(files({ 'a/b/train.yaml': text, 'configs/ds.json': DS })).toEqual({
      'a/b/train.yaml': 'the file itself',
      'configs/ds.json': 'named by `deepspeed` in train.yaml:7',
    });
  });

  it("goes by the Trainer's own DeepSpeed file where Accelerate is given another one", () => {
    const set = {
      'train.yaml': trainer('deepspeed: ds.json\n'),
      'ds.json': DS,
      'other.json': DS.replace('2', '3'),
      'run.sh': 'accelerate launch --num_processes 4 --deepspeed_config_file other.json train.py --config train.yaml\n',
    };
    expect(Object.keys(files(set))).toEqual(['train.yaml', 'ds.json']);
    const { 'ds.json': ds, ...rest } = set;
    expect(told(join({ 'ds.json': ds, ...rest }).run.worldSize)).toBe(4);
    const flag = { ...set, 'run.sh': set['run.sh'].replace('train.yaml', 'train.yaml --deepspeed other.json') };
    expect(Object.keys(files(flag))).toEqual(['train.yaml', 'other.json']);
    const plain = { ...set, 'train.yaml': trainer('') };
    expect(Object.keys(files(plain))).toEqual(['train.yaml', 'other.json']);
  });

  it('finds the Trainer file that names a DeepSpeed file, and says which others could be meant', () => {
    const { run } = join({
      'ds.json': DS,
      'a.yaml': trainer('deepspeed: ds.json\nper_device_train_batch_size: 3\n'),
      'b.yaml': trainer('deepspeed: ds.json\nper_device_train_batch_size: 5\n'),
    });
    expect(run.files[1]).toMatchObject({ path: `${ROOT}/a.yaml`, alternatives: [`${ROOT}/b.yaml`] });
    expect(told(run.batch.micro)).toBe(3);
    expect(told(run.consumer)).toBe('trainer');
  });

  it('finds the Accelerate file of a Trainer file by a launch line, both ways', () => {
    const set = {
      'sft.yaml': trainer(''),
      'acc/one.yaml': `${ACCELERATE}num_processes: 4\n`,
      'acc/two.yaml': `${ACCELERATE}num_processes: 2\n`,
      'run.sh': 'accelerate launch --config_file acc/two.yaml train.py --config sft.yaml',
    };
    expect(files(set)).toEqual({
      'sft.yaml': 'the file itself',
      'acc/two.yaml': 'named by a launch line in run.sh',
    });
    const { 'acc/two.yaml': two, ...rest } = set;
    expect(Object.keys(files({ 'acc/two.yaml': two, ...rest }))).toEqual(['acc/two.yaml', 'sft.yaml']);
  });

  it('takes the only Accelerate file in the folder, and none where there are several', () => {
    const one = { 'train.yaml': trainer(''), 'a.yaml': `${ACCELERATE}num_processes: 4\n` };
    expect(files(one)['a.yaml']).toBe('the only Accelerate file in this folder');
    const several = join({ ...one, 'b.yaml': `${ACCELERATE}num_processes: 8\n` }).run;
    expect(several.files).toHaveLength(1);
    expect(told(several.worldSize)).toMatch(/a\.yaml, b\.yaml could be meant/);
    expect(several.sharding.known).toBe(false);
  });

  it('lets `with` choose, from either file', () => {
    const set = {
      'train.yaml': trainer(''),
      'a.yaml': `${ACCELERATE}num_processes: 4\n`,
      'b.yaml': `${ACCELERATE}num_processes: 8\n`,
      'shardlens.json': '{ "files": { "train.yaml": { "with": ["b.yaml"] } } }',
    };
    expect(told(join(set).run.worldSize)).toBe(8);
    const { 'b.yaml': b, ...rest } = set;
    expect(Object.keys(files({ 'b.yaml': b, ...rest }))).toContain('train.yaml');
  });

  it('reaches the Trainer file through the Accelerate file that names a DeepSpeed file', () => {
    const set = {
      'ds.json': DS,
      'acc.yaml':
        'compute_environment: LOCAL_MACHINE\ndistributed_type: DEEPSPEED\nnum_machines: 1\nnum_processes: 4\ndeepspeed_config:\n  deepspeed_config_file: ds.json\n',
      'train.yaml': trainer('per_device_train_batch_size: 2\n'),
    };
    expect(Object.keys(files(set))).toEqual(['ds.json', 'acc.yaml', 'train.yaml']);
    expect(told(join(set).run.batch.global)).toBe(8);
  });

  it('takes flags of the launch line as arguments, over the file', () => {
    const { run } = join({
      'ds.json': DS,
      'run.sh':
        'deepspeed --num_gpus 2 train.py --deepspeed ds.json --output_dir out --per_device_train_batch_size 7 --bf16 True',
    });
    expect(told(run.batch.micro)).toBe(7);
    expect(source(run.batch.micro)).toContain('--per_device_train_batch_size');
    expect(told(run.consumer)).toBe('trainer');
    expect(told(run.worldSize)).toBe(2);
  });
});

describe('links that do not work', () => {
  it('leaves sharding unknown where the named file is missing', () => {
    const { run, references, notes } = join({ 'train.yaml': trainer('deepspeed: ds.json\n') });
    expect(references).toMatchObject([{ written: 'ds.json', resolved: undefined }]);
    expect(told(run.sharding)).toBe('unknown: ds.json, which says it, was not found');
    expect(notes).toEqual([]);
  });

  it('does not leave the workspace', () => {
    const { references } = join({ 'train.yaml': trainer('deepspeed: ../../etc/ds.json\n') });
    expect(references[0]?.resolved).toBeUndefined();
  });

  it('says it when a file names itself or one of the wrong kind', () => {
    const self = join({ 'train.yaml': trainer('deepspeed: train.yaml\n') });
    expect(self.notes).toMatchObject([
      { kind: 'link-cycle', message: expect.stringContaining('which is a Trainer file') },
    ]);
    const other = join({ 'train.yaml': trainer('deepspeed: list.json\n'), 'list.json': '[1, 2]' });
    expect(other.notes).toMatchObject([{ kind: 'unreadable-file' }]);
  });

  it('ends on files that name each other', () => {
    const a =
      'compute_environment: LOCAL_MACHINE\ndistributed_type: DEEPSPEED\nnum_processes: 4\ndeepspeed_config:\n  deepspeed_config_file: b.yaml\n';
    const { notes } = join({ 'a.yaml': a, 'b.yaml': a.replace('b.yaml', 'a.yaml') });
    expect(notes.map(({ kind }) => kind)).toEqual(['link-cycle']);
  });

  it('takes a file that shows no dialect for what the naming key says', () => {
    const { run } = join({
      'train.yaml': trainer('deepspeed: odd.json\n'),
      'odd.json': '{ "wall_clock_breakdown": false }',
    });
    expect(run.configs.deepspeed?.file.path).toBe(`${ROOT}/odd.json`);
  });

  it('depends on every place where a file could appear', () => {
    const { dependencies } = join({ 'a/train.yaml': trainer('deepspeed: ds.json\n') });
    for (const name of ['a/ds.json', 'ds.json', 'a/shardlens.json', 'shardlens.json']) {
      expect([...dependencies]).toContain(`${ROOT}/${name}`);
    }
  });
});

describe('a file that a flag of the launch line names', () => {
  const set = (flags: string) => ({
    'train.yaml': trainer('deepspeed: ds.json\n'),
    'ds.json': DS,
    'zero3.json': DS.replace('2', '3'),
    'run.sh': `deepspeed train.py --config train.yaml ${flags}\n`,
  });
  const stage = (flags: string) => {
    const { sharding } = join(set(flags)).run;
    return sharding.known && sharding.value.kind === 'zero' ? told(sharding.value.stage) : told(sharding);
  };

  it('takes the place of the one that the Trainer file names', () => {
    expect(stage('')).toBe(2);
    expect(stage('--deepspeed zero3.json')).toBe(3);
    // Bare, the flag is DeepSpeed's own switch, and the next one names the file.
    expect(stage('--deepspeed --deepspeed_config zero3.json')).toBe(3);
  });

  it('leaves the run unknown, and not that of the Trainer file, where it is missing or filled in later', () => {
    expect(stage('--deepspeed other.json')).toBe('unknown: other.json, which says it, was not found');
    expect(stage('--deepspeed "$DS"')).toMatch(/^unknown: the file of --deepspeed, which says it, is filled in/);
    expect(join(set('--deepspeed other.json')).notes.map(({ kind }) => kind)).toEqual(['missing-file']);
    expect(join(set('--deepspeed "$DS"')).notes).toEqual([]);
  });

  it('is no launch of the file that it stands over', () => {
    const files: Record<string, string> = set('--deepspeed zero3.json');
    const from = (name: string) => join({ [name]: files[name] ?? '', ...files }).run.launches;
    expect(from('ds.json')).toBeUndefined();
    expect(from('zero3.json')).toHaveLength(1);
  });
});

describe('names on a launch line behind `cd`', () => {
  const gpus = (script: string, name = 'train.yaml', at = 'run.sh') => {
    const files = {
      'train.yaml': trainer(''),
      'sub/train.yaml': trainer(''),
      'sub/hosts': 'w1 slots=2\nw2 slots=2\n',
      [at]: script.replace('LINE', 'torchrun --nproc_per_node 4 train.py train.yaml'),
    };
    return told(join({ [name]: '', ...files }).run.worldSize);
  };

  it.each([
    'cd sub\nLINE',
    'cd ./sub && LINE',
    'cd "sub" || exit 1\nLINE',
    'pushd sub > /dev/null\nLINE',
    '(cd other)\ncd sub\nLINE',
    'D=sub\ncd $D\nLINE',
    'cd sub/deep\ncd ..\nLINE',
  ])('are looked for from there: %s', (script) => {
    expect(gpus(script)).toMatch(/^unknown: no target/);
    expect(gpus(script, 'sub/train.yaml')).toBe(4);
  });

  it.each([
    '(cd sub && ls)\nLINE',
    'cd "$(dirname "$0")"\nLINE',
    'cd /workspace\nLINE',
    'cd sub\npopd\nLINE',
    'cd sub; cd $X\nLINE',
  ])('are looked for as before where it has come back, or went where nobody knows: %s', (script) => {
    expect(gpus(script)).toBe(4);
    expect(gpus(script, 'sub/train.yaml')).toMatch(/^unknown/);
  });

  it('are looked for from the top again in each line of a Makefile', () => {
    expect(gpus('train:\n\tcd sub && ls\n\tLINE\n', 'train.yaml', 'Makefile')).toBe(4);
    expect(gpus('train:\n\tcd sub && LINE\n', 'sub/train.yaml', 'Makefile')).toBe(4);
  });
});
