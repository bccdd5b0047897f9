import { describe, expect, it } from 'vitest';
import { analyze } from '../../../server/src/core/analyze';
import type { Finding } from '../../../server/src/core/findings';
import { applyEdits } from '../../../server/src/core/text/edit';
import { loadCatalogs } from '../../../server/src/data/index';
import { memoryWorkspace, ROOT } from '../../memory-workspace';

const catalogs = loadCatalogs();

function check(files: Readonly<Record<string, string>>) {
  const workspace = memoryWorkspace(files);
  const [name = ''] = Object.keys(files);
  const file = workspace.source(`${ROOT}/${name}`);
  if (!file) throw new Error(`${name} cannot be read`);
  const analysis = analyze(file, { workspace, catalogs });
  const places = (findings: readonly Finding[]) =>
    findings.map(({ rule, start }) => `${file.lines.positionAt(start).line + 1} ${rule}`);
  return { findings: analysis.findings(), shown: places(analysis.findings()), ignored: places(analysis.ignored()) };
}

const HEAD = 'distributed_type: FSDP\nmixed_precision: bf16\nnum_machines: 1\n';
const yaml = (rest: string) => check({ 'accelerate.yaml': HEAD + rest });

describe('a comment in YAML', () => {
  it('silences nothing where there is none', () => {
    expect(yaml('num_processes: 4\nnum_processes: 8\n')).toMatchObject({
      shown: expect.arrayContaining(['4 duplicate-key']),
      ignored: [],
    });
  });

  it.each([
    ['above its line', '# shardlens-ignore: duplicate-key\nnum_processes: 4\nnum_processes: 8\n'],
    ['with a reason', '# shardlens-ignore: duplicate-key old launcher, kept\nnum_processes: 4\nnum_processes: 8\n'],
    ['at the end of its line', 'num_processes: 4 # shardlens-ignore: duplicate-key\nnum_processes: 8\n'],
    ['without spaces', 'num_processes: 4 #shardlens-ignore:duplicate-key\nnum_processes: 8\n'],
    ['above other comments', '# shardlens-ignore: duplicate-key\n\n# four\nnum_processes: 4\nnum_processes: 8\n'],
    ['with CR LF', '# shardlens-ignore: duplicate-key\r\nnum_processes: 4\r\nnum_processes: 8\r\n'],
  ])('%s silences a finding', (_, text) => {
    const { shown, ignored } = yaml(text);
    expect(ignored.map((place) => place.split(' ')[1])).toEqual(['duplicate-key']);
    expect(shown.join()).not.toMatch(/duplicate-key|unused-ignore/);
  });

  it('names several rules', () => {
    const { ignored, shown } = yaml(
      '# shardlens-ignore: duplicate-key, fsdp-version-missing both known\nfsdp_config:\n  fsdp_cpu_ram_efficient_loading: true\n  fsdp_cpu_ram_efficient_loading: true\n',
    );
    expect(ignored).toEqual(['5 fsdp-version-missing', '6 duplicate-key']);
    expect(shown.join()).not.toMatch(/unused/);
  });

  it('covers the setting with all that it holds, and nothing behind it', () => {
    const { ignored, shown } = yaml(
      'fsdp_config: # shardlens-ignore: duplicate-key\n  a: 1\n  a: 1\nnum_processes: 4\nnum_processes: 8\n',
    );
    expect(ignored).toEqual(['5 duplicate-key']);
    expect(shown).toContain('7 duplicate-key');
  });

  it('silences a whole file from above its first setting', () => {
    const { ignored, shown } = check({
      'accelerate.yaml': `# Our launcher.\n# shardlens-ignore-file: duplicate-key\n---\n${HEAD}num_processes: 4\nnum_processes: 8\nuse_cpu: no\nuse_cpu: no\n`,
    });
    expect(ignored).toHaveLength(2);
    expect(shown.join()).not.toMatch(/duplicate-key|unused/);
  });

  it('is no comment inside a text', () => {
    const { ignored, shown } = yaml(
      'main_training_function: "# shardlens-ignore: duplicate-key"\nnum_processes: 4\nnum_processes: 8\ntpu_env: |\n  # shardlens-ignore: duplicate-key\n  x\n',
    );
    expect(ignored).toEqual([]);
    expect(shown.join()).not.toMatch(/unused/);
  });

  it('does not silence what could not be checked', () => {
    const { ignored, shown } = check({
      'accelerate.yaml': `# shardlens-ignore-file: broken-syntax, not-fully-read, analysis-incomplete\n${HEAD}fsdp_config: [1, 2\n`,
    });
    expect(ignored).toEqual([]);
    expect(shown.join()).toMatch(/broken-syntax/);
    expect(shown.filter((place) => place === '1 unused-ignore')).toHaveLength(3);
  });
});

