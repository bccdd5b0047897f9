import type { Analysis } from '../analysis';
import type { Catalogs } from '../catalogs';
import type { Estimate, PhaseMemory } from '../estimate/estimate';
import type { Known } from '../run/known';
import type { TrainingRun } from '../run/training-run';
import { formatCount, formatGib, formatPercent, formatSeconds } from '../text/format';
import { againstCommonGpus } from './common-gpus';
import { isTraining, summaryOf } from './lens';
import { verdict } from './memory-words';
import { originWords } from './origin-words';

/** A table of the bill. The first column is text, the others are aligned as told. */
export interface BillTable {
  readonly title: string;
  /** Said before the table, one sentence each. */
  readonly lines: readonly string[];
  readonly columns: readonly { readonly title: string; readonly align: 'left' | 'right' }[];
  readonly rows: readonly (readonly string[])[];
}

/** Everything that was predicted about a run and why, in the order it is read. */
export interface Bill {
  readonly title: string;
  /** The lens's line: model, machine, memory, step time. */
  readonly summary: string;
  readonly tables: readonly BillTable[];
}

const TEXT = (title: string) => ({ title, align: 'left' }) as const;
const NUMBER = (title: string) => ({ title, align: 'right' }) as const;

/** The bill of one file's run; undefined where there is no run to bill. */
export function bill(analysis: Analysis, catalogs: Catalogs): Bill | undefined {
  const { run } = analysis;
  const estimate = analysis.estimate();
  if (!run || !estimate || !isTraining(analysis)) return undefined;
  const name = analysis.file.path.slice(analysis.file.path.lastIndexOf('/') + 1);
  return {
    title: name,
    summary: summaryOf(run, estimate, catalogs),
    tables: [
      ...memoryTables(estimate),
      ...commonTable(estimate, catalogs),
      ...hostTable(estimate),
      ...checkpointTable(estimate),
      ...stepTable(estimate),
      ...linkTable(estimate),
      ...offloadTable(estimate),
      factsTable(run),
      ...assumptionTable(estimate),
    ],
  };
}

/** The bill as Markdown, for the editor's breakdown view. */
export function billMarkdown({ title, summary, tables }: Bill): string {
  const parts = [`# ${title}`, summary];
  for (const table of tables) {
    parts.push(`## ${table.title}`, ...table.lines);
    if (table.rows.length > 0) parts.push(markdownTable(table));
  }
  return `${parts.join('\n\n')}\n`;
}

function markdownTable({ columns, rows }: BillTable): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
  return [
    line(columns.map(({ title }) => title)),
    `|${columns.map(({ align }) => (align === 'right' ? '--:' : ':--')).join('|')}|`,
    ...rows.map(line),
  ].join('\n');
}

function factsTable(run: TrainingRun): BillTable {
  const row = <T>(label: string, value: Known<T>, show: (value: T) => string): string[] =>
    value.known ? [label, show(value.value), originWords(value.origin, run)] : [label, 'not known', value.why];
  const { batch } = run;
  return {
    title: 'Run',
    lines: [],
    columns: [TEXT('fact'), TEXT('value'), TEXT('from')],
    rows: [
      modelRow(run),
      row('hardware', run.cluster, (cluster) => cluster.label),
      row('GPUs', run.worldSize, String),
      row('sharding', run.sharding, shardingWords),
      row('precision', run.precision.compute, String),
      row('optimizer', run.optimizer.name, String),
      row('micro-batch', batch.micro, String),
      row('gradient accumulation', batch.accumulation, String),
      row('sequence length', batch.sequenceLength, (length) => `${formatCount(length)} tokens`),
      row('activation checkpointing', run.checkpointing, String),
    ],
  };
}

/** The name that was written and the name of the model are most often the same, and are said once. */
function modelRow(run: TrainingRun): string[] {
  const { model } = run;
  if (!model.known) return ['model', 'not known', model.why];
  const { name, parameters } = model.value;
  const words = originWords(model.origin, run).replaceAll(`catalog, ${name}`, 'catalog');
  const from = words.startsWith(`${name} (`) && words.endsWith(')') ? words.slice(name.length + 2, -1) : words;
  return ['model', `${name} (${formatCount(parameters.total)} parameters)`, from];
}

function shardingWords(sharding: TrainingRun['sharding'] extends Known<infer S> ? S : never): string {
  switch (sharding.kind) {
    case 'zero':
      return `ZeRO stage ${sharding.stage.known ? sharding.stage.value : 'unknown'}`;
    case 'fsdp':
      return `FSDP ${sharding.strategy.known ? sharding.strategy.value : ''}`.trimEnd();
    case 'ddp':
      return 'none (DDP)';
    case 'single':
      return 'none (one GPU)';
  }
}

