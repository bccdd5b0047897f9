import type { Overrides } from '../../../server/src/core/analysis';
import { recognise } from '../../../server/src/core/dialects/index';
import { type Joined as JoinedOutline, joinRun } from '../../../server/src/core/run/join';
import type { Known } from '../../../server/src/core/run/known';
import type { FsdpSharding, TrainingRun, ZeroSharding } from '../../../server/src/core/run/training-run';
import { loadCatalogs } from '../../../server/src/data/index';
import { memoryWorkspace, ROOT } from '../../memory-workspace';

const catalogs = loadCatalogs();

/** A file joined with the rest of its run, which is worked out whole. */
export type Joined = Omit<JoinedOutline, 'run'> & { readonly run: TrainingRun };

/** Joins the first of these files with the others. */
export function join(files: Readonly<Record<string, string>>, overrides: Overrides = { from: 'flag' }): Joined {
  const workspace = memoryWorkspace(files);
  const file = workspace.source(`${ROOT}/${Object.keys(files)[0]}`);
  const recognition = file && recognise(file);
  if (!file || !recognition) throw new Error('the first file is no config of ours');
  const joined = joinRun(file, recognition, { workspace, catalogs, overrides });
  return { ...joined, run: joined.wholeRun() };
}

/** The value, or `unknown: why`. */
export function told(value: Known<unknown> | undefined): unknown {
  if (!value) return undefined;
  return value.known ? value.value : `unknown: ${value.why}`;
}

/** Where a value came from, in a few words: `train.yaml deepspeed`, `default of DeepSpeed 0.19.6`. */
export function source(value: Known<unknown> | undefined): string {
  const origin = value?.origin;
  if (!origin) return 'nowhere';
  switch (origin.kind) {
    case 'file':
      return `${origin.path.slice(ROOT.length + 1)} ${origin.key}`;
    case 'flag':
      return origin.flag;
    case 'editor':
      return origin.what;
    case 'default':
      return `default of ${origin.of}`;
    case 'catalog':
      return `catalog ${origin.id}`;
    case 'derived':
      return origin.formula;
    case 'assumed':
      return `assumed: ${origin.because}`;
  }
}

export function zero(joined: Joined): ZeroSharding {
  const { sharding } = joined.run;
  if (!sharding.known || sharding.value.kind !== 'zero') throw new Error(`no ZeRO: ${JSON.stringify(sharding)}`);
  return sharding.value;
}

export function fsdp(joined: Joined): FsdpSharding {
  const { sharding } = joined.run;
  if (!sharding.known || sharding.value.kind !== 'fsdp') throw new Error(`no FSDP: ${JSON.stringify(sharding)}`);
  return sharding.value;
}

/** Keys that make a Trainer file plain to see; `more` is appended. */
export function trainer(more: string): string {
  return `output_dir: out\nlearning_rate: 2.0e-5\nnum_train_epochs: 1\nlogging_steps: 10\nsave_steps: 100\nlr_scheduler_type: cosine\n${more}`;
}

export const ACCELERATE =
  'compute_environment: LOCAL_MACHINE\ndistributed_type: MULTI_GPU\nmixed_precision: bf16\nnum_machines: 1\n';
