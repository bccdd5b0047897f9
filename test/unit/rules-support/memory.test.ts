import { describe, expect, it } from 'vitest';
import { analyze } from '../../../server/src/core/analyze';
import type { Finding } from '../../../server/src/core/findings';
import { bandGib, bandOfCapacity, largestParts } from '../../../server/src/core/rules-support/memory-words';
import { applyEdits } from '../../../server/src/core/text/edit';
import { loadCatalogs } from '../../../server/src/data/index';
import { memoryWorkspace, ROOT } from '../../memory-workspace';

const catalogs = loadCatalogs();
const GIB = 2 ** 30;

const TRAIN = `model_name_or_path: meta-llama/Meta-Llama-3-8B
output_dir: out
per_device_train_batch_size: 4
gradient_accumulation_steps: 2
learning_rate: 2.0e-5
bf16: true
save_strategy: "no"
deepspeed: ds.json
`;
const DS = `{
  "train_micro_batch_size_per_gpu": "auto",
  "gradient_accumulation_steps": "auto",
  "bf16": { "enabled": "auto" },
  "zero_optimization": { "stage": 2 }
}
`;
const target = (sequence: string): string =>
  `{ ${sequence} "target": "box", "targets": { "box": { "hardware": "p5.48xlarge" } } }`;

function analyse(files: Record<string, string>, name: string) {
  const workspace = memoryWorkspace(files);
  const file = workspace.source(`${ROOT}/${name}`);
  if (!file) throw new Error(`${name} cannot be read`);
  return analyze(file, { workspace, catalogs });
}

function tooLarge(files: Record<string, string>, name: string): Finding | undefined {
  return analyse(files, name)
    .findings()
    .find(({ rule }) => rule === 'memory-does-not-fit');
}

describe('a run that does not fit', () => {
  const files = { 'train.yaml': TRAIN, 'ds.json': DS, 'shardlens.json': target('"sequenceLength": 4096,') };

  it('is an error where the files settle everything', () => {
    expect(tooLarge(files, 'train.yaml')?.severity).toBe('error');
  });

  it('is none where the Trainer lessens the micro-batch until a step fits', () => {
    const finds = { ...files, 'train.yaml': `${TRAIN}auto_find_batch_size: true\n` };
    expect(tooLarge(finds, 'train.yaml')).toBeUndefined();
    const { memory, assumptions } = analyse(finds, 'train.yaml').estimate() ?? {};
    expect(memory?.fits).toBeNull();
    expect(assumptions?.find(({ what }) => what === 'whether it fits')?.value).toContain('auto_find_batch_size');
  });

  it('is a warning where max_length only cuts the samples', () => {
    const cut = {
      ...files,
      'train.yaml': `${TRAIN}max_length: 4096\ngradient_checkpointing: false\n`,
      'shardlens.json': target(''),
    };
    const found = tooLarge(cut, 'train.yaml');
    expect(found?.severity).toBe('warning');
    expect(found?.message).toContain('with samples of 4,096 tokens');
  });

  it('is none where TRL, which recomputes by default, may be what reads the file', () => {
    const cut = { ...files, 'train.yaml': `${TRAIN}max_length: 4096\n`, 'shardlens.json': target('') };
    expect(tooLarge(cut, 'train.yaml')).toBeUndefined();
    expect(analyse(cut, 'train.yaml').run?.checkpointing.known).toBe(false);
  });

  it('is an error again where samples are packed to that length', () => {
    const packed = {
      ...files,
      'train.yaml': `${TRAIN}max_length: 4096\npacking: true\ngradient_checkpointing: false\n`,
      'shardlens.json': target(''),
    };
    expect(tooLarge(packed, 'train.yaml')?.severity).toBe('error');
  });

  it('is none where what is filled in later could make it fit, and a warning where nothing could', () => {
    const shardlens = target('"sequenceLength": 4096,').replace('p5', 'p4d').replace('48x', '24x');
    const filled = (model: string, key: string) => {
      const train = TRAIN.replace('meta-llama/Meta-Llama-3-8B', model);
      const all = { ...files, 'shardlens.json': shardlens };
      expect(tooLarge({ ...all, 'train.yaml': train }, 'train.yaml')?.severity).toBe('error');
      return tooLarge({ ...all, 'train.yaml': `${train}${key}: {{ value }}\n` }, 'train.yaml');
    };
    const small = 'meta-llama/Llama-2-13b-hf';
    const large = 'meta-llama/Llama-2-70b-hf';
    expect(filled(small, 'use_peft')).toBeUndefined();
    expect(filled(large, 'use_peft')?.severity).toBe('warning');
    expect(filled(large, 'use_peft')?.message).toContain('even if only adapters are trained');
    expect(filled(large, 'optim')?.severity).toBe('warning');
    expect(filled(large, 'optim')?.message).toContain('whatever the optimizer');
    expect(filled(large, 'load_in_4bit')?.message).toContain('even with quantised weights');
  });

  it('is none where only the logits are too large, and the release of TRL decides whether they are made', () => {
    const logits = TRAIN.replace('meta-llama/Meta-Llama-3-8B', 'Qwen/Qwen2.5-0.5B').replace(
      'batch_size: 4',
      'batch_size: 8',
    );
    const text = `${logits}gradient_checkpointing: true\nattn_implementation: flash_attention_2\nmax_length: 8192\npacking: true\n`;
    const under = (requirements: string) =>
      tooLarge(
        { 'train.yaml': text, 'ds.json': DS, 'shardlens.json': target(''), 'requirements.txt': requirements },
        'train.yaml',
      )?.severity;
    expect(under('trl==0.26.2\n')).toBe('error');
    expect(under('')).toBe(undefined);
    expect(under('trl==1.16.0\n')).toBe(undefined);
  });

  it('is not judged where nothing says how it is sharded', () => {
    const alone = TRAIN.replace('deepspeed: ds.json\n', '');
    expect(tooLarge({ ...files, 'train.yaml': alone }, 'train.yaml')).toBeUndefined();
  });

  it('gets only fixes after which the estimate says that it fits', () => {
    const fixes = tooLarge(files, 'train.yaml')?.fixes ?? [];
    expect(fixes.map(({ title }) => title)).not.toEqual([]);
    for (const fix of fixes) {
      const changed = Object.fromEntries(
        Object.entries(files).map(([name, text]) => [
          name,
          applyEdits(
            text,
            fix.edits.filter(({ path }) => path === `${ROOT}/${name}`),
          ),
        ]),
      );
      expect(analyse(changed, 'train.yaml').estimate()?.memory?.fits, fix.title).toBe(true);
      expect(fix.preferred).toBe(false);
    }
  });

  it('is told in the files that decide it, not in each file of the run', () => {
    const accelerate =
      'compute_environment: LOCAL_MACHINE\ndistributed_type: DEEPSPEED\ndeepspeed_config:\n  deepspeed_config_file: ds.json\nnum_machines: 1\nnum_processes: 8\n';
    const three = { ...files, 'accelerate.yaml': accelerate };
    const told = ['train.yaml', 'ds.json', 'accelerate.yaml'].filter((name) => tooLarge(three, name));
    expect(told).not.toContain('accelerate.yaml');
    expect(told).toContain('train.yaml');
  });
});

