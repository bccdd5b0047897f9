import type { Analysis } from '../analysis';
import type { Estimate, LinkVerdict, OffloadVerdict } from '../estimate/estimate';
import { linkIfUsed } from '../estimate/time/index';
import type { Known } from '../run/known';
import type { Dtype, FsdpSharding, TrainingRun, ZeroSharding } from '../run/training-run';
import { numberOf, type Setting, setting } from '../settings';
import { formatAbout, formatBytes, formatCount, formatGib, formatSeconds } from '../text/format';
import { autoHints } from './auto-hints';
import { memoryLabel, memoryTooltip } from './memory-words';

export type HintKind = 'memory' | 'offload' | 'interconnect' | 'buckets' | 'auto';

/** A short text shown after a place in the config. */
export interface Hint {
  readonly offset: number;
  readonly label: string;
  /** Markdown: where the figure comes from. */
  readonly tooltip: string;
  readonly kind: HintKind;
}

/** What the values of a config cost or become, each shown after the value itself, in the order of the text. */
export function inlayHints(analysis: Analysis): Hint[] {
  const { run } = analysis;
  if (!run) return [];
  const estimate = analysis.estimate();
  const hints = [
    ...(estimate ? memoryHints(analysis, run, estimate) : []),
    ...(estimate ? offloadHints(analysis, run, estimate) : []),
    ...(estimate ? linkHints(analysis, run, estimate) : []),
    ...bucketHints(analysis, run),
    ...autoHints(analysis, run),
  ];
  return hints.sort((a, b) => a.offset - b.offset || (a.label < b.label ? -1 : 1));
}

function memoryHints(analysis: Analysis, run: TrainingRun, { memory }: Estimate): Hint[] {
  if (!memory || !run.sharding.known) return [];
  const sharding = run.sharding.value;
  const shown = sharding.kind === 'zero' ? sharding.stage : sharding.kind === 'fsdp' ? sharding.strategy : undefined;
  const offset = shown && endIn(analysis, shown);
  if (offset === undefined) return [];
  return [{ offset, kind: 'memory', label: memoryLabel(memory), tooltip: memoryTooltip(memory) }];
}

function offloadHints(analysis: Analysis, run: TrainingRun, { offloads, step }: Estimate): Hint[] {
  if (!run.sharding.known) return [];
  const sharding = run.sharding.value;
  if (sharding.kind !== 'zero' && sharding.kind !== 'fsdp') return [];
  return offloads.flatMap((offload) => {
    const offset = offloadPlace(analysis, sharding, offload.what);
    return offset === undefined
      ? []
      : [
          {
            offset,
            kind: 'offload' as const,
            label: offloadLabel(offload),
            tooltip: offloadTooltip(offload, step, run.cluster.known),
          },
        ];
  });
}

function offloadPlace(
  analysis: Analysis,
  sharding: ZeroSharding | FsdpSharding,
  what: OffloadVerdict['what'],
): number | undefined {
  if (sharding.kind === 'fsdp') return what === 'fsdp' ? endIn(analysis, sharding.offloadParams) : undefined;
  if (what === 'fsdp') return undefined;
  const device: Known<unknown> = what === 'optimizer' ? sharding.offloadOptimizer : sharding.offloadParam;
  const end = endIn(analysis, device);
  if (end === undefined || !device.known || device.origin.kind !== 'file') return end;
  const block = device.origin.key.endsWith('.device') ? device.origin.key.slice(0, -'.device'.length) : undefined;
  return (block && blockEnd(analysis, block, device.origin.start)) || end;
}

/** After the closing brace of a block in braces; after the key of an indented one, which has no end of its own to see. */
function blockEnd(analysis: Analysis, path: string, inside: number): number | undefined {
  for (const config of analysis.configs) {
    const block: Setting | undefined = setting(config, path);
    if (block?.node?.kind !== 'mapping' || inside < block.node.start || inside > block.node.end) continue;
    return block.node.flow ? block.node.end : block.entry.keyNode.end + 1;
  }
  return undefined;
}

function offloadLabel(offload: OffloadVerdict): string {
  const parts = [`host ${formatGib(offload.hostBytesPerNode)}`, `${formatAbout(offload.secondsPerStep)}/step`];
  if (offload.fitsWithout !== null) parts.push(offload.fitsWithout ? 'not needed' : 'needed');
  return parts.join(' · ');
}

