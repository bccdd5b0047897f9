import { formatGib } from '../../text/format';
import { elements } from './counts';
import type { Facts } from './facts';
import { optimizerStateBytes } from './optimizer-state';
import type { Part } from './part';
import type { Moment } from './phases';

/** bitsandbytes pages the state of tensors from this size on: bitsandbytes/optim/optimizer.py, get_state_buffer (0.43–0.48). */
const LEAST_ELEMENTS = 1e5;

/** Bytes of optimizer state in CUDA managed memory: they leave the GPU for the host where it has no room. None unless paged. */
export function pagedBytes(facts: Facts): number {
  const { optimizer, sharding, shards } = facts;
  // What the optimizer steps is a flat fp32 partition under ZeRO, and a buffer of its own in Megatron.
  if (optimizer.paged !== true || sharding.kind === 'zero' || sharding.kind === 'megatron') return 0;
  const width = facts.lora !== undefined ? 4 : facts.weightBytes;
  return (optimizerStateBytes(facts, width) / shards) * pagedShare(facts);
}

/** The share of the trained parameters that are in tensors large enough. */
function pagedShare({ lora, model, shards, tensor }: Facts): number {
  const sizes = lora?.sizes ?? model.groups.map((group) => [elements(group) / tensor, group.count] as const);
  let all = 0;
  let large = 0;
  for (const [size, count] of sizes) {
    all += size * count;
    if (size / shards >= LEAST_ELEMENTS) large += size * count;
  }
  return all === 0 ? 0 : large / all;
}

/** What is left of so many bytes on a GPU of this size, of which `paged` can leave it. */
export function withoutSpill(bytes: number, paged: number, capacity: number | null): number {
  return capacity === null || bytes <= capacity ? bytes : Math.max(capacity, bytes - paged);
}

/** The moment with that many bytes of the state on the host. */
export function spilled(moment: Moment, bytes: number): Moment {
  if (bytes === 0) return moment;
  const parts = moment.parts.map((part): Part => {
    if (part.id !== 'optimizer.moments') return part;
    const formula = (): string => `${part.formula()} − ${formatGib(bytes)} on the host`;
    return { ...part, bytes: part.bytes - bytes, formula };
  });
  return { ...moment, parts, allocated: moment.allocated - bytes, managed: (moment.managed ?? 0) - bytes };
}
