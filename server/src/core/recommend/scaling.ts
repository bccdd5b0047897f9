import type { Overrides } from '../analysis';
import { type AnalysisInput, analyze } from '../analyze';
import type { StepEstimate } from '../estimate/estimate';
import { estimateRun } from '../estimate/index';
import { known } from '../run/known';
import type { TrainingRun } from '../run/training-run';
import type { SourceFile } from '../source';
import { counted, formatSeconds } from '../text/format';

/** The run on a number of nodes, all else as it is. */
export interface ScalingPoint {
  readonly nodes: number;
  readonly gpus: number;
  /** Samples per GPU and micro-step. */
  readonly micro: number;
  readonly accumulation: number;
  /** Samples per optimizer step. */
  readonly global: number;
  readonly stepSeconds: number;
  /** Of all GPUs together. */
  readonly tokensPerSecond: number;
  /** Tokens per second and GPU, over those on {@link Curve.reference} nodes. */
  readonly efficiency: number;
  /** Per GPU. */
  readonly memoryBytes: number | null;
  /** On the GPUs and on the host; {@link hostIsFull} says which of them decides. */
  readonly fits: boolean | null;
  /** The host's memory does not hold the run. */
  readonly hostIsFull: boolean;
  /** What is not known, where that keeps it open whether the run fits; else null. */
  readonly open: string | null;
}

export interface Curve {
  readonly points: readonly ScalingPoint[];
  /** Nodes that efficiency is measured against: the fewest, whether the run fits there or not. */
  readonly reference: number | null;
  /** Why points are missing; null where none is. */
  readonly why: string | null;
}

/** How the run would scale over nodes of its machine. */
export interface Scaling {
  /** Nodes of the run itself. */
  readonly nodes: number;
  /** The batch of each GPU stays, so the global batch grows with the nodes. */
  readonly growing: Curve;
  /** The global batch stays, so each GPU gets less: fewer micro-steps, then smaller ones. */
  readonly fixed: Curve;
  /** The most nodes of {@link fixed} that pay over fewer; null where nothing can be said. */
  readonly paysUntil: number | null;
  /** What the figures rest on beyond the estimate's own assumptions. */
  readonly notes: readonly string[];
}

const NODES = [1, 2, 4, 8, 16, 32, 64] as const;

/** More nodes pay while each of those added yields at least this share of what an ideal one would: our choice. */
export const WORTH_ADDING = 0.5;

/**
 * The run on 1 to 64 nodes of its machine, once with the batch of each GPU kept and once with the global batch kept.
 * Pauses after each number of nodes. undefined where the step time or the machine is not known. Pure.
 */
export function* findScaling(file: SourceFile, input: AnalysisInput): Generator<number, Scaling | undefined, void> {
  const analysis = analyze(file, input);
  const { run } = analysis;
  if (!run?.cluster.known || !analysis.estimate()?.step) return undefined;
  const { nodes, gpusPerNode, inter } = run.cluster.value;
  const growing: Measured[] = [];
  const fixed: Measured[] = [];
  let undivided: string | undefined;
  let assumedLink = inter.basis === 'assumed' ? inter.label : undefined;
  for (const count of withOwn(nodes)) {
    const overrides: Overrides = { from: 'flag', ...input.overrides, nodes: count, gpusPerNode };
    const { run: placed } = count === nodes ? analysis : analyze(file, { ...input, overrides });
    if (!placed?.cluster.known) continue;
    if (placed.cluster.value.inter.basis === 'assumed') assumedLink = placed.cluster.value.inter.label;
    push(growing, measured(placed, count));
    const divided = withGlobal(placed, run);
    if (typeof divided === 'string') undivided ??= divided;
    else push(fixed, measured(divided, count));
    yield count;
  }
  const curve = curveOf(fixed, undivided);
  const link = assumedLink === undefined ? [] : [`Between nodes: ${assumedLink}.`];
  return {
    nodes,
    growing: curveOf(growing, undefined),
    fixed: curve,
    paysUntil: paysUntil(curve),
    notes: [...link, ...new Set([growing, fixed].flatMap((points) => aboveWhole(points) ?? []))],
  };
}

/** An efficiency beyond this asks for a reason. */
const WHOLE = 1.005;

/**
 * Why more nodes can make each GPU faster: its shard of what is stepped and copied is smaller, which no network cost makes up for. Says which
 * parts of the step that is, and when it is most.
 */
