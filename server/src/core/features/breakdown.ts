import type { Analysis } from '../analysis';
import type { Catalogs } from '../catalogs';
import type { Estimate } from '../estimate/estimate';
import type { Known, Origin } from '../run/known';
import type { TrainingRun } from '../run/training-run';
import { formatCount } from '../text/format';
import { checkpointTable, commonTable, hostTable, largestTable, memoryTables } from './bill-memory';
import { type BillTable, markdownTable, TEXT } from './bill-table';
import { linkTable, offloadTable, stepTable } from './bill-time';
import type { LargestTerm } from './largest-terms';
import { isTraining, summaryOf } from './lens';
import { originWords } from './origin-words';

/** Everything that was predicted about a run and why, in the order it is read. */
export interface Bill {
  readonly title: string;
  /** The lens's line: model, machine, memory, step time. */
  readonly summary: string;
  readonly tables: readonly BillTable[];
}

/** The bill of one file's run; undefined where there is no run to bill. `largest`: what the largest terms depend on. */
export function bill(analysis: Analysis, catalogs: Catalogs, largest: readonly LargestTerm[] = []): Bill | undefined {
  const { run } = analysis;
  const estimate = analysis.estimate();
  if (!run || !estimate || !isTraining(analysis)) return undefined;
  const name = analysis.file.path.slice(analysis.file.path.lastIndexOf('/') + 1);
  return {
    title: name,
    summary: summaryOf(run, estimate, catalogs),
    tables: [
      ...memoryTables(estimate, run),
      ...largestTable(largest, analysis.file.path),
      ...commonTable(estimate, catalogs),
      ...hostTable(estimate),
      ...checkpointTable(estimate),
      ...stepTable(estimate, run),
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

/** A fact that the estimate rests on. */
export interface Fact {
  readonly what: string;
  readonly value: string;
  /** Where it came from, or why it is not known. */
  readonly from: string;
  readonly origin: Origin | undefined;
}

/** What the run is, in the order in which people describe one. */
export function factsOf(run: TrainingRun): Fact[] {
  const fact = <T>(what: string, value: Known<T>, show: (value: T) => string): Fact =>
    value.known
      ? { what, value: show(value.value), from: originWords(value.origin, run), origin: value.origin }
      : { what, value: 'not known', from: value.why, origin: value.origin };
  const { batch } = run;
  return [
    modelFact(run),
    fact('hardware', run.cluster, (cluster) => cluster.label),
    fact('GPUs', run.worldSize, String),
    fact('sharding', run.sharding, shardingWords),
    fact('precision', run.precision.compute, String),
    fact('optimizer', run.optimizer.name, String),
    fact('micro-batch', batch.micro, String),
    fact('gradient accumulation', batch.accumulation, String),
    fact('sequence length', batch.sequenceLength, (length) => `${formatCount(length)} tokens`),
    fact('activation checkpointing', run.checkpointing, String),
  ];
}

function factsTable(run: TrainingRun): BillTable {
  return {
    title: 'Run',
    lines: [],
    columns: [TEXT('fact'), TEXT('value'), TEXT('from')],
    rows: factsOf(run).map(({ what, value, from }) => [what, value, from]),
  };
}

/** The name that was written and the name of the model are most often the same, and are said once. */
function modelFact(run: TrainingRun): Fact {
  const { model } = run;
  if (!model.known) return { what: 'model', value: 'not known', from: model.why, origin: model.origin };
  const { name, parameters } = model.value;
  const words = originWords(model.origin, run).replaceAll(`catalog, ${name}`, 'catalog');
  const from = words.startsWith(`${name} (`) && words.endsWith(')') ? words.slice(name.length + 2, -1) : words;
  const value = `${name} (${formatCount(parameters.total)} parameters)`;
  return { what: 'model', value, from, origin: model.origin };
}

function shardingWords(sharding: TrainingRun['sharding'] extends Known<infer S> ? S : never): string {
  switch (sharding.kind) {
    case 'zero':
      return `ZeRO stage ${sharding.stage.known ? sharding.stage.value : 'unknown'}`;
    case 'fsdp':
      return `FSDP ${sharding.strategy.known ? sharding.strategy.value : ''}`.trimEnd();
    case 'megatron':
      return 'Megatron-LM';
    case 'ddp':
      return 'none (DDP)';
    case 'single':
      return 'none (one GPU)';
  }
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