describe('a comment in JSON', () => {
  const ds =
    '{\n  // shardlens-ignore: stage-3-key-below-stage-3 shared with another file\n  "zero_optimization": { "stage": 2, "stage3_param_persistence_threshold": 1e4 },\n  "train_batch_size": 8\n}\n';

  it('counts where DeepSpeed itself reads the file', () => {
    const { ignored, shown } = check({ 'ds.json': ds, 'shardlens.json': '{ "consumer": "deepspeed" }' });
    expect(ignored).toEqual(['3 stage-3-key-below-stage-3']);
    expect(shown.join()).not.toMatch(/unused|stage-3-key/);
  });

  it('stops the run where the Trainer reads it, and silences nothing', () => {
    const { ignored, shown } = check({ 'ds.json': ds, 'shardlens.json': '{ "consumer": "trainer" }' });
    expect(ignored).toEqual([]);
    expect(shown).toEqual(expect.arrayContaining(['2 hjson-only-syntax', '3 stage-3-key-below-stage-3']));
  });

  it('counts in shardlens.json', () => {
    const { ignored, shown } = check({
      'shardlens.json': '{\n  "targts": {}, // shardlens-ignore: setting-not-used later\n  "model": "x"\n}\n',
    });
    expect(ignored).toEqual(['2 setting-not-used']);
    expect(shown.join()).not.toMatch(/unused/);
  });
});

describe('a comment that ignores nothing', () => {
  const hints = (text: string) => {
    const file = { 'accelerate.yaml': text };
    const { findings } = check(file);
    const found = findings.filter(({ rule }) => rule === 'unused-ignore');
    const fixed = found.map(({ fixes }) => fixes.map(({ edits }) => applyEdits(text, edits)));
    return { messages: found.map(({ message }) => message), fixed };
  };

  it('is said, and can be removed with its line', () => {
    const { messages, fixed } = hints(`${HEAD}# shardlens-ignore: duplicate-key why\nnum_processes: 4\n`);
    expect(messages).toEqual(['duplicate-key finds nothing here any more, so this comment ignores nothing.']);
    expect(fixed).toEqual([[`${HEAD}num_processes: 4\n`]]);
  });

  it('can be removed from the end of a line', () => {
    const { fixed } = hints(`${HEAD}num_processes: 4  # shardlens-ignore: duplicate-key why\n`);
    expect(fixed).toEqual([[`${HEAD}num_processes: 4\n`]]);
  });

  it('leaves the rules that are needed', () => {
    const { messages, fixed } = hints(
      `${HEAD}# shardlens-ignore: broken-tooth, duplicate-key, null-section why\nnum_processes: 4\nnum_processes: 8\n`,
    );
    expect(messages).toHaveLength(2);
    expect(fixed.map((texts) => texts.at(-1)?.split('\n')[3])).toEqual([
      '# shardlens-ignore: duplicate-key, null-section why',
      '# shardlens-ignore: broken-tooth, duplicate-key why',
    ]);
  });

  it('names the nearest rule', () => {
    const { messages, fixed } = hints(`${HEAD}num_processes: 4 # shardlens-ignore: duplicate-keys\nnum_processes: 8\n`);
    expect(messages[0]).toMatch(/no rule duplicate-keys.*"duplicate-key" is probably meant/);
    expect(fixed[0]?.[0]).toContain('shardlens-ignore: duplicate-key\n');
  });

  it('has to name a rule, stand above a setting, and for a file above them all', () => {
    const { messages } = hints(
      `${HEAD}# shardlens-ignore\n# shardlens-ignore-file: duplicate-key\nnum_processes: 4\n# shardlens-ignore: null-section\n`,
    );
    expect(messages.map((message) => message.slice(0, 40))).toEqual([
      'This comment names no rule, so it ignore',
      'This comment counts for the file only ab',
      'No setting follows this comment, so it i',
    ]);
  });

  it('is not judged where another machine could need it', () => {
    const file = `${HEAD}# shardlens-ignore: memory-does-not-fit, nvme-too-small\nnum_processes: 4\n`;
    expect(hints(file).messages).toEqual([]);
  });

  it('is not judged where another release could need it', () => {
    const files = {
      'train.yaml':
        'output_dir: out\nper_device_train_batch_size: 1\nlearning_rate: 2.0e-5\nbf16: true\nlogging_steps: 10\n# shardlens-ignore: key-newer-than-framework\neval_strategy: "no"\n',
    };
    expect(check(files).shown.join()).not.toMatch(/unused/);
    const stated = { ...files, 'requirements.txt': 'transformers==4.57.1\ntrl==0.24.0\n' };
    expect(check(stated).shown.join()).toMatch(/unused-ignore/);
  });

  it('is not said where part of the file could not be read, or where the rule is off', () => {
    expect(hints(`${HEAD}num_processes: 4 # shardlens-ignore: duplicate-key\nfsdp_config: [1\n`).messages).toEqual([]);
    const { shown } = check({
      'accelerate.yaml': `${HEAD}num_processes: 4 # shardlens-ignore: duplicate-key\n`,
      'shardlens.json': '{ "rules": { "duplicate-key": "off" } }',
    });
    expect(shown.join()).not.toMatch(/unused/);
  });
});

