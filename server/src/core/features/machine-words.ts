import type { MemoryEstimate } from '../estimate/estimate';
import type { Machine } from '../recommend/machines';
import { formatAbout, formatCount, formatGib } from '../text/format';

/** A machine in words, the same in the editor and on the command line; empty where a figure is not known. */
export interface MachineWords {
  /** `83.7 of 95.0 GiB (to 91.2)`: the need, what there is, and the high end of the band; `(the cache may fill it)` where that is all there is. */
  readonly memory: string;
  readonly step: string;
  readonly tokensPerSecond: string;
  /** Per billion tokens, on demand. */
  readonly usd: string;
  /** Of an epoch, on demand. */
  readonly epoch: string;
}

type Placed = Pick<Machine, 'estimate' | 'tokensPerSecond' | 'usdPerBillionTokens' | 'usdPerEpoch'>;

/** The figures of a run on a machine. */
export function machineWords({ estimate, tokensPerSecond, usdPerBillionTokens, usdPerEpoch }: Placed): MachineWords {
  const { memory, step } = estimate;
  return {
    memory: memory ? `${needWords(memory)} ${highWords(memory)}` : '',
    step: step ? formatAbout(step.seconds) : '',
    tokensPerSecond: tokensPerSecond === undefined ? '' : grouped(tokensPerSecond),
    usd: usdPerBillionTokens === undefined ? '' : grouped(usdPerBillionTokens),
    epoch: usdPerEpoch === undefined ? '' : grouped(usdPerEpoch),
  };
}

/** The unit is written once, because lists are narrow. */
function needWords({ value, capacity }: MemoryEstimate): string {
  return capacity === null ? formatGib(value) : `${gib(value)} of ${formatGib(capacity)}`;
}

/** The allocator keeps what is given back as long as there is room: a band that ends at the capacity is no close call. */
function highWords({ high, capacity }: MemoryEstimate): string {
  return high === capacity ? '(the cache may fill it)' : `(to ${gib(high)})`;
}

function gib(bytes: number): string {
  return formatGib(bytes).replace(' GiB', '');
}

/** `1,834`, `86.2`: three figures, thousands apart. */
function grouped(value: number): string {
  return value >= 100 ? formatCount(value) : value.toPrecision(3);
}
