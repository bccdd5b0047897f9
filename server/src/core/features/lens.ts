import type { Analysis } from '../analysis';
import type { Catalogs } from '../catalogs';
import type { Estimate, MemoryEstimate } from '../estimate/estimate';
import type { TrainingRun } from '../run/training-run';
import { setting } from '../settings';
import { formatGib, formatParameters, formatSeconds } from '../text/format';
import { againstCommonGpus } from './common-gpus';
import { memoryFigures, undecidedWords, verdict } from './memory-words';
import { originWords } from './origin-words';

/** What a click on a lens asks for. */
export type LensAction =
  | 'breakdown'
  | 'fit'
  | 'machines'
  | 'compare'
  | 'pick-target'
  | 'set-model'
  | 'set-sequence-length'
  | 'none';

/** One clickable text above a config. */
export interface LensItem {
  /** Offset of the config it stands above. */
  readonly offset: number;
  readonly title: string;
  readonly tooltip: string;
  readonly action: LensAction;
}

const FIT = ['Make it fit', 'Searches the runs near this one for those that fit, and shows the edits.'] as const;
const FASTER = [
  'Make it faster',
  'Searches the runs near this one for those with a shorter step, and shows the edits.',
] as const;

/**
 * The lenses of one file: what the run needs and takes, then what to set. Nothing for files without a run of ours.
 * `saved` is the estimate of the file as it was last saved: what has changed since is shown beside it.
 */
export function lenses(analysis: Analysis, catalogs: Catalogs, saved?: Estimate): LensItem[] {
  const { run, file } = analysis;
  if (!run || !isTraining(analysis)) return [];
  const offset = file.tree.root?.start ?? 0;
  const estimate = analysis.estimate();
  const items: LensItem[] = [
    {
      offset,
      title: summaryOf(run, estimate, catalogs, saved),
      tooltip: estimate ? tooltipOf(estimate) : 'Nothing can be predicted yet.',
      action: estimate ? 'breakdown' : 'none',
    },
  ];
  const add = (title: string, tooltip: string, action: LensItem['action']) => {
    items.push({ offset, title, tooltip, action });
  };
  const { memory } = estimate ?? {};
  if (memory && memory.capacity !== null) {
    const [title, tooltip] = memory.fits === true ? FASTER : FIT;
    add(title, tooltip, 'fit');
  }
  if (!run.model.known) add('Set model', `The model is not known: ${run.model.why}.`, 'set-model');
  if (run.cluster.known) add('Change target', originWords(run.cluster.origin, run), 'pick-target');
  else add('Choose hardware', `The hardware is not known: ${run.cluster.why}.`, 'pick-target');
  const targets = run.configs.shardlens && setting(run.configs.shardlens, 'targets')?.node;
  if (run.model.known && targets?.kind === 'mapping' && targets.entries.length > 1) {
    const count = targets.entries.length;
    add(
      `Compare ${count} targets`,
      'Sets the targets of shardlens.json side by side: memory, step, tokens, price.',
      'compare',
    );
  }
  if (run.model.known && !run.cluster.known) {
    add('Where would this run?', 'Places the run on every machine of the catalog, the cheapest first.', 'machines');
  }
  const { sequenceLength } = run.batch;
  if (!sequenceLength.known) {
    add('Set sequence length', `The sequence length is not known: ${sequenceLength.why}.`, 'set-sequence-length');
  }
  if (estimate?.memory) add('Breakdown', 'The whole bill: terms, bands, assumptions and their sources.', 'breakdown');
  return items;
}

/**
 * `8.0 B · 4 × A100-40GB (p4d.24xlarge) · 31.2 of 39.4 GiB · ≈ 19.5 s/step`; what is not known is left out. Where it was
 * otherwise when last saved: `31.2 → 18.4 of 39.4 GiB · ≈ 19.5 s → 21.0 s/step`.
 */
export function summaryOf(
  run: TrainingRun,
  estimate: Estimate | undefined,
  catalogs: Catalogs,
  saved?: Estimate,
): string {
  const parts: string[] = [];
  parts.push(run.model.known ? formatParameters(run.model.value.parameters.total) : 'model unknown');
  if (run.cluster.known) parts.push(run.cluster.value.label);
  else parts.push(run.worldSize.known ? `${run.worldSize.value} GPUs of unknown kind` : 'hardware unknown');
  if (estimate?.memory) {
    const was = changed(saved?.memory?.value, estimate.memory.value, (it) => formatGib(it).replace(' GiB', ''));
    parts.push(was + memoryPart(estimate.memory, run, catalogs));
  }
  if (estimate?.step) {
    const { seconds, measured } = estimate.step;
    const was = changed(saved?.step?.seconds, seconds, formatSeconds);
    parts.push(
      measured ? `${formatSeconds(measured.value)}/step (measured)` : `≈ ${was}${formatSeconds(seconds)}/step`,
    );
  }
  return parts.join(' · ');
}

/** `31.2 → ` where a figure reads otherwise than it did; nothing where it is the same or was not known. */
function changed(before: number | undefined, now: number, format: (value: number) => string): string {
  return before === undefined || format(before) === format(now) ? '' : `${format(before)} → `;
}

function memoryPart(memory: MemoryEstimate, { batch }: TrainingRun, catalogs: Catalogs): string {
  const measured = memory.measured === undefined ? '' : ' (measured)';
  if (memory.capacity !== null) return `${memoryFigures(memory)}${measured}${verdict(memory)}`;
  const need = `${formatGib(memory.value)} per GPU`;
  const common = againstCommonGpus(memory, catalogs);
  const smallest = common.find(({ fits }) => fits === true);
  if (common.length === 0) return need;
  const open = batch.sequenceLength.known ? '' : ' (the sequence length is not known)';
  const perhaps = common.find(({ fits }) => fits === null);
  const { low, high } = memory;
  if (!smallest && perhaps)
    return `${need} (${formatGib(low)} to ${formatGib(high)}): whether it fits cannot be told${open}`;
  if (!smallest) return `${need}: fits no common GPU${open}`;
  return `${need}: ${open ? 'would fit' : 'fits'} ${smallest.name} and larger${open}`;
}

function tooltipOf(estimate: Estimate): string {
  const lines: string[] = [];
  const { memory, host, step } = estimate;
  if (memory) {
    lines.push(`GPU memory: ${formatGib(memory.low)} to ${formatGib(memory.high)}, peak in ${memory.phase}.`);
    const undecided = undecidedWords(memory);
    if (undecided) lines.push(undecided);
  }
  if (host) lines.push(`Host memory per node: ${formatGib(host.bytes)}.`);
  if (step) {
    lines.push(
      `Step: ${formatSeconds(step.low)} to ${formatSeconds(step.high)}, bound by ${step.bottleneck}; MFU ${(step.mfu * 100).toFixed(1)} %.`,
    );
  }
  for (const { what, because } of missing(estimate)) lines.push(`${what}: ${because}.`);
  lines.push('Click for the breakdown.');
  return lines.join('\n');
}

/** Why a figure is not there. */
function missing(estimate: Estimate): Estimate['assumptions'] {
  if (estimate.memory && estimate.step) return [];
  return estimate.assumptions.filter(({ value }) => value === 'not known');
}

/** True for configs that describe a run; not for a model's config.json, a cluster or shardlens.json. */
export function isTraining({ recognition }: Analysis): boolean {
  const dialect = recognition?.dialect;
  return dialect === 'deepspeed' || dialect === 'trainer' || dialect === 'fsdp' || dialect === 'accelerate';
}
