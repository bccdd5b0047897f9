import type { Analysis } from '../analysis';
import type { Estimate, MemoryGroup, Phase, Quantity, StepEstimate, Term } from '../estimate/estimate';
import { type Known, valueIfKnown } from '../run/known';
import type { TrainingRun } from '../run/training-run';
import type { DialectId } from '../source';
import type { LargestTerm, Lever } from './largest-terms';

/** The run as `--format json` prints it; null is "not known". Described by schemas/output.schema.json. */
export interface ReportedRun {
  readonly model: string | null;
  readonly parameters: number | null;
  readonly activeParameters: number | null;
  readonly worldSize: number | null;
  readonly nodes: number | null;
  readonly gpusPerNode: number | null;
  readonly hardware: string | null;
  readonly sequenceLength: number | null;
  readonly microBatch: number | null;
  readonly gradientAccumulation: number | null;
  readonly globalBatch: number | null;
  readonly sharding: string | null;
  readonly precision: string | null;
  readonly optimizer: string | null;
  readonly activationCheckpointing: string | null;
  readonly consumer: string | null;
  readonly files: readonly { readonly path: string; readonly dialect: DialectId; readonly because: string }[];
}

/** The estimate as `--format json` prints it. Bytes and seconds; a figure that cannot be known is null. */
export interface ReportedEstimate {
  readonly memoryPerGpu:
    | (Interval & {
        readonly capacity: number | null;
        readonly fits: boolean | null;
        readonly phase: Phase;
        readonly allocated: number;
        readonly breakdown: Readonly<Record<MemoryGroup, number>>;
      })
    | null;
  readonly phases: Readonly<Record<Phase, { readonly bytes: number } | null>> | null;
  readonly hostMemoryPerNode: (Interval & { readonly capacity: number | null; readonly fits: boolean | null }) | null;
  readonly checkpoint: { readonly bytes: number } | null;
  readonly step: Omit<StepEstimate, 'terms'> | null;
  readonly links: Estimate['links'];
  readonly offloads: Estimate['offloads'];
  readonly assumptions: Estimate['assumptions'];
  /** Only where one file is estimated: what the largest terms of the peak depend on. */
  readonly largestTerms?: readonly ReportedTerm[];
}

/** A term of the peak and the setting that makes it smaller; null where none of those tried does. Bytes and seconds. */
export interface ReportedTerm extends Pick<Term, 'id' | 'label' | 'formula' | 'source'> {
  readonly bytes: number;
  readonly lever: {
    readonly changes: Lever['changes'];
    readonly saves: number;
    readonly savesAtPeak: number;
    readonly fits: boolean | null;
    readonly stepSeconds: { readonly before: number; readonly after: number } | null;
    readonly training: Lever['training'];
    readonly note: string | null;
    readonly brings: string | null;
  } | null;
}

interface Interval {
  readonly bytes: number;
  readonly low: number;
  readonly high: number;
}

/** The facts of the run, each null where unknown. */
export function reportRun(run: TrainingRun): ReportedRun {
  const get = <T>(value: Known<T>): T | null => valueIfKnown(value) ?? null;
  const model = valueIfKnown(run.model);
  const cluster = valueIfKnown(run.cluster);
  return {
    model: model?.name ?? null,
    parameters: model?.parameters.total ?? null,
    activeParameters: model?.parameters.active ?? null,
    worldSize: get(run.worldSize),
    nodes: get(run.nodes),
    gpusPerNode: get(run.gpusPerNode),
    hardware: cluster?.label ?? null,
    sequenceLength: get(run.batch.sequenceLength),
    microBatch: get(run.batch.micro),
    gradientAccumulation: get(run.batch.accumulation),
    globalBatch: get(run.batch.global),
    sharding: shardingName(run),
    precision: get(run.precision.compute),
    optimizer: get(run.optimizer.name),
    activationCheckpointing: get(run.checkpointing),
    consumer: get(run.consumer),
    files: run.files.map(({ path, dialect, because }) => ({ path, dialect, because })),
  };
}

