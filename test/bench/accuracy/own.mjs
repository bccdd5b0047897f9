// What test/calibration measured on a GPU of our own, as points: each with the config that a user would have written for it.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '../paths.mjs';

export const OWN_SOURCE = 'own GPU';
const FOLDER = path.join('test', 'calibration', 'records');

/** All records of the folder, by file name; both lists are empty where it has none. */
export function ownPoints(folder = path.join(root, FOLDER)) {
  const files = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.jsonl')) : [];
  const records = files.sort().flatMap((name) => readRecords(path.join(folder, name), path.basename(name, '.jsonl')));
  const points = [];
  const left = new Map();
  for (const record of records) {
    const why = whyNot(record);
    if (why === undefined) points.push(pointOf(record));
    else left.set(why, [...(left.get(why) ?? []), record.name]);
  }
  return { points, leftOut: [...left].map(([why, ids]) => ({ source: OWN_SOURCE, why, ids })) };
}

/** The last record of a point stands: one that failed may have been tried again. */
function readRecords(file, stem) {
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
  const byId = new Map();
  for (const line of lines) {
    const record = JSON.parse(line);
    byId.set(record.id, { ...record, name: `${stem}/${record.id}`, file: `${stem}.jsonl` });
  }
  return [...byId.values()];
}

function whyNot({ kind, device, outcome, notes }) {
  if (device !== 'cuda') return 'a dry run without a GPU, not a measurement';
  if (kind === 'component') return 'one kernel or link, not a run';
  if (outcome === 'skipped') return `not run: ${notes}`;
  if (outcome !== 'measured') return `${outcome}, so nothing was measured in full`;
  return undefined;
}

const FRAMEWORKS = ['torch', 'transformers', 'accelerate', 'peft', 'deepspeed', 'bitsandbytes', 'trl'];
const PER_NODE = 8;

function pointOf(record) {
  const { model, gpus, environment, strategy, other, measured, pretended_ranks: isPretended } = record;
  const gpusPerNode = Math.min(PER_NODE, gpus);
  const nodes = gpus / gpusPerNode;
  return {
    id: record.name,
    source: OWN_SOURCE,
    url: `../${FOLDER.split(path.sep).join('/')}/${record.file}`,
    grade: record.completeness,
    model: model.config,
    hardware: hardwareOf(record, gpusPerNode, nodes),
    nodes,
    gpusPerNode,
    ...strategy,
    zero: strategy.zero ?? undefined,
    precision: record.precision,
    micro: record.micro_batch,
    accumulation: record.grad_accum,
    sequence: record.seq_len,
    // Every sample is as long as the sequence, unless a mask hides some of it.
    packed: other.mask !== true,
    checkpointing: record.activation_checkpointing,
    ...other,
    frameworks: frameworksOf(environment.versions),
    measured: {
      memory: figuresOf(measured, isPretended),
      // Pretended ranks send nothing, so a step with them has no time to compare.
      ...(measured.step_s === undefined || isPretended ? {} : { seconds: measured.step_s }),
    },
  };
}

function hardwareOf({ gpu, environment: { host } }, count, nodes) {
  return {
    node: {
      accelerator: gpu,
      count,
      vcpus: host.cpus,
      hostMemoryGiB: Math.round(host.memory_bytes / 2 ** 30),
    },
    // Only memory is compared there, and that does not depend on the network.
    ...(nodes > 1 ? { between: { transport: 'infiniband', gbpsPerNic: 400, nicsPerNode: count } } : {}),
  };
}

const frameworksOf = (versions) =>
  Object.fromEntries(
    FRAMEWORKS.flatMap((name) => (versions[name] ? [[name, versions[name].replace(/\+.*$/, '')]] : [])),
  );

/** The driver's figure lacks the communicators of ranks that are not there. */
function figuresOf(measured, isPretended) {
  const figures = [
    { kind: 'allocated', gib: measured.peak_mem_gib_per_gpu },
    { kind: 'reserved', gib: measured.peak_reserved_gib_per_gpu },
    ...(isPretended ? [] : [{ kind: 'driver', gib: measured.peak_mem_nvml_gib }]),
  ];
  return figures.filter(({ gib }) => gib !== undefined);
}

/** Issue's target for what we measured ourselves: the median error of what torch allocated. */
const TARGET = 0.02;

/** What the report says of our own GPU; nothing where there is no record. */
export function ownLines(scored, leftOut) {
  const rows = scored.filter(
    ({ point, kind, error }) => point.source === OWN_SOURCE && kind === 'allocated' && error !== undefined,
  );
  if (rows.length === 0) return [];
  const errors = rows.map(({ error }) => Math.abs(error)).sort((a, b) => a - b);
  const median = errors[(errors.length - 1) >> 1];
  const gpus = [...new Set(rows.map(({ point }) => point.hardware.node.accelerator))].join(', ');
  const percent = (value) => `${(value * 100).toFixed(1)} %`;
  return [
    '### On a GPU of our own',
    '',
    `${rows.length} runs on ${gpus} by \`test/calibration\`: what torch allocated is predicted to ${percent(median)} in the median and ${percent(errors.at(-1))} at worst.`,
    `The target is ${percent(TARGET)} in the median: ${median <= TARGET ? 'reached' : 'not reached'}.`,
    '',
    ...(leftOut.length === 0
      ? []
      : ['| left out | why |', '|---:|---|', ...leftOut.map(({ why, ids }) => `| ${ids.length} | ${why} |`), '']),
  ];
}
