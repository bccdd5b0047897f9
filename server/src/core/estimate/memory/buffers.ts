import type { ZeroSharding } from '../../run/training-run';
import { formatParameters } from '../../text/format';
import type { ExpertMoment } from './expert-gradients';
import type { Facts } from './facts';
import { bufferOrigins } from './origins';
import type { Part } from './part';

/** What sharding itself allocates beside states and activations, by moment. Estimation §3.5. */
export interface Transients {
  /** From the loss to the start of backward. */
  readonly loss: readonly Part[];
  /** While the head's gradient is made; {@link loss} where absent. */
  readonly made?: readonly Part[];
  /** What goes when backward begins, beside {@link loss}. */
  readonly forward: readonly Part[];
  /** While a block's backward runs. */
  readonly block: readonly Part[];
  /** While the head's gradient is reduced, before the first block's backward. */
  readonly head?: readonly Part[];
  /** While weights are copied out of the buffer that they were gathered in, before a block's products. */
  readonly copying?: readonly Part[];
  /** What has gathered beside {@link block} when the first block's backward runs. */
  readonly first: readonly Part[];
  /** Elements of one block's expert gradients that {@link block} lacks when the last is made; undefined: all of them. */
  readonly experts?: (moment: ExpertMoment) => number;
  /** When the first full bucket is reduced; empty where gradients are reduced one by one. */
  readonly reduce: readonly Part[];
  /** Share of the gradients made until then. */
  readonly reducedAfter: number;
  /** While the embedding's gradient is reduced, with nothing else left of the graph. */
  readonly end: readonly Part[];
  /** During the optimizer step. */
  readonly step: readonly Part[];
  /** Bytes of {@link step} in single large tensors, which no block that activations left in the cache can hold. */
  readonly flat: number;
  /** While a full state dict is gathered. */
  readonly save: readonly Part[];
}

/** Of a run that is not sharded. */
export const NO_TRANSIENTS: Transients = {
  loss: [],
  forward: [],
  block: [],
  first: [],
  reduce: [],
  reducedAfter: 0,
  end: [],
  step: [],
  flat: 0,
  save: [],
};

/** A part of group `buffers` that follows from the sharding. */
export function buffer(
  facts: Facts,
  id: string,
  bytes: number,
  label: string,
  source: string,
  formula: () => string,
): Part {
  return {
    id: `buffers.${id}`,
    group: 'buffers',
    bytes,
    label: () => label,
    formula,
    source,
    from: [...bufferOrigins(zeroOf(facts), `buffers.${id}`), ...facts.from.sharding],
  };
}

function zeroOf({ sharding }: Facts): ZeroSharding | undefined {
  return sharding.kind === 'zero' ? sharding : undefined;
}

/** Makes buffers of `copies` × `width` bytes × `elements`, whose formula says just that; `noun` is what the elements are. */
export function buffersOf(facts: Facts, source: string, noun: 'elements' | 'parameters') {
  return (id: string, label: string, width: number, elements: number, copies?: number): Part =>
    buffer(
      facts,
      id,
      (copies ?? 1) * width * elements,
      label,
      source,
      () => `${copies === undefined ? '' : `${copies} × `}${width} B × ${formatParameters(elements)} ${noun}`,
    );
}

/** The largest block on this rank, in parameters: FSDP's unit and what ZeRO-3 gathers for one layer. */
export function largestBlock(facts: Facts): number {
  let largest = 0;
  for (const numel of facts.counts.perBlock) largest = Math.max(largest, numel);
  return largest;
}

/** The largest trained tensor of this rank. */
export function largestTrained(facts: Facts): number {
  return facts.lora === undefined ? facts.counts.largest : facts.lora.largest;
}
