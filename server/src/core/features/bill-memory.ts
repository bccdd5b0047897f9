import type { Catalogs } from '../catalogs';
import type { Estimate, MemoryEstimate, PhaseMemory } from '../estimate/estimate';
import { predictedFigures } from '../estimate/memory/predicted';
import type { TrainingRun } from '../run/training-run';
import type { Path } from '../source';
import { formatGib } from '../text/format';
import { type BillTable, NUMBER, TEXT } from './bill-table';
import { againstCommonGpus } from './common-gpus';
import type { LargestTerm } from './largest-terms';
import { largestWords } from './largest-words';
import { undecidedWords, verdict } from './memory-words';
import { settingNames } from './origin-words';

const VERDICTS = { true: 'fits', false: 'does not fit', null: 'too close to call' } as const;

/** A band that doubles comes from what is not known: nothing is close there. */
const WIDE = 2;

/** The phases, and the terms of the one that peaks. */
export function memoryTables({ memory }: Estimate, run: TrainingRun): BillTable[] {
  if (!memory) return [];
  const phases = Object.entries(memory.phases).filter((entry): entry is [string, PhaseMemory] => entry[1] !== null);
  const capacity = memory.capacity === null ? '' : ` of ${formatGib(memory.capacity)}${verdict(memory) || ': fits'}`;
  const peak = memory.phases[memory.phase];
  const undecided = undecidedWords(memory);
  const tables: BillTable[] = [
    {
      title: 'Memory per GPU',
      lines: [
        `${formatGib(memory.value)}${capacity}; between ${formatGib(memory.low)} and ${formatGib(memory.high)}. The allocator would report a peak of ${formatGib(memory.allocated)}.`,
        ...measuredLines(memory, run),
        ...(undecided ? [undecided] : []),
      ],
      columns: [TEXT('phase'), NUMBER('needs'), NUMBER('allocated'), TEXT('peaks at')],
      rows: phases.map(([name, phase]) => [
        name === memory.phase ? `${name} (peak)` : name,
        formatGib(phase.bytes),
        formatGib(phase.allocated),
        phase.moment,
      ]),
    },
  ];
  if (peak) tables.push(termsTable(`What peaks in ${memory.phase}`, peak.terms));
  return tables;
}

/** Where the peak was measured, and what had been predicted of it. */
function measuredLines({ measured }: MemoryEstimate, run: TrainingRun): string[] {
  if (measured === undefined) return [];
  const predicted = predictedFigures(run)?.driver;
  const was = predicted
    ? ` Predicted: ${formatGib(predicted.value)}, between ${formatGib(predicted.low)} and ${formatGib(predicted.high)}.`
    : '';
  return [`Measured, ${measured}.${was}`];
}

/** Without a known GPU the need is shown against the sizes that people have, never against one that was made up. */
export function commonTable({ memory }: Estimate, catalogs: Catalogs): BillTable[] {
  if (!memory || memory.capacity !== null) return [];
  return [
    {
      title: 'Against common GPUs',
      lines: ['The hardware is not known.'],
      columns: [TEXT('GPU'), NUMBER('usable'), TEXT('verdict')],
      rows: againstCommonGpus(memory, catalogs).map(({ name, bytes, fits }) => [
        name,
        formatGib(bytes),
        verdictOf(fits, memory),
      ]),
    },
  ];
}

function verdictOf(fits: boolean | null, { low, high }: { readonly low: number; readonly high: number }): string {
  return fits === null && high > WIDE * low ? 'cannot be told' : VERDICTS[`${fits}`];
}

type Terms = PhaseMemory['terms'];

function termsTable(title: string, terms: Terms): BillTable {
  const ordered = [...terms].sort((a, b) => b.bytes - a.bytes);
  return {
    title,
    lines: [],
    columns: [TEXT('term'), NUMBER('GiB'), TEXT('formula'), TEXT('from'), TEXT('source')],
    rows: ordered.map((term) => [
      term.label,
      gibibytes(term.bytes),
      // What it comes to stands in its own column.
      term.formula.replace(/ = [^=]*$/, ''),
      settingNames(term.from),
      term.source,
    ]),
  };
}

/** A term that is there is not nothing, however small. */
function gibibytes(bytes: number): string {
  const text = (bytes / 1024 ** 3).toFixed(2);
  return text === '0.00' && bytes > 0 ? '<0.01' : text;
}

/** Host memory of one node. */
export function hostTable({ host }: Estimate): BillTable[] {
  if (!host) return [];
  const fits = host.capacity === null ? '' : `: ${verdictOf(host.fits, host)}`;
  const capacity = host.capacity === null ? '' : ` of ${formatGib(host.capacity)}`;
  const line = `${formatGib(host.bytes)}${capacity}${fits}, when ${host.moment}; between ${formatGib(host.low)} and ${formatGib(host.high)}.`;
  return [{ ...termsTable('Host memory per node', host.terms), lines: [line] }];
}

/** What the largest terms of the peak are, and which setting takes how much off each. */
export function largestTable(largest: readonly LargestTerm[], path: Path): BillTable[] {
  if (largest.length === 0) return [];
  return [
    {
      title: 'What would make it smaller',
      lines: largestWords(largest, path),
      columns: [],
      rows: [],
    },
  ];
}

/** What one save writes. */
export function checkpointTable({ checkpoint }: Estimate): BillTable[] {
  if (!checkpoint) return [];
  return [{ ...termsTable('Checkpoint', checkpoint.terms), lines: [`${formatGib(checkpoint.bytes)} per save.`] }];
}
