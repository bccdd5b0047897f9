import type { SourceFile } from '../../source';
import type { Recognition } from '../dialect';
import { becauseOf, hasKey, keysIn, mappingAt, rootMapping } from '../root';
import { ACCELERATE_KEYS } from './key-names';

/** An Accelerate config: `compute_environment` or `distributed_type` with two more of its keys, or with one of its sections. */
export function recognise(file: SourceFile): Recognition | undefined {
  const root = rootMapping(file);
  if (root === undefined) return undefined;
  const markers = ['compute_environment', 'distributed_type'].filter((key) => hasKey(root, key));
  if (markers.length === 0) return undefined;
  const known = keysIn(root, ACCELERATE_KEYS).length;
  const hasSection = SECTIONS.some((key) => mappingAt(root, key) !== undefined);
  const isEnough = known >= 3 || hasSection || (known === 2 && hasKey(root, 'compute_environment'));
  if (!isEnough || known * 2 < root.entries.length) return undefined;
  return {
    dialect: 'accelerate',
    confidence: 0.95,
    reason: becauseOf(markers, known - markers.length, 'Accelerate keys'),
  };
}

const SECTIONS = ['deepspeed_config', 'fsdp_config', 'megatron_lm_config', 'parallelism_config'];
