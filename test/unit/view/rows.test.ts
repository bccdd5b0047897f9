import { describe, expect, it } from 'vitest';
import { groupsIn, memoryCells, memoryWords, segmentsOf } from '../../../client/view/memory-rows';
import { payingWords, plottedOf, SCALING_COLUMNS, scalingCells } from '../../../client/view/scaling-rows';
import { timelineOf, timelineWords, timeWords } from '../../../client/view/timeline-rows';
import { formatTraffic, loadsOf, loadWords, rateWords, trafficCells } from '../../../client/view/traffic-rows';
import type { BreakdownView } from '../../../server/src/core/features/breakdown-view';
import { breakdownView } from '../../../server/src/core/features/breakdown-view';
import type { Curve, Scaling, ScalingPoint } from '../../../server/src/core/recommend/scaling';
import { analysisOf, catalogs, measuredAs } from '../features/run-of';

const GIB = 1024 ** 3;

function viewOf(): BreakdownView {
  const view = breakdownView(analysisOf('train.yaml'), catalogs, undefined);
  if (!view) throw new Error('no view');
  return view;
}

describe('bars of memory', () => {
  const { memory } = viewOf();
  if (!memory) throw new Error('no memory');

  it('stack without gaps up to what each phase needs', () => {
    for (const { phase, bytes } of memory.phases) {
      let at = 0;
      for (const { fromGib, toGib } of segmentsOf(memory).filter((it) => it.phase === phase)) {
        expect(fromGib).toBe(at);
        expect(toGib).toBeGreaterThan(fromGib);
        at = toGib;
      }
      expect(at).toBeCloseTo(bytes / GIB, 6);
    }
  });

  it('are a table too, with a column for each group that is drawn', () => {
    const { columns, rows } = memoryCells(memory);
    expect(columns).toHaveLength(3 + groupsIn(memory).length);
    expect(rows.map(([phase]) => phase)).toContain(`${memory.peak} (peak)`);
    for (const row of rows) expect(row).toHaveLength(columns.length);
  });

  it('are said in one sentence, with the verdict only where there is a capacity', () => {
    expect(memoryWords(memory)).toMatch(/GiB of 39\.4 GiB, between .*; the step phase needs most\. .*[.]$/);
    const open = memoryWords({ ...memory, capacity: null, fits: null });
    expect(open).not.toMatch(/fit/);
  });
});

describe('the timeline', () => {
  const term = { label: 'a', group: 'compute', seconds: 2, hiddenSeconds: 0, traffic: null } as const;
  const step = { seconds: 5, measured: null, low: 4, high: 6, bottleneck: 'GPU compute' };

  it('lays what is visible end to end, so that the last bar ends with the step', () => {
    const { step: real } = viewOf();
    if (!real) throw new Error('no step');
    const visible = timelineOf(real).bars.filter(({ hidden }) => !hidden);
    let at = 0;
    for (const { from, to } of visible) {
      expect(from).toBeCloseTo(at, 9);
      at = to;
    }
    expect(at).toBeCloseTo(real.seconds, 6);
  });

  it('draws what is hidden beside other work, and never beyond the step', () => {
    const { bars, terms } = timelineOf({
      ...step,
      terms: [
        { ...term, label: 'copy', group: 'offload', seconds: 3, hiddenSeconds: 1 },
        { ...term, label: 'gather', group: 'communication', seconds: 0, hiddenSeconds: 1.5 },
        term,
      ],
    });
    expect(terms.map(({ label }) => label)).toEqual(['a', 'gather', 'copy']);
    expect(bars.map(({ label, from, to, hidden }) => [label, from, to, hidden])).toEqual([
      ['a', 0, 2, false],
      ['copy', 2, 5, false],
      ['gather', 0, 1.5, true],
      ['copy', 2, 3, true],
    ]);
  });

  it('says what is hidden', () => {
    expect(timeWords({ ...term, hiddenSeconds: 1.5 })).toBe('2.00 s + 1.50 s hidden');
    expect(timeWords({ ...term, seconds: 0, hiddenSeconds: 1.5 })).toBe('1.50 s hidden');
    expect(timeWords(term)).toBe('2.00 s');
  });
});

describe('traffic', () => {
  const { node, step } = viewOf();
  if (!node || !step) throw new Error('no node or step');

  it('is that of the terms, on the links that carry it', () => {
    const loads = loadsOf(node, step);
    expect(loads.map(({ link }) => link.link)).toEqual(['intra', 'host']);
    for (const { link, bytes } of loads) {
      const sum = step.terms.reduce((all, { traffic }) => all + (traffic?.link === link.link ? traffic.bytes : 0), 0);
      expect(bytes).toBe(sum);
      expect(bytes).toBeGreaterThan(0);
    }
    expect(trafficCells(node, step)).toHaveLength(step.terms.filter(({ traffic }) => traffic).length);
  });

  it('counts for the link inside a node its part of what crosses nodes', () => {
    const link = { label: 'x', bytesPerSecond: 1e9, ringBytesPerSecond: null, basis: '' };
    const intra = { link: { ...link, link: 'intra' }, bytes: 35e9, seconds: 0 } as const;
    const idle = { ...intra, bytes: 0 };
    const inter = { link: { ...link, link: 'inter' }, bytes: 5e9, seconds: 2 } as const;
    const words = '35.0 GB per GPU and step, its part of what groups across nodes send';
    expect(loadWords(intra, [intra, inter])).toBe(words);
    expect(loadWords(idle, [idle])).toBe('carries nothing in a step');
    expect(loadWords(inter, [intra, inter])).toBe('5.0 GB per GPU and step leave the node, 2.00 s');
    const term = { label: 'gather', group: 'communication', seconds: 2, hiddenSeconds: 0 } as const;
    const terms = [{ ...term, traffic: { link: 'inter', bytes: 5e9, inside: 35e9 } as const }];
    const loads = loadsOf({ ...node, links: [intra.link, inter.link] }, { ...step, terms });
    expect(loads.map(({ bytes }) => bytes)).toEqual([35e9, 5e9]);
  });

  it('shows rates with how they are known', () => {
    const link = { link: 'inter', label: 'EFA', bytesPerSecond: 37.5e9, ringBytesPerSecond: 300e9, basis: 'measured' };
    expect(rateWords({ ...link, link: 'inter' })).toBe(
      '37.5 GB/s per GPU, 300 GB/s by a whole node, reached (measured)',
    );
    expect(rateWords({ ...link, link: 'nvme', bytesPerSecond: null, basis: 'not known' })).toBe('rate (not known)');
    expect([0, 1500, 2.5e6, 479.8e9, 3.2e12].map(formatTraffic)).toEqual([
      'nothing',
      '1.5 kB',
      '2.5 MB',
      '479.8 GB',
      '3.2 TB',
    ]);
  });
});

