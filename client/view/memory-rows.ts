import type { MemoryGroup } from '../../server/src/core/estimate/estimate';
import type { MemoryView } from '../../server/src/core/features/breakdown-view';
import { formatGib } from '../../server/src/core/text/format';
import { MEMORY_GROUPS } from './groups';

const GIB = 1024 ** 3;

/** One segment of a stacked bar. */
export interface Segment {
  readonly phase: string;
  readonly group: MemoryGroup;
  readonly fromGib: number;
  readonly toGib: number;
  readonly title: string;
}

/** The segments of every phase's bar, stacked in the order of the groups. */
export function segmentsOf({ phases }: MemoryView): Segment[] {
  return phases.flatMap(({ phase, groups }) => {
    let at = 0;
    return groupNames().flatMap((group) => {
      const bytes = groups.find((it) => it.group === group)?.bytes ?? 0;
      if (bytes <= 0) return [];
      const fromGib = at / GIB;
      at += bytes;
      const title = `${phase}: ${MEMORY_GROUPS[group].words}, ${formatGib(bytes)}`;
      return [{ phase, group, fromGib, toGib: at / GIB, title }];
    });
  });
}

/** Groups that any phase has, in stacking order. */
export function groupsIn({ phases }: MemoryView): MemoryGroup[] {
  return groupNames().filter((group) =>
    phases.some(({ groups }) => groups.some((it) => it.group === group && it.bytes > 0)),
  );
}

function groupNames(): MemoryGroup[] {
  return Object.keys(MEMORY_GROUPS) as MemoryGroup[];
}

/** Cells of the table that says what the bars show: a row for each phase, a column for each group. */
export function memoryCells(memory: MemoryView): { readonly columns: string[]; readonly rows: string[][] } {
  const groups = groupsIn(memory);
  const rows = memory.phases.map(({ phase, bytes, moment, groups: parts }) => [
    phase === memory.peak ? `${phase} (peak)` : phase,
    moment,
    formatGib(bytes),
    ...groups.map((group) => {
      const part = parts.find((it) => it.group === group)?.bytes ?? 0;
      return part > 0 ? formatGib(part) : '';
    }),
  ]);
  return { columns: ['phase', 'peaks at', 'needs', ...groups.map((group) => MEMORY_GROUPS[group].words)], rows };
}

/** The chart in one sentence, for those who do not see it. */
export function memoryWords({ value, low, high, capacity, fits, decides, isOpen, measured, peak }: MemoryView): string {
  const verdict = {
    true: 'It fits.',
    false: 'It does not fit.',
    null: `Whether it fits ${isOpen ? 'cannot be told' : 'is too close to call'}: ${decides}.`,
  }[`${fits}`];
  const of = capacity === null ? '' : ` of ${formatGib(capacity)}`;
  const band = `between ${formatGib(low)} and ${formatGib(high)}`;
  const was = measured?.predicted ? `; predicted were ${formatGib(measured.predicted.value)}` : '';
  const how = measured ? ` (measured, ${measured.from}${was})` : '';
  return `Memory per GPU: ${formatGib(value)}${of}${how}, ${band}; the ${peak} phase needs most.${capacity === null ? '' : ` ${verdict}`}`;
}
