import type { Sharding, TrainingRun } from '../run/training-run';

/** The facts that a measurement holds for, as shardlens.json keeps them; null is "not known". */
export interface Fingerprint {
  readonly model: string | null;
  readonly gpu: string | null;
  readonly nodes: number | null;
  readonly gpusPerNode: number | null;
  readonly microBatch: number | null;
  readonly accumulation: number | null;
  readonly sequenceLength: number | null;
  readonly sharding: string | null;
  readonly precision: string | null;
  readonly optimizer: string | null;
  readonly checkpointing: string | null;
  /** Everything else that memory or time depend on, as one short word: equal words, equal facts. */
  readonly others: string;
}

/** The fingerprint of a run. Two runs with equal ones are the same to every formula, so a measurement of one holds for the other. */
export function fingerprintOf(run: TrainingRun): Fingerprint {
  return { ...shown(run), others: digest(plain(others(run))) };
}

/** A short word for a fingerprint: another run has another. */
export function shortName(fingerprint: Fingerprint): string {
  return digest(plain(fingerprint)).slice(0, 8);
}

/** Names of the facts in which a run differs from what was measured; empty: it is the same run. The costly one comes last. */
export function differences(measured: Fingerprint, run: TrainingRun): string[] {
  const now = shown(run);
  const found = (Object.keys(now) as (keyof typeof now)[]).filter((key) => now[key] !== (measured[key] ?? null));
  const words = found.map((key) => `${WORDS[key]} is ${now[key] ?? 'not known'}, was ${measured[key] ?? 'not known'}`);
  if (words.length > 0) return words;
  return measured.others === digest(plain(others(run)))
    ? []
    : ['another setting that memory or time depend on has changed'];
}

const WORDS = {
  model: 'the model',
  gpu: 'the GPU',
  nodes: 'the number of nodes',
  gpusPerNode: 'GPUs per node',
  microBatch: 'the micro-batch',
  accumulation: 'gradient_accumulation_steps',
  sequenceLength: 'the sequence length',
  sharding: 'sharding',
  precision: 'precision',
  optimizer: 'the optimizer',
  checkpointing: 'activation checkpointing',
} as const;

/** The machine alone, with what decides how many communicators a rank has: context and NCCL take the same there. */
export function isSameMachine(measured: Fingerprint, machine: string | undefined, run: TrainingRun): boolean {
  const now = shown(run);
  return (
    now.gpu !== null &&
    now.gpu === measured.gpu &&
    now.nodes === measured.nodes &&
    now.gpusPerNode === measured.gpusPerNode &&
    machine !== undefined &&
    machine === machineOf(run)
  );
}

/** What context and NCCL depend on beside the GPUs, in one word. */
export function machineOf({ parallelism, sharding, frameworks, environment }: TrainingRun): string {
  const kind = sharding.known ? sharding.value.kind : null;
  return digest(plain([parallelism, kind, frameworks.torch, environment]));
}

function shown(run: TrainingRun): Omit<Fingerprint, 'others'> {
  const { model, cluster, batch, precision, optimizer, checkpointing } = run;
  const get = <T>(value: { readonly known: boolean; readonly value?: T }): T | null => value.value ?? null;
  return {
    model: model.known ? model.value.name : null,
    gpu: cluster.known ? cluster.value.accelerator.name : null,
    nodes: get(run.nodes),
    gpusPerNode: get(run.gpusPerNode),
    microBatch: get(batch.micro),
    accumulation: get(batch.accumulation),
    sequenceLength: get(batch.sequenceLength),
    sharding: run.sharding.known ? nameOf(run.sharding.value) : null,
    precision: get(precision.compute),
    optimizer: get(optimizer.name),
    checkpointing: get(checkpointing),
  };
}

function nameOf(sharding: Sharding): string {
  if (sharding.kind === 'zero') return sharding.stage.known ? `zero-${sharding.stage.value}` : 'zero';
  if (sharding.kind === 'fsdp')
    return sharding.strategy.known ? `fsdp-${sharding.strategy.value.toLowerCase()}` : 'fsdp';
  return sharding.kind;
}

/** What tells how a run came about, and not what it is; a fact that is not named here counts, so that a new one cannot be forgotten. */
const ABOUT = [
  'consumer',
  'consumers',
  'files',
  'undecided',
  'configs',
  'autos',
  'job',
  'storage',
  'launch',
  'launches',
  'measured',
  'datasetSamples',
  'disagreements',
] as const satisfies readonly (keyof TrainingRun)[];

function others(run: TrainingRun): unknown {
  const { model, cluster } = run;
  return {
    ...run,
    ...Object.fromEntries(ABOUT.map((name) => [name, undefined])),
    model: model.known ? [model.value.modelType, model.value.parameters.total] : null,
    cluster: cluster.known ? [cluster.value.label, cluster.value.accelerator.memoryBytes] : null,
  };
}

/** Values without where they came from, in an order that does not depend on how they were read. */
function plain(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(plain).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  if ('known' in value) return 'value' in value && value.known === true ? plain(value.value) : 'null';
  // What a run does not have is as good as not there: a fact that a later version adds makes no run another.
  const fields = Object.entries(value as object)
    .filter(([, it]) => it !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([key, it]) => `${key}:${plain(it)}`).join()}}`;
}

/** FNV-1a over UTF-16 units, twice with different seeds: 64 bits, for telling apart and not for secrecy (RFC 9923). */
function digest(text: string): string {
  let a = 0x811c9dc5;
  let b = 0x01234567;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    a = Math.imul(a ^ unit, 0x01000193);
    b = Math.imul(b ^ unit, 0x01000193);
  }
  return [a, b].map((it) => (it >>> 0).toString(16).padStart(8, '0')).join('');
}