function aboveWhole(points: readonly Measured[]): string | undefined {
  const [first] = points;
  if (!first) return undefined;
  const best = points.reduce((a, b) => (perGpu(b) > perGpu(a) ? b : a));
  if (perGpu(best) <= perGpu(first) * WHOLE) return undefined;
  // Per micro-step, so that steps of another length compare.
  const share = (point: Measured, group: Group): number => point.breakdown[group] / point.accumulation;
  const shrunk = GROUPS.filter((group) => share(best, group) < share(first, group)).sort(
    (a, b) => share(best, a) - share(first, a) - (share(best, b) - share(first, b)),
  );
  const parts = shrunk
    .slice(0, 2)
    .map((group) => `${group} ${formatSeconds(first.breakdown[group])} → ${formatSeconds(best.breakdown[group])}`);
  return `Above 100 %: on more nodes each GPU has a smaller shard to step and to copy (on ${best.nodes} instead of ${counted(first.nodes, 'node')}: ${parts.join(', ')} a step).`;
}

type Group = keyof StepEstimate['breakdown'];
const GROUPS: readonly Group[] = ['optimizer', 'offload', 'communication', 'compute'];

function withOwn(nodes: number): number[] {
  return [...new Set<number>([...NODES, ...(nodes <= 64 ? [nodes] : [])])].sort((a, b) => a - b);
}

interface Measured extends Omit<ScalingPoint, 'efficiency'> {
  readonly breakdown: StepEstimate['breakdown'];
}

/** Tokens per second of one GPU. */
function perGpu({ tokensPerSecond, gpus }: Measured): number {
  return tokensPerSecond / gpus;
}

function push(points: Measured[], point: Measured | undefined): void {
  if (point) points.push(point);
}

function measured(run: TrainingRun, nodes: number): Measured | undefined {
  const { step, memory, host } = estimateRun(run);
  const { micro, accumulation } = run.batch;
  const { data } = run.parallelism;
  if (!step || !run.cluster.known || !micro.known || !accumulation.known || !data.known) return undefined;
  const gpus = nodes * run.cluster.value.gpusPerNode;
  return {
    nodes,
    gpus,
    micro: micro.value,
    accumulation: accumulation.value,
    global: micro.value * accumulation.value * data.value,
    stepSeconds: step.seconds,
    tokensPerSecond: step.tokensPerSecondPerGpu * gpus,
    memoryBytes: memory?.value ?? null,
    fits: host?.fits === false ? false : (memory?.fits ?? null),
    hostIsFull: host?.fits === false,
    open: memory?.open ?? null,
    breakdown: step.breakdown,
  };
}

/** The run with the global batch of `like`: micro-steps are left out first, then samples of each; or why that cannot be. */
function withGlobal(run: TrainingRun, like: TrainingRun): TrainingRun | string {
  const { micro, accumulation } = like.batch;
  const [from, to] = [like.parallelism.data, run.parallelism.data];
  if (!micro.known || !accumulation.known || !from.known || !to.known) return 'the global batch is not known';
  const global = micro.value * accumulation.value * from.value;
  const perRank = global / to.value;
  if (perRank < 1) return `beyond that there are more ranks than the ${global} samples of the global batch`;
  if (!Number.isInteger(perRank)) return `${global} samples do not divide over ${to.value} ranks`;
  const most = largestDivisor(perRank, micro.value);
  const origin = { kind: 'derived', formula: `${global} samples over ${to.value} ranks`, from: [] } as const;
  return {
    ...run,
    batch: { ...run.batch, micro: known(most, origin), accumulation: known(perRank / most, origin) },
  };
}

function largestDivisor(of: number, most: number): number {
  for (let it = Math.min(of, Math.floor(most)); it > 1; it--) if (of % it === 0) return it;
  return 1;
}

function curveOf(points: readonly Measured[], why: string | undefined): Curve {
  const [reference] = points;
  const whole = reference ? perGpu(reference) : Number.NaN;
  return {
    points: points.map(({ breakdown: _, ...point }) => ({
      ...point,
      efficiency: point.tokensPerSecond / point.gpus / whole,
    })),
    reference: reference?.nodes ?? null,
    why: why ?? null,
  };
}

/**
 * The last point whose nodes are worth adding to those of the last that was: one that is not can lie between, where the
 * batch divides badly.
 */
function paysUntil({ points, reference }: Curve): number | null {
  if (reference === null) return null;
  let last = points.find(({ nodes }) => nodes === reference);
  for (const point of points) {
    if (!last || point.nodes <= last.nodes) continue;
    const gained = point.tokensPerSecond / last.tokensPerSecond - 1;
    if (gained >= WORTH_ADDING * (point.nodes / last.nodes - 1)) last = point;
  }
  return last?.nodes ?? null;
}
