import { describe, expect, it } from 'vitest';
import { analyze } from '../../../server/src/core/analyze';
import { estimateCheckpoint } from '../../../server/src/core/estimate/checkpoint';
import type { Term, TimeTerm } from '../../../server/src/core/estimate/estimate';
import { estimateHost } from '../../../server/src/core/estimate/host';
import { estimateMemory } from '../../../server/src/core/estimate/memory/index';
import { estimateTime } from '../../../server/src/core/estimate/time/index';
import { rules } from '../../../server/src/core/rules/index';
import type { Sharding, TrainingRun } from '../../../server/src/core/run/training-run';
import { loadCatalogs } from '../../../server/src/data/index';
import { exampleFolders } from '../../examples';
import { memoryWorkspace, ROOT } from '../../memory-workspace';
import { evaluated } from './arithmetic';
import { fsdp, type RunSpec, SINGLE, testRun, value, zero } from './builders';
import { cluster } from './time/clusters';

const catalogs = loadCatalogs();
const SETTINGS =
  '{ "model": "meta-llama/Meta-Llama-3-8B", "sequenceLength": 2048, "target": "t", "targets": { "t": { "hardware": "p4d.24xlarge", "nodes": 2 } } }';

/** Every example of the repository and of the rules, on a machine where it names none. */
function exampleRuns(): (readonly [string, TrainingRun])[] {
  const folders = Object.entries(exampleFolders()).map(([name, files]) => [name, files] as const);
  const ofRules = rules.flatMap(({ id, examples }) =>
    [...examples.bad, ...examples.good].flatMap(({ files }, index) =>
      typeof files === 'string' ? [] : [[`${id}/${index}`, files] as const],
    ),
  );
  return [...folders, ...ofRules].flatMap(([name, files]) => {
    const workspace = memoryWorkspace({ 'shardlens.json': SETTINGS, ...files });
    return Object.keys(files).flatMap((file) => {
      const source = /\.(ya?ml|json)$/.test(file) ? workspace.source(`${ROOT}/${file}`) : undefined;
      const run = source && analyze(source, { workspace, catalogs }).run;
      return run?.model.known ? [[`${name}/${file}`, run] as const] : [];
    });
  });
}

const OPTIMIZERS = 'adamw_torch adamw_bnb_8bit paged_adamw_32bit adafactor galore_adamw lomo lion_32bit muon sgd'.split(
  ' ',
);
const SHARDINGS: Readonly<Record<string, Sharding>> = {
  single: SINGLE,
  ddp: { kind: 'ddp', gradientAsBucketView: value(false) },
  zero0: zero(0),
  zero1: zero(1),
  zero2: zero(2, { overlapComm: true }),
  zero3: zero(3, { gatherWeightsOnSave: true }),
  offload: zero(3, { offloadOptimizer: 'cpu', offloadParam: 'cpu' }),
  nvme: zero(3, { offloadOptimizer: 'nvme', offloadParam: 'nvme' }),
  'twin flow': zero(3, { offloadOptimizer: 'cpu', offloadRatio: 0.5, subGroupElements: 1e7 }),
  hpz: zero(3, { hpzPartitionRanks: 2 }),
  fsdp1: fsdp({ version: 1, stateDict: 'FULL_STATE_DICT' }),
  'grad op': fsdp({ strategy: 'SHARD_GRAD_OP' }),
  fsdp2: fsdp(),
  'fsdp offload': fsdp({ offloadParams: true }),
};
const MODES: readonly RunSpec[] = [
  { micro: 2, sequence: 1024, accumulation: 2 },
  { micro: 1, sequence: 4096, checkpointing: 'full', evaluation: true, saves: true },
  { micro: 1, sequence: 2048, weights: 'fp32', mode: 'autocast', attention: 'eager', fusedLoss: true },
  { micro: 1, sequence: 2048, lora: { rank: 16, targets: ['q_proj', 'v_proj'] }, quantization: 'nf4' },
];

/** Every way to shard, every kind of optimizer and what a step keeps. */
function gridRuns(): (readonly [string, TrainingRun])[] {
  const box = cluster({ instance: 'p4d.24xlarge', nodes: 1, gpusPerNode: 8 });
  return Object.entries(SHARDINGS).flatMap(([name, sharding]) =>
    OPTIMIZERS.flatMap((optimizer) =>
      MODES.map((mode, index) => {
        const world = sharding.kind === 'single' ? 1 : 8;
        const run = testRun({ ...mode, sharding, optimizer, world, gpusPerNode: world });
        return [`${name}, ${optimizer}, ${index}`, { ...run, cluster: value(box) }] as const;
      }),
    ),
  );
}

