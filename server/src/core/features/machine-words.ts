import type { Machine } from '../recommend/machines';
import { formatAbout, formatCount, formatGib } from '../text/format';

/** A machine in words, the same in the editor and on the command line; empty where a figure is not known. */
export interface MachineWords {
  /** `83.7 GiB of 95.0 GiB (to 95.0 GiB)`: the need, what there is, and the high end of the band. */
  readonly memory: string;
  readonly step: string;
  readonly tokensPerSecond: string;
  /** Per billion tokens, on demand. */
  readonly usd: string;
}

export function machineWords({ estimate, tokensPerSecond, usdPerBillionTokens }: Machine): MachineWords {
  const { memory, step } = estimate;
  return {
    memory: memory
      ? `${formatGib(memory.value)} of ${formatGib(memory.capacity ?? 0)} (to ${formatGib(memory.high)})`
      : '',
    step: step ? formatAbout(step.seconds) : '',
    tokensPerSecond: tokensPerSecond === undefined ? '' : grouped(tokensPerSecond),
    usd: usdPerBillionTokens === undefined ? '' : grouped(usdPerBillionTokens),
  };
}

/** `1,834`, `86.2`: three figures, thousands apart. */
function grouped(value: number): string {
  return value >= 100 ? formatCount(value) : value.toPrecision(3);
}
