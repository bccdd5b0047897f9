import { describe, expect, it } from 'vitest';
import { memoryWords } from '../../../client/view/memory-rows';
import { bill } from '../../../server/src/core/features/breakdown';
import { breakdownView } from '../../../server/src/core/features/breakdown-view';
import { inlayHints } from '../../../server/src/core/features/inlay-hints';
import { lenses } from '../../../server/src/core/features/lens';
import { rules } from '../../../server/src/core/rules/index';
import { analysisOf, catalogs } from './run-of';

/** The rule's own example: its band holds the GPU's memory. */
function files(): Record<string, string> {
  const example = rules.find(({ id }) => id === 'memory-too-close')?.examples.bad[0]?.files;
  if (typeof example !== 'object') throw new Error('no example');
  return { ...example };
}

const WORDS = /Too close to call: one step on the GPU would decide it, whose log shardlens calibrate reads\./;

describe('a run that is too close to call', () => {
  const analysis = analysisOf('train.yaml', files());
  const memory = analysis.estimate()?.memory;

  it('is neither said to fit nor not to', () => {
    expect(memory?.fits).toBeNull();
  });

  it('says so, and what would decide it, in lens, hint, bill, view and finding', () => {
    const [first] = lenses(analysis, catalogs);
    expect(first?.title).toContain('too close to call');
    expect(first?.tooltip).toMatch(WORDS);
    const [hint] = inlayHints(analysisOf('ds.json', files())).filter(({ kind }) => kind === 'memory');
    expect(hint?.label).toContain('too close to call');
    expect(hint?.tooltip).toMatch(WORDS);
    const lines = bill(analysis, catalogs)?.tables.flatMap((table) => table.lines) ?? [];
    expect(lines.join('\n')).toMatch(WORDS);
    const view = breakdownView(analysis, catalogs, undefined)?.memory;
    expect(view && memoryWords(view)).toMatch(/too close to call: one step on the GPU would decide it/);
    const finding = analysis.findings().find(({ rule }) => rule === 'memory-too-close');
    expect(finding?.message).toMatch(/^Too close to call: .*\. One step on the GPU would decide it, /);
  });

  it.each(['trn1.32xlarge', '8x TPU v5p'])('is any run on %s, whose compiler plans memory itself', (hardware) => {
    const at = analysisOf('train.yaml', {
      ...files(),
      'shardlens.json': `{ "target": "box", "targets": { "box": { "hardware": "${hardware}" } } }`,
    });
    const judged = at.estimate()?.memory;
    expect(judged).toMatchObject({
      fits: null,
      open: expect.stringMatching(/^what the (Neuron|XLA) compiler plans is not modelled$/),
      decides: 'compiling it on the machine would decide it',
    });
    expect(at.findings().map(({ rule }) => rule)).not.toContain('memory-does-not-fit');
  });

  it('names the input to know where that would decide it', () => {
    const text = files()['train.yaml']?.replace('gradient_checkpointing: true\n', '') ?? '';
    const open = analysisOf('train.yaml', {
      ...files(),
      'train.yaml': text.replace('per_device_train_batch_size: 1', 'per_device_train_batch_size: 2'),
      'shardlens.json': '{ "target": "box", "targets": { "box": { "hardware": "p5.48xlarge" } } }',
    }).estimate()?.memory;
    expect(open?.fits).toBeNull();
    expect(open?.decides).toMatch(/^knowing the .*would decide it$/);
  });
});

describe('a run of which too much is not known', () => {
  const texts = (micro: string, hardware: string) => ({
    'train.yaml':
      'model_name_or_path: meta-llama/Meta-Llama-3-8B\noutput_dir: out\nbf16: true\nlearning_rate: 1.0e-5\nnum_train_epochs: 1\nsave_strategy: "no"\ngradient_checkpointing: true\ngradient_accumulation_steps: 4\ndeepspeed: ds.json\nper_device_train_batch_size: 1\n',
    'ds.json': `{ "train_micro_batch_size_per_gpu": ${micro}, "gradient_accumulation_steps": "auto", "bf16": { "enabled": "auto" }, "zero_optimization": { "stage": 2 } }`,
    'shardlens.json': `{ "sequenceLength": 2048, "target": "box", "targets": { "box": { "hardware": "${hardware}", "gpusPerNode": 4 } } }`,
  });

  it('names what is not known, and calls nothing close', () => {
    const { 'train.yaml': _, 'ds.json': ds, ...more } = texts('"auto"', 'p5.48xlarge');
    const settings = more['shardlens.json'].replace('{', '{ "model": "meta-llama/Meta-Llama-3-8B",');
    const analysis = analysisOf('ds.json', { 'ds.json': ds, 'shardlens.json': settings });
    const memory = analysis.estimate()?.memory;
    expect(memory?.fits).toBeNull();
    expect(memory?.open).toBe('precision and micro-batch are not known');
    const [first] = lenses(analysis, catalogs);
    expect(first?.title).toContain(': cannot be told (precision and micro-batch are not known)');
    expect(first?.tooltip).toContain('Cannot be told: knowing the precision and the micro-batch would decide it.');
    const view = breakdownView(analysis, catalogs, undefined)?.memory;
    expect(view && memoryWords(view)).toContain('Whether it fits cannot be told: knowing the precision');
    expect(analysis.findings().map(({ rule }) => rule)).not.toContain('memory-too-close');
  });

  it('gives no verdict for a GPU whose name has two meanings that differ', () => {
    const analysis = analysisOf('train.yaml', texts('"auto"', 'A100'));
    expect(analysis.estimate()?.memory).toMatchObject({ fits: null, open: 'A100 could be 40 GB or 80 GB' });
    const found = analysis.findings().filter(({ rule }) => rule.startsWith('memory-'));
    expect(found.map(({ rule, severity }) => [rule, severity])).toEqual([['memory-too-close', 'information']]);
    expect(found[0]?.message).toMatch(/^Whether it fits cannot be told: .* A100 could be 40 GB or 80 GB, and naming /);
    // Where both decide alike, or one is named, there is nothing to ask.
    for (const [hardware, fits] of [
      ['A100-40GB', false],
      ['A100-80GB', true],
      ['H100', true],
    ] as const)
      expect(analysisOf('train.yaml', texts('"auto"', hardware)).estimate()?.memory).toMatchObject({ fits });
  });
});