const RUNS = [...exampleRuns(), ...gridRuns()];

function bytesTerms(run: TrainingRun): Term[] {
  const phases = Object.values(estimateMemory(run).memory?.phases ?? {}).flatMap((phase) => phase?.terms ?? []);
  return [...phases, ...(estimateHost(run).host?.terms ?? []), ...(estimateCheckpoint(run).checkpoint?.terms ?? [])];
}

function timeTerms(run: TrainingRun): readonly TimeTerm[] {
  return estimateTime(run, { memory: estimateMemory }).step?.terms ?? [];
}

/** What is no arithmetic, and says so. */
const TYPICAL = /^(typical for CUDA|all kernels loaded|in use by the driver)/;
const UNFILLED = /undefined|NaN|null|Infinity|\[object|\$\{|\b[A-Za-z]_[a-z]|\?/;

/** Each flaw once, with the first run that shows it. */
function flaws(
  check: (term: Term | TimeTerm) => string | undefined,
  of: (run: TrainingRun) => readonly (Term | TimeTerm)[],
) {
  const found = new Map<string, string>();
  for (const [name, run] of RUNS) {
    for (const term of of(run)) {
      const flaw = check(term);
      if (flaw !== undefined && !found.has(`${term.id}: ${flaw}`))
        found.set(`${term.id}: ${flaw}`, `${name}: ${term.label}: ${term.formula}`);
    }
  }
  return Object.fromEntries(found);
}

function unread({ label, formula, source }: Term | TimeTerm): string | undefined {
  if (!/^\S.{4,}/.test(label) || UNFILLED.test(label)) return 'no label';
  if (!/^\S.{4,}/.test(source)) return 'no source';
  if (UNFILLED.test(formula)) return 'a symbol is not filled in';
  if (!/\d/.test(formula) && !TYPICAL.test(formula)) return 'no number';
  return undefined;
}

describe('every term', () => {
  it('has a label, a source, and a formula with its numbers filled in', () => {
    expect(RUNS.length).toBeGreaterThan(700);
    expect(flaws(unread, bytesTerms)).toEqual({});
    expect(flaws(unread, timeTerms)).toEqual({});
  });

  it('of memory, host and checkpoint comes to what its formula says', () => {
    const wrong = (term: Term | TimeTerm): string | undefined => {
      const bytes = 'bytes' in term ? term.bytes : 0;
      const [left = '', right = ''] = term.formula.split(/ = (?=[^=]*$)/);
      const [computed, shown] = [evaluated(left), evaluated(right)];
      if (!shown || bytes < shown.low * 0.999 || bytes > shown.high * 1.001 + 1) return 'another result';
      if (TYPICAL.test(left)) return undefined;
      if (!computed) return 'no arithmetic';
      return bytes < computed.low * 0.999 - 1 || bytes > computed.high * 1.001 + 1 ? 'other arithmetic' : undefined;
    };
    expect(flaws(wrong, bytesTerms)).toEqual({});
  });

  it('that follows from the files names the setting it comes from', () => {
    const nameless = (term: Term | TimeTerm): string | undefined =>
      'from' in term && term.from.length === 0 && !/^(context|fragmentation)/.test(term.group)
        ? 'no origin'
        : undefined;
    expect(flaws(nameless, bytesTerms)).toEqual({});
  });
});

describe('arithmetic of formulas', () => {
  it.each([
    ['2 B × 8.0 B parameters ÷ 4 ranks', 4e9],
    ['8 B × 8.0 B parameters, 1 of 2 shards', 32e9],
    ['(2 × 2 B + 2 B ÷ 4 + 8 B ÷ 4) × 525 M elements', 6.5 * 525e6],
    ['74 % of 8.22 GiB that come and go; more where there is room', 0.74 * 8.22 * 2 ** 30],
    ['2 B × 1.0 B elements (largest parameter 525 M, max live 1.0 B)', 2e9],
    ['12 B × 8,192 tokens × 128,256 vocabulary', 12 * 8192 * 128256],
  ])('%s', (formula, bytes) => {
    const result = evaluated(formula);
    expect(result?.low).toBeLessThanOrEqual(bytes);
    expect(result?.high).toBeGreaterThanOrEqual(bytes);
    expect((result?.high ?? 0) / (result?.low ?? 1)).toBeLessThan(1.13);
  });

  it('is none in words alone', () => {
    expect(evaluated('as in a Llama block')).toBeUndefined();
  });
});