describe('a file full of such comments', () => {
  it.each([
    ['lines', (count: number) => '# shardlens-ignore: duplicate-kay, null-section\na: 1\n'.repeat(count)],
    ['rules', (count: number) => `# shardlens-ignore: ${'duplicate-kay, null-section, '.repeat(count * 2)}x\na: 1\n`],
  ])('of %s is checked within a moment', (_, text) => {
    const start = performance.now();
    check({ 'accelerate.yaml': HEAD + text(4000) });
    expect(performance.now() - start).toBeLessThan(10_000);
  });
});

describe('levels of shardlens.json', () => {
  const twice = `${HEAD}num_processes: 4\nnum_processes: 8\n`;
  const levelWith = (settings: object, name = 'accelerate.yaml') =>
    check({ [name]: twice, 'shardlens.json': JSON.stringify(settings) }).findings.find(
      ({ rule }) => rule === 'duplicate-key',
    )?.severity;

  it('hold everywhere or for a glob, the later glob winning', () => {
    expect(levelWith({ rules: { 'duplicate-key': 'off' } })).toBeUndefined();
    expect(levelWith({ rules: { 'duplicate-key': 'hint' } })).toBe('hint');
    expect(levelWith({ files: { 'acc*.yaml': { rules: { 'duplicate-key': 'off' } } } })).toBeUndefined();
    expect(levelWith({ files: { 'other.yaml': { rules: { 'duplicate-key': 'off' } } } })).toBeDefined();
    expect(
      levelWith({ rules: { 'duplicate-key': 'off' }, files: { '*.yaml': { rules: { 'duplicate-key': 'error' } } } }),
    ).toBe('error');
    expect(
      levelWith({
        files: { '**': { rules: { 'duplicate-key': 'off' } }, '*.yaml': { rules: { 'duplicate-key': 'hint' } } },
      }),
    ).toBe('hint');
  });

  it('do not silence or play down what could not be checked', () => {
    const broken = (level: string) =>
      check({
        'accelerate.yaml': `${HEAD}fsdp_config: [1, 2\n`,
        'shardlens.json': JSON.stringify({ rules: { 'broken-syntax': level } }),
      }).findings.find(({ rule }) => rule === 'broken-syntax')?.severity;
    expect([broken('off'), broken('hint'), broken('error')]).toEqual(['error', 'error', 'error']);
  });
});