function shardingName({ sharding }: TrainingRun): string | null {
  if (!sharding.known) return null;
  const { value } = sharding;
  if (value.kind === 'zero') return value.stage.known ? `zero-${value.stage.value}` : 'zero';
  if (value.kind === 'fsdp') return value.strategy.known ? `fsdp-${value.strategy.value.toLowerCase()}` : 'fsdp';
  return value.kind;
}

/** What a run needs and takes: the part of an estimate that tells two runs apart. */
export type ReportedFigures = Pick<ReportedEstimate, 'memoryPerGpu' | 'hostMemoryPerNode' | 'step'>;

/** The estimate without its terms, which the breakdown shows, but for the largest where they are given. */
export function reportEstimate(analysis: Analysis, largest?: readonly LargestTerm[]): ReportedEstimate | null {
  const estimate = analysis.estimate();
  if (!estimate) return null;
  const { memory, checkpoint } = estimate;
  const { memoryPerGpu, hostMemoryPerNode, step } = reportFigures(estimate);
  return {
    memoryPerGpu,
    phases: memory && {
      load: bytesOf(memory.phases.load),
      step: bytesOf(memory.phases.step),
      eval: bytesOf(memory.phases.eval),
      save: bytesOf(memory.phases.save),
    },
    hostMemoryPerNode,
    checkpoint: checkpoint && { bytes: Math.round(checkpoint.bytes) },
    step,
    links: estimate.links,
    offloads: estimate.offloads,
    assumptions: estimate.assumptions,
    ...(largest && { largestTerms: largest.map(reportTerm) }),
  };
}

function reportTerm({ term, lever }: LargestTerm): ReportedTerm {
  const { id, label, formula, source } = term;
  return {
    id,
    label,
    bytes: Math.round(term.bytes),
    formula,
    source,
    lever: lever
      ? {
          changes: lever.changes,
          saves: Math.round(lever.saves),
          savesAtPeak: Math.round(lever.savesAtPeak),
          fits: lever.fits,
          stepSeconds: lever.step ?? null,
          training: lever.training,
          note: lever.note ?? null,
          brings: lever.brings ?? null,
        }
      : null,
  };
}

/** Memory per GPU and per host, and the step, of any estimate. */
export function reportFigures({ memory, host, step }: Estimate): ReportedFigures {
  return {
    memoryPerGpu: memory && {
      ...interval(memory),
      capacity: whole(memory.capacity),
      fits: memory.fits,
      phase: memory.phase,
      allocated: Math.round(memory.allocated),
      breakdown: mapped(memory.breakdown),
    },
    hostMemoryPerNode: host && {
      bytes: Math.round(host.bytes),
      low: Math.round(host.low),
      high: Math.round(host.high),
      capacity: whole(host.capacity),
      fits: host.fits,
    },
    step: step && {
      seconds: step.seconds,
      low: step.low,
      high: step.high,
      tokensPerSecondPerGpu: step.tokensPerSecondPerGpu,
      mfu: step.mfu,
      bottleneck: step.bottleneck,
      breakdown: step.breakdown,
    },
  };
}

function interval({ value, low, high }: Quantity): Interval {
  return { bytes: Math.round(value), low: Math.round(low), high: Math.round(high) };
}

function bytesOf(phase: { readonly bytes: number } | null): { readonly bytes: number } | null {
  return phase && { bytes: Math.round(phase.bytes) };
}

/** Bytes are whole for those who read them; fractions come of GiB figures and shares. */
function whole(bytes: number | null): number | null {
  return bytes === null ? null : Math.round(bytes);
}

function mapped(breakdown: Readonly<Record<MemoryGroup, number>>): Readonly<Record<MemoryGroup, number>> {
  return Object.fromEntries(Object.entries(breakdown).map(([group, bytes]) => [group, Math.round(bytes)])) as Record<
    MemoryGroup,
    number
  >;
}
