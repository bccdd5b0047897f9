import type { FrameworkName, TrainingRun } from '../run/training-run';
import { isAtLeast, statedVersion } from '../schema/versions';
import { numberOf, setting, stringOf } from '../settings';
import type { Config } from '../source';
import { argumentsOf } from './arguments';
import { type Note, type Write, writeTo } from './move';
import { isOpen } from './settled';
import { fsdpOf } from './sharding';

export const PREFIX = 'parallelism_config.parallelism_config_';

/** Sizes of a parallel dimension that are tried. */
export const SIZES = [2, 4, 8, 16] as const;

export const NEEDS_MESH = 'needs accelerate 1.12 or later';

/** Query heads come out even; key heads come out even or are shared by whole groups. */
export function dividesHeads({ model }: TrainingRun, ranks: number): boolean {
  if (!model.known) return false;
  const shapes = model.value.blocks.flatMap(({ attention }) => attention ?? []);
  return shapes.every(({ heads, kvHeads }) => heads % ranks === 0 && (kvHeads % ranks === 0 || ranks % kvHeads === 0));
}

/** Accelerate's `parallelism_config`. */
export interface Mesh {
  size(name: string): number;
  write(sizes: Readonly<Record<string, number>>): Write[];
}

/** The mesh of an Accelerate file that runs FSDP2; undefined where its releases do not know one. */
export function fsdpMesh(run: TrainingRun, note?: Note): Mesh | undefined {
  const version = fsdpOf(run)?.version;
  if (!version?.known || version.value !== 2) return undefined;
  const mesh = accelerateMesh(run);
  return mesh && isOpen(run, 'mesh', [run.parallelism.context, run.parallelism.tensor], note) ? mesh : undefined;
}

/** The mesh of an Accelerate file that runs FSDP or DeepSpeed. */
export function accelerateMesh(run: TrainingRun): Mesh | undefined {
  const { accelerate } = run.configs;
  if (!accelerate || !isRecent(run, 'accelerate', '1.12') || argumentsOf(run).get('fsdp', 'deepspeed'))
    return undefined;
  const type = stringOf(setting(accelerate, 'distributed_type'));
  if (type !== 'FSDP' && type !== 'DEEPSPEED') return undefined;
  return {
    size: (name) => numberOf(setting(accelerate, `${PREFIX}${name}_size`)) ?? 1,
    write: (sizes) => Object.entries(sizes).map(([name, size]) => writeSize(accelerate, name, size)),
  };
}

function writeSize(accelerate: Config, name: string, size: number): Write {
  return writeTo(accelerate, `${PREFIX}${name}_size`, size);
}

/** What no file states is taken to be recent, and the move's note says what it needs. */
export function isRecent(run: TrainingRun, framework: FrameworkName, version: string): boolean {
  const stated = statedVersion(run, framework);
  return stated === undefined || isAtLeast(stated, version);
}
