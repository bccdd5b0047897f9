import type { TimeTerm } from '../../server/src/core/estimate/estimate';
import type { StepTermView, StepView } from '../../server/src/core/features/breakdown-view';
import { formatSeconds } from '../../server/src/core/text/format';
import { TIME_GROUPS } from './groups';

/** A bar of the timeline, in seconds from the start of the step. */
export interface Bar {
  /** Row that it stands in; the term's index in the drawn order. */
  readonly row: number;
  readonly label: string;
  readonly group: TimeTerm['group'];
  readonly from: number;
  readonly to: number;
  readonly hidden: boolean;
  readonly title: string;
}

export interface Timeline {
  readonly terms: readonly StepTermView[];
  readonly bars: readonly Bar[];
}

const GROUPS = Object.keys(TIME_GROUPS) as TimeTerm['group'][];

/**
 * Lays the visible parts end to end, so that the last one ends where the step does; what is hidden is drawn beside the
 * work of which it takes no time: what the GPU does from the start, or the copies where it is one of them.
 */
export function timelineOf({ terms }: StepView): Timeline {
  const ordered = GROUPS.flatMap((group) => terms.filter((term) => term.group === group));
  const bars: Bar[] = [];
  let at = 0;
  const starts = new Map<string, number>();
  ordered.forEach(({ label, group, seconds }, row) => {
    if (!starts.has(group)) starts.set(group, at);
    if (seconds <= 0) return;
    const title = `${label}: ${formatSeconds(seconds)}`;
    bars.push({ row, label, group, from: at, to: at + seconds, hidden: false, title });
    at += seconds;
  });
  ordered.forEach(({ label, group, hiddenSeconds }, row) => {
    if (hiddenSeconds <= 0) return;
    const beside = group === 'offload' ? (starts.get(group) ?? 0) : 0;
    const from = beside + hiddenSeconds <= at ? beside : 0;
    const title = `${label}: ${formatSeconds(hiddenSeconds)} hidden`;
    bars.push({ row, label, group, from, to: from + hiddenSeconds, hidden: true, title });
  });
  return { terms: ordered, bars };
}

/** `0.49 s + 1.15 s hidden`. */
export function timeWords({ seconds, hiddenSeconds }: StepTermView): string {
  const parts = [
    seconds > 0 || hiddenSeconds <= 0 ? formatSeconds(seconds) : '',
    hiddenSeconds > 0 ? `${formatSeconds(hiddenSeconds)} hidden` : '',
  ];
  return parts.filter((part) => part !== '').join(' + ');
}

/** The chart in one sentence, for those who do not see it. */
export function timelineWords({ seconds, low, high, bottleneck, measured }: StepView): string {
  const was = measured
    ? `This run was measured: ${formatSeconds(measured.value)} a step (${measured.from}). Predicted: `
    : '';
  return `${was}${measured ? 'one' : 'One'} optimizer step takes about ${formatSeconds(seconds)}, between ${formatSeconds(low)} and ${formatSeconds(high)}, bound by ${bottleneck}.`;
}
