import type { StepEstimate } from '../estimate/estimate';
import { formatSeconds } from '../text/format';

/** `21.3 s (16.0 s to 32.5 s)`: a step time is never said without its band. */
export function stepWithBand({ seconds, low, high }: StepEstimate): string {
  return `${formatSeconds(seconds)} (${formatSeconds(low)} to ${formatSeconds(high)})`;
}

/** What a change does to the step, in the title of its fix; both are predictions, in seconds. */
export function stepChange(after: number, before: number): string {
  return `about ${formatSeconds(after)} instead of ${formatSeconds(before)} a step`;
}