describe('scaling', () => {
  const point = (nodes: number, tokensPerSecond: number): ScalingPoint => ({
    nodes,
    gpus: nodes * 8,
    micro: 1,
    accumulation: 4,
    global: 64,
    stepSeconds: 1,
    tokensPerSecond,
    efficiency: tokensPerSecond / nodes / 100,
    memoryBytes: GIB,
    fits: true,
    open: null,
    hostIsFull: false,
  });
  const curve = (points: ScalingPoint[], why: string | null = null): Curve => ({ points, reference: 1, why });
  const scaling = (over: Partial<Scaling>): Scaling => ({
    nodes: 1,
    growing: curve([point(1, 100), point(2, 190)]),
    fixed: curve([point(1, 100), point(2, 110)]),
    paysUntil: 1,
    notes: [],
    ...over,
  });

  it('says where more nodes stop paying, and what ends the curve', () => {
    expect(payingWords(scaling({}))).toBe(
      'With the global batch of 64 samples kept, going beyond 1 node does not pay: nodes added yield less than half of what they cost.',
    );
    const ended = scaling({ paysUntil: 2, fixed: curve([point(1, 100), point(2, 180)], 'beyond that none') });
    expect(payingWords(ended)).toContain('more nodes pay up to 2 nodes; beyond that none.');
    expect(payingWords(scaling({ paysUntil: null }))).toContain('not known');
    const tight = scaling({ fixed: curve([{ ...point(1, 100), fits: false }, point(2, 110)]) });
    expect(payingWords(tight)).toMatch(/ It does not fit on fewer than 2\.$/);
    expect(payingWords(scaling({ fixed: curve([{ ...point(1, 100), fits: false }]) }))).toMatch(/fits on none/);
  });

  it('calls nothing close of which it is not known whether it fits', () => {
    const memoryOf = (changes: Partial<ScalingPoint>): string | undefined =>
      scalingCells(curve([{ ...point(1, 100), ...changes }]))[0]?.at(-1);
    expect(memoryOf({})).toMatch(/ GiB, fits$/);
    expect(memoryOf({ fits: false })).toMatch(/ GiB, does not fit$/);
    expect(memoryOf({ fits: null })).toMatch(/ GiB, too close to call$/);
    expect(memoryOf({ fits: null, open: 'precision is not known' })).toMatch(
      /, cannot be told: precision is not known$/,
    );
    expect(memoryOf({ memoryBytes: null, fits: null })).toBe('not known');
    expect(memoryOf({ fits: false, hostIsFull: true })).toMatch(/, host memory does not fit$/);
  });

  it('is a table with every point, and a plot with the ideal beside it', () => {
    const rows = scalingCells(scaling({}).growing);
    expect(rows).toHaveLength(2);
    expect(rows[1]).toHaveLength(SCALING_COLUMNS.length);
    const ideal = plottedOf(scaling({})).filter(({ curve: name }) => name === 'ideal');
    expect(ideal.map(({ tokensPerSecond }) => tokensPerSecond)).toEqual([100, 200]);
  });
});

describe('a run that was measured', () => {
  const analysis = measuredAs(analysisOf('train.yaml'), { driver: 20 * GIB, seconds: 9.5 });
  const view = breakdownView(analysis, catalogs, undefined);
  const plain = viewOf();

  it('shows the measured time beside the predicted one', () => {
    const words = view?.step ? timelineWords(view.step) : '';
    expect(words).toMatch(
      /^This run was measured: 9\.50 s a step \(run\.log:7\)\. Predicted: one optimizer step takes /,
    );
    expect(words.slice(words.indexOf('takes'))).toBe(
      plain.step ? timelineWords(plain.step).slice('One optimizer step '.length) : '',
    );
  });

  it('shows the measured peak, and what had been predicted', () => {
    const words = view?.memory ? memoryWords(view.memory) : '';
    expect(words).toContain('20.0 GiB of 39.4 GiB (measured, smi.log:1; predicted were 13');
    const lines = view?.tables.memory[0]?.lines ?? [];
    expect(lines.join('\n')).toMatch(
      /Measured, smi\.log:1\. Predicted: 13\.\d GiB, between [\d.]+ GiB and [\d.]+ GiB\./,
    );
  });
});
