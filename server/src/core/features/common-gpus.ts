import type { Catalogs } from '../catalogs';
import type { MemoryEstimate } from '../estimate/estimate';

/** GPUs that people have, by catalog id or alias: memory without a known GPU is shown against their sizes. */
const COMMON = ['t4', 'a10g', 'a100-40gb', 'l40s', 'a100-80gb', 'h200', 'b200'];

export interface CommonGpu {
  readonly name: string;
  readonly bytes: number;
  /** As for a known GPU: null is too close to call. */
  readonly fits: boolean | null;
}

/** How the estimate stands against the common GPUs, the smallest first. */
export function againstCommonGpus(memory: MemoryEstimate, catalogs: Catalogs): CommonGpu[] {
  return COMMON.flatMap((id) => catalogs.hardware.accelerator(id) ?? [])
    .map(({ name, memoryBytes: bytes }) => ({ name, bytes, fits: fits(memory, bytes) }))
    .sort((a, b) => a.bytes - b.bytes);
}

function fits(memory: MemoryEstimate, bytes: number): boolean | null {
  if (memory.high <= bytes) return true;
  return memory.low > bytes ? false : null;
}
