// The tables of the benchmark, as docs/accuracy.md shows them.
import { mean, percent, quantile, signed } from './figures.mjs';
import { OWN_SOURCE, ownLines } from './own.mjs';
import { PEERS } from './peers.mjs';
import { reasonOf } from './reasons.mjs';
import { timeSection } from './time-report.mjs';

export function report(scored, leftOut, { commit, date, held, heldFits, contradicted, ownLeftOut = [], timeHeld }) {
  const memory = scored.filter(({ what }) => what === 'memory');
  const host = scored.filter(({ what }) => what === 'host');
  const time = scored.filter(({ what }) => what === 'time');
  const points = new Set(scored.flatMap(({ point }) => (point.source === OWN_SOURCE ? [] : [point.id]))).size;
  return [
    '# How accurate the predictions are',
    '',
    `Written by \`npm run bench:accuracy -- --write\` on ${date}, at commit ${commit} or the one that follows it.`,
    'Each point is a run that others measured and published; `test/bench/accuracy/points.json` keeps it with its address.',
    'It is predicted from files that a user could have written: a Trainer file, a DeepSpeed or Accelerate file, a launch line and a `shardlens.json`.',
    'Error is predicted ÷ measured − 1. “In the band” is the share of measurements between `low` and `high`.',
    '',
    '## Memory per GPU',
    '',
    'Figures are compared like with like: `allocated` and `reserved` as torch reports them, `driver` as nvidia-smi does.',
    'The columns of the peers show the median error of their published formulas on the same points, where they have one.',
    '',
    ...table(
      memory,
      PEERS.map(({ name }) => name),
    ),
    '',
    ...PEERS.map(({ name, what, source }) => `- ${name}: ${what}; ${source}.`),
    '',
    ...verdicts(memory, heldFits),
    '',
    ...ownLines(scored, ownLeftOut),
    ...HOLDING_OUT,
    '',
    '| source held back | figures | inside the band of the others |',
    '|---|---:|---:|',
    ...held.map(({ source, rows, inside }) => `| ${source} | ${rows} | ${percent(inside / rows)} |`),
    `| **all** | ${total(held, 'rows')} | ${percent(total(held, 'inside') / total(held, 'rows'))} |`,
    '',
    '### The ten worst',
    '',
    ...worst(memory, (value) => `${value.toFixed(1)} GiB`),
    '',
    '### More than 5 % under, where it is said to fit',
    '',
    'The value, not the upper end of the band.',
    '',
    ...pointsTable(
      memory.filter(({ error, fits }) => fits === true && error < -0.05),
      (value) => `${value.toFixed(1)} GiB`,
    ),
    '',
    '### Not scored',
    '',
    'These rows their own source contradicts; they are predicted like all others.',
    '',
    '| point | measured | predicted | error | why |',
    '|---|---:|---:|---:|---|',
    ...contradicted.map(({ point, measured, predicted, error }) => {
      const cells = [`[${point.id}](${point.url})`, `${measured.toFixed(1)} GiB`, `${predicted.toFixed(1)} GiB`];
      return `| ${[...cells, signed(error), point.contradicted].join(' | ')} |`;
    }),
    '',
    '## Memory of a node',
    '',
    'What the source says is used on the node, operating system included.',
    '',
    ...worst(host, (value) => `${value.toFixed(0)} GiB`),
    '',
    ...timeSection(time, timeHeld),
    '',
    '### The ten worst',
    '',
    ...worst(time, (value) => `${value.toFixed(2)} s`),
    '',
    '## What was left out',
    '',
    `${leftOut.reduce((sum, { ids }) => sum + ids.length, 0)} of the ${leftOut.reduce((sum, { ids }) => sum + ids.length, points)} published points have no config of ours, or not enough is published to write one.`,
    '',
    'Three groups were predicted before they were left out, and were far off: InternEvo’s memory (−29 to −44 %, 16 points), torchtitan’s tensor-parallel memory (+203 and +223 %, 2 points) and the PEFT benchmark’s LoRA rows, predicted for their cap of 768 tokens (+20 to +33 %, 4 points).',
    'Layers and hidden size of 25 BLOOM rows were corrected against the headings of the source (`sources.mjs`).',
    '',
    '| points | source | why |',
    '|---:|---|---|',
    ...leftOut.map(({ source, why, ids }) => `| ${ids.length} | ${source} | ${why} |`),
  ].join('\n');
}

/** All of these ran, so none of them may be said not to fit; and what is said to fit must not need more than was said. */
function verdicts(memory, heldFits) {
  const known = memory.filter(({ error }) => error !== undefined);
  const said = (fits) => known.filter((row) => row.fits === fits).length;
  return [
    `Every one of these runs fitted its GPU. Said to fit: ${said(true)}; too close to call: ${said(null)}; said not to fit: ${said(false)}.`,
    '',
    'A run is said to fit only where the upper end of its band fits, so that this end is the figure behind “it fits”.',
    'How far measurements lie above it where a run was said to fit, and above the predicted value itself:',
    '',
    '| bands | said to fit | above the upper end | worst | more than 5 % above | value more than 5 % under | worst |',
    '|---|---:|---:|---:|---:|---:|---:|',
    fitsLine('recorded', known),
    fitsLine('of all other sources', heldFits),
  ];
}

