import { describe, expect, it } from 'vitest';
import { analyze } from '../../../server/src/core/analyze';
import { type CompletionItem, completion } from '../../../server/src/core/features/completion';
import { applyEdits } from '../../../server/src/core/text/edit';
import { loadCatalogs } from '../../../server/src/data/index';
import { memoryWorkspace, ROOT } from '../../memory-workspace';

const catalogs = loadCatalogs();

interface Completed {
  readonly items: readonly CompletionItem[];
  readonly labels: readonly string[];
  /** The text after a proposal was taken, its first placeholders filled in. */
  take(label: string): string;
}

/** Proposals at `⟦`. */
function at(name: string, marked: string): Completed {
  const offset = marked.indexOf('⟦');
  const text = marked.replace('⟦', '');
  const workspace = memoryWorkspace({ [name]: text });
  const file = workspace.source(`${ROOT}/${name}`);
  if (!file) throw new Error('no file');
  const items = completion(analyze(file, { workspace, catalogs }), offset, catalogs);
  return {
    items,
    labels: items.map(({ label }) => label),
    take(label) {
      const item = items.find((candidate) => candidate.label === label);
      if (!item) throw new Error(`${label} is not proposed`);
      const { start, end, insertText, additionalEdits } = item;
      return applyEdits(text, [...additionalEdits, { start, end, newText: filled(insertText) }]);
    },
  };
}

function filled(snippet: string): string {
  return snippet
    .replace(/\$\{\d+\|((?:\\.|[^,|])*)[^}]*\|\}/g, '$1')
    .replace(/\$\{\d+:([^}]*)\}/g, '$1')
    .replace(/\$\d+/g, '')
    .replace(/\\(.)/g, '$1');
}

describe('keys in JSON', () => {
  it('are those of the section that are not there yet', () => {
    const { labels } = at('ds.json', '{ "train_batch_size": 8, "zero_optimization": { "stage": 3, ⟦ } }');
    expect(labels).toContain('overlap_comm');
    expect(labels).not.toContain('stage');
    expect(labels).not.toContain('train_batch_size');
    expect(labels).not.toContain('cpu_offload');
    expect(labels).not.toContain('prefetch_bucket_size');
  });

  it('come with colon, value and comma', () => {
    const { take } = at('ds.json', '{\n  "zero_optimization": { ⟦\n    "stage": 3 }\n}');
    expect(JSON.parse(take('overlap_comm'))).toEqual({ zero_optimization: { overlap_comm: true, stage: 3 } });
  });

  it('replace a half-typed name with its quote', () => {
    const { take } = at('ds.json', '{ "train_batch_size": 8, "zero_optimization": { "stage": 3, "over⟦ } }');
    expect(take('overlap_comm')).toContain('"stage": 3, "overlap_comm": true');
  });

  it('replace only the name where a value follows', () => {
    const { take } = at('ds.json', '{ "train_batch_size": 8, "zero_optimization": { "stage": 3, "over⟦": false } }');
    expect(JSON.parse(take('overlap_comm'))).toEqual({
      train_batch_size: 8,
      zero_optimization: { stage: 3, overlap_comm: false },
    });
  });

  it('add the comma that is missing on the line before', () => {
    const { take } = at('ds.json', '{\n  "zero_optimization": { "stage": 3 }\n  ⟦\n}');
    expect(JSON.parse(take('train_batch_size'))).toEqual({ zero_optimization: { stage: 3 }, train_batch_size: 'auto' });
  });

  it('are not proposed inside a comment or after a key', () => {
    expect(at('ds.json', '{ "zero_optimization": { "stage": 3 } // ⟦\n}').labels).toEqual([]);
    expect(at('ds.json', '{ "zero_optimization": { "stage": 3 }, "train_batch_size" ⟦ }').labels).toEqual([]);
  });
});

describe('values in JSON', () => {
  it('are the listed ones, with "auto" where somebody fills it', () => {
    expect(at('ds.json', '{ "zero_optimization": { "stage": ⟦ } }').labels).toEqual(['0', '1', '2', '3', '"auto"']);
    expect(at('ds.json', '{ "zero_optimization": { "stage": 3, "overlap_comm": ⟦ } }').labels).toEqual([
      'true',
      'false',
    ]);
  });

  it('replace what stands there', () => {
    const { take } = at('ds.json', '{ "zero_optimization": { "stage": 3, "offload_param": { "device": "n⟦one" } } }');
    expect(JSON.parse(take('"nvme"'))).toEqual({ zero_optimization: { stage: 3, offload_param: { device: 'nvme' } } });
  });

  it('are proposed where the text breaks off', () => {
    expect(at('ds.json', '{ "zero_optimization": { "stage": 3 }, "bf16": { "enabled": ⟦').labels).toContain('true');
  });
});

const TRAINER =
  'output_dir: out\nper_device_train_batch_size: 2\nlearning_rate: 2.0e-5\nbf16: true\nlogging_steps: 10\ngradient_accumulation_steps: 1\n';

describe('YAML', () => {
  it('proposes keys of the top level that are not there', () => {
    const { labels, take } = at('train.yaml', `${TRAINER}grad⟦\n`);
    expect(labels).toContain('gradient_checkpointing');
    expect(labels).not.toContain('learning_rate');
    expect(labels).not.toContain('warmup_ratio');
    expect(take('gradient_checkpointing')).toContain('gradient_checkpointing: true\n');
  });

  it('proposes keys of a section by indentation, and of another dialect in its section', () => {
    const { labels } = at('train.yaml', `${TRAINER}fsdp: true\nfsdp_config:\n  version: 2\n  ⟦\n`);
    expect(labels).toContain('reshard_after_forward');
    expect(labels).not.toContain('version');
    expect(labels).not.toContain('learning_rate');
  });

  it('quotes words that PyYAML reads as a boolean', () => {
    const { labels, take } = at(
      'accelerate.yaml',
      'compute_environment: LOCAL_MACHINE\ndistributed_type: FSDP\nmixed_precision: ⟦\n',
    );
    expect(labels).toContain('"no"');
    expect(labels).toContain('bf16');
    expect(take('bf16')).toContain('mixed_precision: bf16\n');
  });

  it('writes numbers so that PyYAML reads a number', () => {
    const { take } = at('train.yaml', `${TRAINER.replace('learning_rate: 2.0e-5\n', '')}num_train_epochs: 1\nl⟦\n`);
    expect(take('learning_rate')).toMatch(/learning_rate: 0\.00005\n|learning_rate: 5\.0e-5\n/);
  });

  it('proposes nothing in comments', () => {
    expect(at('train.yaml', `${TRAINER}# le⟦\n`).labels).toEqual([]);
  });
});

describe('any offset', () => {
  const texts: [string, string][] = [
    [
      'ds.json',
      '{ "train_batch_size": 8, // x\n "zero_optimization": { "stage": 3, "offload_param": { "device": "cpu" }, [1, "a }',
    ],
    ['train.yaml', `${TRAINER}fsdp_config:\n  version: 2\n  - x: {a: 1\nlist:\n  - a: 1\n    b: "x\n`],
  ];
  it.each(texts)('of %s gives an answer', (name, text) => {
    const workspace = memoryWorkspace({ [name]: text });
    const file = workspace.source(`${ROOT}/${name}`);
    if (!file) throw new Error('no file');
    const analysis = analyze(file, { workspace, catalogs });
    for (let offset = 0; offset <= text.length; offset++) {
      for (const { start, end } of completion(analysis, offset, catalogs)) {
        expect(start).toBeLessThanOrEqual(offset);
        expect(end).toBeGreaterThanOrEqual(start);
      }
    }
  });
});