function offloadTooltip(offload: OffloadVerdict, step: Estimate['step'], isKnown: boolean): string {
  const lines = [
    `Takes **${formatGib(offload.hostBytesPerNode)}** of host memory per node and costs about **${formatSeconds(offload.secondsPerStep)}** per optimizer step.`,
    `Without it the step would need ${formatGib(offload.gpuBytesWithout)} per GPU${fitsWords(offload.fitsWithout, isKnown)}.`,
  ];
  if (offload.stepSecondsWithout !== undefined) {
    lines.push(`The step would then take about ${formatSeconds(offload.stepSecondsWithout)}.`);
  }
  const terms = (step?.terms ?? []).filter(({ id }) => TERMS[offload.what].test(id));
  if (terms.length > 0)
    lines.push(
      terms.map(({ label, seconds, formula }) => `- ${label}, ${formatSeconds(seconds)}: ${formula}`).join('\n'),
    );
  return lines.join('\n\n');
}

/** What each offload adds to the bill of a step. */
const TERMS: Readonly<Record<OffloadVerdict['what'], RegExp>> = {
  optimizer: /^(?:offload\.(?:gradients|weights|optimizer)|optimizer\.cpu)/,
  param: /^offload\.(?:param|zero3-hooks)/,
  fsdp: /^(?:offload\.|optimizer\.cpu)/,
};

/** No GPU is known where it has no capacity: then nothing is said. */
function fitsWords(fits: boolean | null, isKnown: boolean): string {
  if (fits === true) return ', which fits';
  if (fits === false) return ', which does not fit';
  return isKnown ? ': too close to call whether that fits' : '';
}

function linkHints(analysis: Analysis, run: TrainingRun, { links }: Estimate): Hint[] {
  const { parallelism } = run;
  const sizes: Partial<Record<LinkVerdict['dimension'], Known<number>>> = {
    tensor: parallelism.tensor,
    pipeline: parallelism.pipeline,
    context: parallelism.context,
    expert: parallelism.expert,
    shard: parallelism.shard,
  };
  const own = links.flatMap((link) => {
    const size = sizes[link.dimension];
    return linkHint(size && endIn(analysis, size), link);
  });
  return [...own, ...groupHints(analysis, run, links)];
}

function linkHint(offset: number | undefined, link: LinkVerdict | undefined): Hint[] {
  if (offset === undefined || !link || link.ranks <= 1) return [];
  return [{ offset, kind: 'interconnect', label: link.label, tooltip: linkTooltip(link) }];
}

/** Sizes of groups that hybrid sharding, replicas and ZeRO++ make beside the dimensions. */
const GROUPS: readonly (readonly [path: string, dimension: LinkVerdict['dimension']])[] = [
  ['parallelism_config.parallelism_config_dp_shard_size', 'shard'],
  ['parallelism_config.parallelism_config_dp_replicate_size', 'data'],
  ['zero_optimization.zero_hpz_partition_size', 'shard'],
];

function groupHints(analysis: Analysis, run: TrainingRun, links: readonly LinkVerdict[]): Hint[] {
  return GROUPS.flatMap(([path, dimension]) => {
    const ranks = analysis.configs.map((config) => setting(config, path)).find((found) => found?.node);
    const count = numberOf(ranks);
    if (!ranks?.node || count === undefined || count <= 1) return [];
    const link = links.find((it) => it.dimension === dimension && it.ranks === count);
    return linkHint(ranks.node.end, link ?? linkIfUsed(run, dimension, count));
  });
}

function linkTooltip(link: LinkVerdict): string {
  const path = link.crossesNodes ? 'crosses nodes' : 'stays inside a node';
  const cost =
    link.seconds === undefined ? '' : ` It costs about ${formatSeconds(link.seconds)} per step before overlap.`;
  return `${link.ranks} ranks of the ${link.dimension} dimension: the group ${path} and uses ${link.link}.${cost}`;
}

const BYTES: Readonly<Partial<Record<Dtype, number>>> = { fp32: 4, bf16: 2, fp16: 2, fp8: 1 };

function bucketHints(analysis: Analysis, run: TrainingRun): Hint[] {
  if (!run.sharding.known || run.sharding.value.kind !== 'zero' || !run.precision.compute.known) return [];
  const dtype = run.precision.compute.value;
  const bytesEach = BYTES[dtype];
  if (bytesEach === undefined) return [];
  const zero = run.sharding.value;
  const buckets = [zero.reduceBucketElements, zero.allgatherBucketElements, zero.prefetchBucketElements];
  return buckets.flatMap((bucket) => {
    const offset = endIn(analysis, bucket);
    if (offset === undefined || !bucket.known) return [];
    const bytes = bucket.value * bytesEach;
    const tooltip = `${formatCount(bucket.value)} elements × ${bytesEach} B (${dtype}) = ${formatBytes(bytes)}`;
    return [{ offset, kind: 'buckets' as const, label: formatBytes(bytes), tooltip }];
  });
}

/** Where a value that is written in the analysed file ends. */
function endIn(analysis: Analysis, value: Known<unknown>): number | undefined {
  const { origin } = value;
  return origin?.kind === 'file' && origin.path === analysis.file.path ? origin.end : undefined;
}