function fitsLine(name, rows) {
  const fit = rows.filter(({ fits, error }) => fits === true && error !== undefined);
  const above = fit.map((row) => row.above);
  const under = fit.map(({ error }) => -error);
  const count = (values, least) => values.filter((value) => value > least).length;
  const cells = [fit.length, count(above, 0), percent(Math.max(0, ...above)), count(above, 0.05)];
  return `| ${[name, ...cells, count(under, 0.05), percent(Math.max(0, ...under))].join(' | ')} |`;
}

/** What was fitted where; changed by hand when the model is. */
const HOLDING_OUT = [
  '### What was fitted on what',
  '',
  'States, activations, loss heads and sharding buffers are counted by running the frameworks on fake tensors (`test/oracle`), and fitted on nothing here.',
  'Four constants are of published measurements:',
  '',
  '| constant | value | taken from | tested on |',
  '|---|---:|---|---|',
  '| reserved ÷ allocated, of what comes and goes | 1.25 | torchtitan (median 1.26) | BLOOM alone gives 1.14, the transformers docs alone 1.24 |',
  '| cache of side streams in ZeRO-3 and FSDP 1 | 4 GiB, at most 1.3 × what comes and goes | training-on-eks (4.1–4.9 GiB) | PEFT docs, four runs: −2 to +6 % |',
  '| CUDA context before torch 1.13 | 1.3 GiB | transformers docs (1,343 MiB measured alone) | BLOOM |',
  '| one set of NCCL communicators | 0.4 GiB | a prior; how many there are is read in the code | PEFT docs in a node, BLOOM between nodes |',
  '',
  'The band comes from the residuals of the nearest class of runs (`core/estimate/memory/residuals.ts`, written by `--bands`).',
  'Held back means: the bands are made from all other sources, and then asked to hold this one, with half a GiB of slack for context and block sizes.',
  'It tests the bands, not the formulas: those were mended while these sources were looked at (pipeline stages, communicators, what the bf16 optimizer keeps and what the step cannot take from the cache at BLOOM, quantised inputs and named activations at litgpt, zeroed gradients at the transformers docs), each time from the code that ran.',
  'That a class which was never measured is drawn two times wider, and one with few rows of one source 1.5 times, was chosen with this table in sight.',
];

function table(rows, peers) {
  const bySource = grouped(rows);
  const lines = [...bySource].map(([source, ones]) => line(source, ones, peers));
  return [
    `| source | points | median error | 90th percentile | bias | in the band | ${peers.join(' | ')} |`,
    `|---|---:|---:|---:|---:|---:|${'---:|'.repeat(peers.length)}`,
    ...lines,
    line('**all**', rows, peers),
    line('**all, each source alike**', rows, peers, [...bySource.values()]),
  ];
}

const sourceOf = ({ point }) => point.source;

function grouped(rows) {
  const groups = new Map();
  for (const row of rows) groups.set(sourceOf(row), [...(groups.get(sourceOf(row)) ?? []), row]);
  return groups;
}

function line(name, rows, peers, groups) {
  const known = rows.filter(({ error }) => error !== undefined);
  // A source with many points must not drown the others: there each counts as one.
  const sets = (groups ?? [rows]).map((ones) => ones.filter(({ error }) => error !== undefined));
  const over = (figure) => mean(sets.filter((ones) => ones.length > 0).map(figure));
  const cells = [
    name,
    known.length === rows.length ? rows.length : `${known.length} of ${rows.length}`,
    percent(
      over((ones) =>
        quantile(
          ones.map(({ error }) => Math.abs(error)),
          0.5,
        ),
      ),
    ),
    percent(
      over((ones) =>
        quantile(
          ones.map(({ error }) => Math.abs(error)),
          0.9,
        ),
      ),
    ),
    signed(
      over((ones) =>
        quantile(
          ones.map(({ error }) => error),
          0.5,
        ),
      ),
    ),
    percent(over((ones) => ones.filter(({ isInside }) => isInside).length / ones.length)),
    ...peers.map((peer) => {
      const errors = known.map((one) => one.peers[peer]).filter((error) => error !== undefined);
      return errors.length === 0 ? '–' : percent(quantile(errors.map(Math.abs), 0.5));
    }),
  ];
  return `| ${cells.join(' | ')} |`;
}

function worst(rows, format) {
  return pointsTable(
    rows
      .filter(({ error }) => error !== undefined)
      .sort((a, b) => Math.abs(b.error) - Math.abs(a.error))
      .slice(0, 10),
    format,
  );
}

function pointsTable(rows, format) {
  const sorted = [...rows].sort((a, b) => Math.abs(b.error) - Math.abs(a.error));
  return [
    '| point | measured | predicted | error | reason |',
    '|---|---:|---:|---:|---|',
    ...sorted.map(({ point, what, measured, predicted, error }) => {
      const name = `[${point.id}](${point.url})`;
      return `| ${name} | ${format(measured)} | ${format(predicted)} | ${signed(error)} | ${reasonOf(point, what)} |`;
    }),
  ];
}

const total = (rows, key) => rows.reduce((sum, row) => sum + row[key], 0);
