import { describe, expect, it } from 'vitest';
import { breakdownPage, embedded } from '../../../server/src/core/features/breakdown-page';
import { breakdownView } from '../../../server/src/core/features/breakdown-view';
import { analysisOf, catalogs, FILES } from './run-of';

describe('what the view draws', () => {
  it('has groups that add up to each phase, and terms that add up to the step', () => {
    const view = breakdownView(analysisOf('train.yaml'), catalogs, undefined);
    for (const { bytes, groups } of view?.memory?.phases ?? []) {
      expect(groups.reduce((sum, it) => sum + it.bytes, 0)).toBeCloseTo(bytes, -3);
    }
    const seconds = view?.step?.terms.reduce((sum, it) => sum + it.seconds, 0);
    expect(seconds).toBeCloseTo(view?.step?.seconds ?? Number.NaN, 6);
  });

  it('loses no byte of a term that is partly hidden', () => {
    const analysis = analysisOf('train.yaml');
    const view = breakdownView(analysis, catalogs, undefined);
    const moved = (terms: readonly { readonly traffic?: { readonly bytes: number } | null | undefined }[] = []) =>
      terms.reduce((sum, { traffic }) => sum + (traffic?.bytes ?? 0), 0);
    expect(moved(view?.step?.terms)).toBeCloseTo(moved(analysis.estimate()?.step?.terms), 0);
    expect(moved(view?.step?.terms)).toBeGreaterThan(0);
    const labels = view?.step?.terms.map(({ label }) => label) ?? [];
    expect(new Set(labels).size).toBe(labels.length);
  });

  it('leads facts back to the line they are written on, and offers what sets them', () => {
    const facts = breakdownView(analysisOf('train.yaml'), catalogs, undefined)?.facts ?? [];
    const sequence = facts.find(({ what }) => what === 'sequence length');
    expect(sequence).toMatchObject({ set: 'set-sequence-length', place: { line: 3, key: 'sequenceLength' } });
    expect(facts.find(({ what }) => what === 'model')).toMatchObject({ set: 'set-model' });
    expect(facts.find(({ what }) => what === 'GPUs')).toMatchObject({ set: 'pick-target' });
  });

  it('offers to set what stands in the way of a figure', () => {
    const { 'ds.json': ds, 'shardlens.json': settings } = FILES;
    const view = breakdownView(
      analysisOf('ds.json', { 'ds.json': ds, 'shardlens.json': settings }),
      catalogs,
      undefined,
    );
    const missing = view?.assumptions.filter(({ because }) => because.startsWith('model:')) ?? [];
    expect(missing.length).toBeGreaterThan(0);
    for (const { set } of missing) expect(set).toBe('set-model');
    expect(view?.memory).toBeNull();
    expect(view?.step).toBeNull();
  });

  it('is none for what describes no run', () => {
    expect(breakdownView(analysisOf('shardlens.json'), catalogs, undefined)).toBeUndefined();
  });
});

describe('the page', () => {
  it('embeds data that no parser of HTML can take for markup, and that reads back the same', () => {
    const nasty = { a: '</script><!--<script>&amp;\u2028\u2029"\\' };
    const text = embedded(nasty);
    expect(text).not.toMatch(/[<>&\u2028\u2029]/);
    expect(JSON.parse(text)).toEqual(nasty);
  });

  it('has a policy, and a title that stays text', () => {
    const page = breakdownPage({
      title: '</title><b>"x"',
      policy: "default-src 'none'",
      style: '<style></style>',
      script: '<script></script>',
      data: { problem: 'none' },
    });
    expect(page).toContain('<title>&lt;/title&gt;&lt;b&gt;&quot;x&quot;</title>');
    expect(page).toContain('http-equiv="Content-Security-Policy" content="default-src &#39;none&#39;"');
  });
});
