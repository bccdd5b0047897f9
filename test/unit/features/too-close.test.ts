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
