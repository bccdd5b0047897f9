import type { Overrides } from '../analysis';
import type { TrainerArguments } from '../dialects/trainer/read';
import type { Model } from '../models/model';
import type { Config } from '../source';
import type { Known } from './known';
import type { Links } from './links';
import type { ProjectSettings } from './settings-file';
import type { Consumer, FrameworkName } from './training-run';
import { type Written, writtenIn } from './written';

/** Everything the facts of a run are read from. Built in the order of its fields: later ones may need earlier ones. */
export interface RunSources {
  readonly links: Links;
  readonly settings: ProjectSettings;
  readonly overrides: Overrides;
  readonly args: TrainerArguments;
  readonly deepspeed: Config | undefined;
  readonly accelerate: Config | undefined;
  readonly fsdp: Config | undefined;
  readonly consumer: Known<Consumer>;
  readonly consumers: readonly Consumer[];
  readonly frameworks: Readonly<Partial<Record<FrameworkName, Known<string>>>>;
  readonly model: Known<Model>;
}

/** A key of Accelerate's DeepSpeed plugin; the block is not read for any other `distributed_type`. */
export function pluginSetting({ accelerate }: Pick<RunSources, 'accelerate'>, key: string): Written | undefined {
  const isRead = writtenIn(accelerate, 'distributed_type')?.plain === 'DEEPSPEED';
  return isRead ? writtenIn(accelerate, `deepspeed_config.${key}`) : undefined;
}

/** A flag's value or the user's pick in the editor as if it were written. */
export function overrideOf(
  { overrides }: Pick<RunSources, 'overrides'>,
  field: 'model' | 'hardware' | 'target' | 'nodes' | 'gpusPerNode' | 'sequenceLength',
): Written | undefined {
  const value = overrides[field];
  if (value === undefined) return undefined;
  const flag = FLAGS[field];
  return {
    key: flag,
    plain: value,
    origin: overrides.from === 'flag' ? { kind: 'flag', flag } : { kind: 'editor', what: WORDS[field] },
    from: 'flag',
    templated: false,
  };
}

const FLAGS = {
  model: '--model',
  hardware: '--hardware',
  target: '--target',
  nodes: '--nodes',
  gpusPerNode: '--gpus',
  sequenceLength: '--seq-len',
} as const;

const WORDS = {
  model: 'the model chosen in the editor',
  hardware: 'the hardware chosen in the editor',
  target: 'the target chosen in the editor',
  nodes: 'the nodes chosen in the editor',
  gpusPerNode: 'the GPUs per node chosen in the editor',
  sequenceLength: 'the sequence length chosen in the editor',
} as const;

/** -1, 0 or 1 for dotted versions; undefined where either has a part that is no number. */
function compareVersions(a: string, b: string): number | undefined {
  const left = partsOf(a);
  const right = partsOf(b);
  if (!left || !right) return undefined;
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return Math.sign(difference);
  }
  return 0;
}

function partsOf(version: string): number[] | undefined {
  const release = /^v?(\d+(?:\.\d+)*)/.exec(version.trim())?.[1];
  return release?.split('.').map(Number);
}

/** Whether the framework is known to be older than `version`. */
export function isOlder(known: Known<string> | undefined, version: string): boolean {
  return known?.known === true && compareVersions(known.value, version) === -1;
}
