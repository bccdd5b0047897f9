import type { Analysis } from '../analysis';
import type { Catalogs } from '../catalogs';
import { dimensions } from '../moves/index';
import { writeTo } from '../moves/move';
import type { Origin } from '../run/known';
import type { TrainingRun } from '../run/training-run';
import { type DescribedSetting, describedSettings } from '../schema/settings';
import { isAuto, numberOf, type Setting } from '../settings';
import type { Config, Path } from '../source';
import { formatBytes, formatCount } from '../text/format';
import { keyMarkdown } from './key-words';
import type { LargestTerm } from './largest-terms';
import { largestWords } from './largest-words';
import { machineHere } from './machine-here';
import { originWords } from './origin-words';

/** What the editor shows at a place: Markdown, and the key or value it is about. */
export interface Hover {
  readonly start: number;
  readonly end: number;
  readonly markdown: string;
}

/**
 * The meaning of the key at an offset, and what it comes to in this run; undefined where nothing is known of it. `largest` is
 * asked only at keys that a change of the run would write.
 */
export function hover(
  analysis: Analysis,
  offset: number,
  catalogs: Catalogs,
  largest: () => readonly LargestTerm[] = () => [],
): Hover | undefined {
  const config = configAt(analysis, offset);
  if (!config) return undefined;
  const found = settingAtOffset(config, offset, catalogs);
  if (!found?.schema) return undefined;
  const { setting, schema } = found;
  const { keyNode } = setting.entry;
  const value = setting.node?.kind === 'scalar' ? setting.node : undefined;
  const onKey = offset <= keyNode.end || !value;
  const { start, end } = onKey ? keyNode : value;
  const here = analysis.run
    ? [
        ...hereWords(found, analysis.run),
        ...machineHere(found, analysis, catalogs),
        ...largestHere(found, analysis.run, largest),
      ]
    : [];
  return { start, end, markdown: [keyMarkdown(setting.path, schema), ...here].join('\n\n') };
}

/** The innermost config at a place: a section before the file it stands in. */
function configAt({ configs }: Analysis, offset: number): Config | undefined {
  let best: Config | undefined;
  for (const config of configs) {
    const { start, end } = config.root;
    if (offset < start || offset > end) continue;
    if (!best || end - start <= best.root.end - best.root.start) best = config;
  }
  return best;
}

function settingAtOffset(config: Config, offset: number, catalogs: Catalogs): DescribedSetting | undefined {
  return describedSettings(config, catalogs.schema(config.dialect).schema).find(({ setting }) => {
    const { keyNode, value } = setting.entry;
    if (offset >= keyNode.start && offset <= keyNode.end) return true;
    return value?.kind === 'scalar' && offset >= value.start && offset <= value.end;
  });
}

/** What the setting comes to here: the value of an "auto" and who gives it, a size in bytes, the batch as a product. */
function hereWords({ setting, key }: DescribedSetting, run: TrainingRun): readonly string[] {
  const words: string[] = [];
  if (isAuto(setting)) {
    const auto = run.autos.find((candidate) => candidate.setting.entry === setting.entry);
    if (auto?.unfilled) words.push('**Here:** nobody fills this "auto".');
    else if (auto?.value.known) {
      words.push(
        `**Here:** "auto" becomes ${shown(auto.value.value)} ← ${originWords(withoutAuto(auto.value.origin), run)}.`,
      );
    } else if (auto)
      words.push(`**Here:** what "auto" becomes is not known: ${auto.value.known ? '' : auto.value.why}.`);
  }
  const elements = ELEMENT_KEYS.has(key) ? numberOf(setting) : undefined;
  if (elements !== undefined) words.push(`**Here:** ${elementWords(elements, run)}.`);
  const batch = BATCH_KEYS.has(key) ? batchWords(run) : undefined;
  if (batch) words.push(`**Here:** ${batch}.`);
  return words;
}

/** What the key would take off the largest terms; at the value that shows the memory, all of them. */
function largestHere(
  { setting }: DescribedSetting,
  run: TrainingRun,
  largest: () => readonly LargestTerm[],
): readonly string[] {
  const { path, key } = writeTo(setting.config, setting.path, undefined);
  const isOwn = (change: { readonly path: Path; readonly key: string }): boolean =>
    change.path === path && change.key === key;
  const showsMemory = isMemoryKey(setting, run);
  const couldMatter = dimensions.some((open) => open(run).some(({ writes }) => writes.some(isOwn)));
  if (!showsMemory && !couldMatter) return [];
  const terms = largest().filter(({ lever }) => showsMemory || lever?.changes.some(isOwn) === true);
  if (terms.length === 0) return [];
  const title = showsMemory ? 'Largest at the peak' : 'What it would take off the peak';
  return [
    `**${title}:**\n${largestWords(terms, path)
      .map((line) => `- ${line}`)
      .join('\n')}`,
  ];
}

/** Whether the memory of the run is shown after this setting. */
function isMemoryKey({ node }: Setting, { sharding }: TrainingRun): boolean {
  if (!sharding.known) return false;
  const { value } = sharding;
  const shown = value.kind === 'zero' ? value.stage : value.kind === 'fsdp' ? value.strategy : undefined;
  return node !== undefined && shown?.origin?.kind === 'file' && shown.origin.start === node.start;
}

/** The first source of a filled "auto" is the "auto" itself, which the reader is looking at. */
function withoutAuto(origin: Origin): Origin {
  return origin.kind === 'derived' ? { ...origin, from: origin.from.slice(1) } : origin;
}

/** Keys that count elements of a tensor; with the precision known, they have a size in bytes. */
const ELEMENT_KEYS = new Set([
  'reduce_bucket_size',
  'allgather_bucket_size',
  'stage3_prefetch_bucket_size',
  'stage3_param_persistence_threshold',
  'stage3_max_live_parameters',
  'stage3_max_reuse_distance',
  'sub_group_size',
  'buffer_size',
  'max_in_cpu',
]);

function elementWords(elements: number, { precision }: TrainingRun): string {
  const count = `${formatCount(elements)} elements`;
  if (!precision.compute.known) return count;
  const bytes = precision.compute.value === 'fp32' ? 4 : 2;
  return `${count}, ${formatBytes(elements * bytes)} at ${bytes} bytes each`;
}

const BATCH_KEYS = new Set([
  'train_batch_size',
  'train_micro_batch_size_per_gpu',
  'per_device_train_batch_size',
  'gradient_accumulation_steps',
]);

function batchWords({ batch, parallelism }: TrainingRun): string | undefined {
  const { micro, accumulation } = batch;
  const { data } = parallelism;
  if (!micro.known || !accumulation.known || !data.known) return undefined;
  const product = micro.value * accumulation.value * data.value;
  return `${micro.value} per GPU × ${accumulation.value} accumulated × ${data.value} data-parallel ranks = ${product} samples per optimizer step`;
}

function shown(value: unknown): string {
  return `\`${JSON.stringify(value)}\``;
}