function memoryTables({ memory }: Estimate): BillTable[] {
  if (!memory) return [];
  const phases = Object.entries(memory.phases).filter((entry): entry is [string, PhaseMemory] => entry[1] !== null);
  const capacity = memory.capacity === null ? '' : ` of ${formatGib(memory.capacity)}${verdict(memory) || ': fits'}`;
  const peak = memory.phases[memory.phase];
  const tables: BillTable[] = [
    {
      title: 'Memory per GPU',
      lines: [
        `${formatGib(memory.value)}${capacity}; between ${formatGib(memory.low)} and ${formatGib(memory.high)}. The allocator would report a peak of ${formatGib(memory.allocated)}.`,
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

/** Without a known GPU the need is shown against the sizes that people have, never against one that was made up. */
function commonTable({ memory }: Estimate, catalogs: Catalogs): BillTable[] {
  if (!memory || memory.capacity !== null) return [];
  const verdicts = { true: 'fits', false: 'does not fit', null: 'too close to call' };
  return [
    {
      title: 'Against common GPUs',
      lines: ['The hardware is not known.'],
      columns: [TEXT('GPU'), NUMBER('usable'), TEXT('verdict')],
      rows: againstCommonGpus(memory, catalogs).map(({ name, bytes, fits }) => [
        name,
        formatGib(bytes),
        verdicts[`${fits}`],
      ]),
    },
  ];
}

type Terms = PhaseMemory['terms'];

function termsTable(title: string, terms: Terms): BillTable {
  const ordered = [...terms].sort((a, b) => b.bytes - a.bytes);
  return {
    title,
    lines: [],
    columns: [TEXT('term'), NUMBER('GiB'), TEXT('formula'), TEXT('source')],
    rows: ordered.map((term) => [term.label, (term.bytes / 1024 ** 3).toFixed(2), term.formula, term.source]),
  };
}

function hostTable({ host }: Estimate): BillTable[] {
  if (!host) return [];
  const fits = host.fits === null ? '' : host.fits ? ': fits' : ': does not fit';
  const capacity = host.capacity === null ? '' : ` of ${formatGib(host.capacity)}`;
  const line = `${formatGib(host.bytes)}${capacity}${fits}; between ${formatGib(host.low)} and ${formatGib(host.high)}.`;
  return [{ ...termsTable('Host memory per node', host.terms), lines: [line] }];
}

function checkpointTable({ checkpoint }: Estimate): BillTable[] {
  if (!checkpoint) return [];
  return [{ ...termsTable('Checkpoint', checkpoint.terms), lines: [`${formatGib(checkpoint.bytes)} per save.`] }];
}

function stepTable({ step }: Estimate): BillTable[] {
  if (!step) return [];
  return [
    {
      title: 'Step time',
      lines: [
        `${formatSeconds(step.seconds)} per optimizer step, between ${formatSeconds(step.low)} and ${formatSeconds(step.high)}; bound by ${step.bottleneck}.`,
        `${formatCount(step.tokensPerSecondPerGpu)} tokens per second per GPU, MFU ${formatPercent(step.mfu)}.`,
        ...(step.terms.some(isHidden) ? ['What is hidden runs beside other work and adds no time.'] : []),
      ],
      columns: [TEXT('term'), NUMBER('time'), TEXT('formula'), TEXT('source')],
      rows: step.terms.map((term) => [
        isHidden(term) && !term.label.includes('hidden') ? `${term.label} (hidden)` : term.label,
        formatSeconds(term.seconds),
        term.formula,
        term.source,
      ]),
    },
  ];
}

function isHidden({ overlapped }: NonNullable<Estimate['step']>['terms'][number]): boolean {
  return overlapped === true;
}

function linkTable({ links }: Estimate): BillTable[] {
  if (links.length === 0) return [];
  return [
    {
      title: 'Interconnect',
      lines: [],
      columns: [TEXT('dimension'), NUMBER('ranks'), TEXT('link'), TEXT('verdict'), NUMBER('per step')],
      rows: links.map((link) => [
        link.dimension,
        String(link.ranks),
        link.label,
        link.verdict,
        link.seconds === undefined ? '' : formatSeconds(link.seconds),
      ]),
    },
  ];
}

function offloadTable({ offloads }: Estimate): BillTable[] {
  if (offloads.length === 0) return [];
  const needed = { true: 'no, fits without', false: 'yes', null: 'not known' };
  return [
    {
      title: 'Offload',
      lines: [],
      columns: [TEXT('what'), NUMBER('host memory'), NUMBER('per step'), TEXT('needed'), NUMBER('step without')],
      rows: offloads.map((offload) => [
        offload.what,
        formatGib(offload.hostBytesPerNode),
        formatSeconds(offload.secondsPerStep),
        needed[`${offload.fitsWithout}`],
        offload.stepSecondsWithout === undefined ? '' : formatSeconds(offload.stepSecondsWithout),
      ]),
    },
  ];
}

function assumptionTable({ assumptions }: Estimate): BillTable[] {
  if (assumptions.length === 0) return [];
  return [
    {
      title: 'Assumptions',
      lines: [],
      columns: [TEXT('what'), TEXT('value'), TEXT('because')],
      rows: assumptions.map(({ what, value, because }) => [what, value, because]),
    },
  ];
}
