// The part of docs/accuracy.md on the time of a step.
import { mean, percent, quantile, signed } from './figures.mjs';
import { OWN_SOURCE } from './own.mjs';

/** What the constants behind a source's predictions were fitted on; changed by hand when the model is. */
const FITTED = {
  'training-on-eks': 'host and network: on these rows',
  torchtitan: 'H100: on llm-foundry; fp8 and ring attention: on these rows',
  torchtune: 'A100: on llm-foundry',
  'llm-foundry, even rows': 'A100 and H100: on these rows',
  'llm-foundry, odd rows': 'A100 and H100: on the even rows',
  'fms-fsdp': 'A100 and H100: on llm-foundry',
  'PEFT benchmark': 'L40S: none; adapters: on two of these rows',
  BLOOM: 'A100: on llm-foundry; heads of odd width: on two of these rows',
  InternEvo: 'A100: on llm-foundry',
  'Korthikanti et al.': 'A100: on llm-foundry; Megatron: none',
  'Hugging Face docs': 'V100: none; fp32 products and launches: on these rows',
  [OWN_SOURCE]: 'H200: none, H100 on llm-foundry',
};

/** A factor for a stack is worth having from so many rows: half of them make it, half test it. */
const ENOUGH_FOR_FACTOR = 8;

export function timeSection(time, held) {
  const bySource = grouped(time);
  return [
    '## Time of an optimizer step',
    '',
    'Tokens per second and seconds per micro-batch were turned into seconds per optimizer step.',
    '“Constants” says which GPUs are calibrated: a constant fitted on one source is tested on all others, and on the rows of its own that it was not fitted on.',
    '“Never seen” predicts the same rows as if no training run of their GPU had ever been published: matrix products then have 85 % of the published rate of one large product.',
    '“One factor” is what a stack’s own runs add: the median of measured ÷ predicted over every other row, tested on the rest.',
    '“Constant MFU” is what people fall back on: 6 FLOPs per parameter and token, 8 with recomputation, at 40 % of the peak.',
    '',
    '| source | points | constants | median error | 90th percentile | bias | in the band | never seen | one factor | constant MFU |',
    '|---|---:|---|---:|---:|---:|---:|---:|---:|---:|',
    ...[...bySource].map(([source, rows]) => line(source, FITTED[source] ?? '', [rows])),
    line('**all**', '', [time]),
    line('**all, each source alike**', '', [...bySource.values()]),
    '',
    ...CONSTANTS,
    '',
    'The band of what the GPUs do comes from these residuals (`core/estimate/time/residuals.ts`, written by `--bands`); links, host and drives have that of their records.',
    'A chip that nothing was fitted on adds what chips differ by: one whose generation has published steps as those lie, another generation farther, another vendor with twice the spread of stacks as well.',
    'Held back means: the bands are made from all other sources, and then asked to hold this one. Width is high ÷ low, the median of its rows.',
    '',
    '| source held back | steps | inside the band of the others | width |',
    '|---|---:|---:|---:|',
    ...held.map(
      ({ source, rows, inside, width }) => `| ${source} | ${rows} | ${percent(inside / rows)} | ${width.toFixed(2)} |`,
    ),
  ];
}

/** A source whose rows some constants were fitted on is shown in two: the fitted and the other half. */
function grouped(rows) {
  const groups = new Map();
  for (const row of rows) {
    const name = nameOf(row.point);
    groups.set(name, [...(groups.get(name) ?? []), row]);
  }
  return groups;
}

function nameOf({ source, id }) {
  if (source !== 'llm-foundry') return source;
  return `${source}, ${Number(/\d+$/.exec(id)[0]) % 2 === 0 ? 'even' : 'odd'} rows`;
}

function line(name, constants, sets) {
  const known = sets.map((rows) => rows.filter(({ error }) => error !== undefined)).filter((rows) => rows.length > 0);
  const over = (figure) => mean(known.map(figure));
  const absolute = (rows, key) => rows.map((row) => Math.abs(row[key]));
  const single = known.length === 1 ? known[0] : [];
  const baseline = known.flat().flatMap(({ peers }) => peers['constant MFU'] ?? []);
  const cells = [
    name,
    known.flat().length,
    constants,
    percent(over((rows) => quantile(absolute(rows, 'error'), 0.5))),
    percent(over((rows) => quantile(absolute(rows, 'error'), 0.9))),
    signed(
      over((rows) =>
        quantile(
          rows.map(({ error }) => error),
          0.5,
        ),
      ),
    ),
    percent(over((rows) => rows.filter(({ isInside }) => isInside).length / rows.length)),
    percent(over((rows) => quantile(absolute(rows, 'cold'), 0.5))),
    constants !== '' && single.length >= ENOUGH_FOR_FACTOR ? percent(afterFactor(single)) : '–',
    baseline.length === 0 ? '–' : percent(quantile(baseline.map(Math.abs), 0.5)),
  ];
  return `| ${cells.join(' | ')} |`;
}

/** Median error of every other row after a factor from the rest. */
function afterFactor(rows) {
  const half = (which) => rows.filter((_, index) => index % 2 === which);
  const factor = quantile(
    half(0).map(({ measured, predicted }) => measured / predicted),
    0.5,
  );
  return quantile(
    half(1).map(({ measured, predicted }) => Math.abs((factor * predicted) / measured - 1)),
    0.5,
  );
}

const CONSTANTS = [
  '### What was fitted on what',
  '',
  'FLOPs, bytes and messages are counted; these constants are of published steps:',
  '',
  '| constant | value | fitted on | tested on |',
  '|---|---:|---|---|',
  '| products, share of the peak on A100 and H100 | 0.83, 0.68 | llm-foundry, even rows | its odd rows, fms-fsdp, BLOOM, InternEvo, Korthikanti et al., torchtune |',
  '| the first FlashAttention, share of the peak on A100 and H100 | 0.315, 0.18 | llm-foundry, even rows | its odd rows |',
  '| bytes of element-wise kernels per token, unit and block | 262 | llm-foundry, even rows; one value for both chips | as above, and L40S |',
  '| bytes through memory for each byte sent | 5.7 | llm-foundry, even rows | its odd rows, fms-fsdp |',
  '| waiting for the slowest, per doubling of the nodes | 1 % | llm-foundry, even rows | BLOOM, InternEvo, fms-fsdp |',
  '| products of heads whose width is no multiple of 8 | 11 TFLOP/s on A100 | BLOOM, 96 and 128 heads | its other rows of heads of 225 |',
  '| bytes of a low-rank adapter per token and unit | 25 | PEFT benchmark, adapters on two and three matrices | none |',
  '| gain of fp8 products; loss of ring attention | 1.5; 1.6 | torchtitan | none |',
  '| fp32 products, share of the peak; launches from Python | 0.75; 14 µs | transformers docs | none |',
  '| one thread of CPU-Adam, AVX-512 and AVX2 | 12, 6 GB/s | training-on-eks, p4d and p5 | its g6e rows |',
  '| what each path of the network carries under ZeRO-3 with offload | hardware catalog | training-on-eks | none |',
  '',
  'Guesses that no public table separates: what torch.compile saves of element-wise work (half), unpacking 4-bit weights, fp8 products, ring attention, heads of odd width away from A100, loading without workers, NVMe of unknown drives, Python of a ZeRO-3 hook (0.5 ms). Each makes the band wider, and is said where it is 2 % of a step or more.',
];
