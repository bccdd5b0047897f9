import { numberOf, setting, stringOf } from '../settings';
import type { Config } from '../source';

/** An Accelerate file with further lines, for examples. */
export function accelerateFile(lines: string, type = 'MULTI_GPU'): string {
  return `compute_environment: LOCAL_MACHINE\ndistributed_type: ${type}\nmixed_precision: bf16\n${lines}`;
}

/** `distributed_type` as written; undefined where it proves nothing. */
export function distributedTypeOf(config: Config): string | undefined {
  const found = setting(config, 'distributed_type');
  return found?.node?.kind === 'scalar' && !found.node.templated ? stringOf(found) : undefined;
}

/** num_machines, 1 where absent; undefined where what is written proves nothing. */
export function machinesOf(config: Config): number | undefined {
  const found = setting(config, 'num_machines');
  return found ? numberOf(found) : 1;
}

/** Sizes of `parallelism_config`, as the launcher reads them: with their prefix, 1 where absent. */
export function meshOf(config: Config): Readonly<Record<Dimension, number>> | undefined {
  if (setting(config, 'parallelism_config')?.node?.kind !== 'mapping') return undefined;
  const sizes: Record<Dimension, number> = { dp_replicate: 1, dp_shard: 1, tp: 1, cp: 1, sp: 1 };
  for (const one of DIMENSIONS) {
    const found = setting(config, `parallelism_config.parallelism_config_${one}_size`);
    if (!found) continue;
    const size = numberOf(found);
    if (size === undefined || !Number.isInteger(size) || size < 1) return undefined;
    sizes[one] = size;
  }
  return sizes;
}

/** Dimensions of `parallelism_config`. */
export const DIMENSIONS = ['dp_replicate', 'dp_shard', 'tp', 'cp', 'sp'] as const;
export type Dimension = (typeof DIMENSIONS)[number];

/** The size of a dimension as written. */
export function sizeSetting(config: Config, dimension: Dimension) {
  return setting(config, `parallelism_config.parallelism_config_${dimension}_size`);
}