describe('memory in words', () => {
  it('writes a band with one unit, and small ones with a decimal', () => {
    expect(bandGib({ low: 41.2 * GIB, high: 47.4 * GIB })).toBe('41–47 GiB');
    expect(bandGib({ low: 3.71 * GIB, high: 5.86 * GIB })).toBe('3.7–5.9 GiB');
    expect(bandGib({ low: 40.9 * GIB, high: 41.2 * GIB })).toBe('41 GiB');
    expect(bandOfCapacity({ low: 41 * GIB, high: 47 * GIB, capacity: 79.15 * GIB })).toBe('41–47 of 79.2 GiB');
  });

  it('sums the terms of a group and names the largest', () => {
    const term = (group: 'logits' | 'parameters', bytes: number) => ({
      id: group,
      label: '',
      bytes,
      formula: '',
      source: '',
      group,
      from: [],
    });
    const terms = [term('parameters', 2 * GIB), term('logits', 3 * GIB), term('parameters', 2 * GIB)];
    expect(largestParts({ bytes: 7 * GIB, allocated: 7 * GIB, moment: '', terms })).toBe(
      'weights 4.0 and logits 3.0 GiB',
    );
  });
});

describe('a run whose evaluation does not fit', () => {
  const files = {
    'train.yaml': TRAIN.replace('save_strategy: "no"\n', 'eval_strategy: epoch\ngradient_checkpointing: true\n'),
    'ds.json': DS,
    'shardlens.json':
      '{ "sequenceLength": 4096, "target": "box", "targets": { "box": { "hardware": "g6e.48xlarge" } } }',
  };
  const found = (changed: Record<string, string>) =>
    analyse(changed, 'train.yaml')
      .findings()
      .filter(({ rule }) => rule.includes('memory'));

  it('is told what evaluation needs, and what training needs without it', () => {
    const small = { ...files, 'train.yaml': files['train.yaml'].replace('batch_size: 4', 'batch_size: 1') };
    const alone = analyse({ ...small, 'train.yaml': small['train.yaml'].replace('epoch', '"no"') }, 'train.yaml');
    const memory = alone.estimate()?.memory;
    const [finding] = found(small);
    expect(finding?.rule).toBe('eval-decides-memory');
    expect(finding?.message).toContain(`training needs ${memory && bandGib(memory)}`);
  });

  it('is told of training where that alone is too large, with its own figures', () => {
    const large = { ...files, 'train.yaml': files['train.yaml'].replace('gradient_checkpointing: true\n', '') };
    const alone = analyse({ ...large, 'train.yaml': large['train.yaml'].replace('epoch', '"no"') }, 'train.yaml');
    const memory = alone.estimate()?.memory;
    const [finding, ...others] = found(large);
    expect(others).toEqual([]);
    expect(finding?.rule).toBe('memory-does-not-fit');
    expect(finding?.message).toContain(`A training step needs ${memory && bandOfCapacity(memory)}`);
  });
});
