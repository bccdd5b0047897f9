import type { TrainingRun } from '../../run/training-run';
import type { Assumption, LinkVerdict, OffloadVerdict, StepEstimate } from '../estimate';
import { type TimeFacts, timeFacts } from './facts';
import { hasLink, judgeLink, linkVerdicts } from './links';
import { notes } from './notes';
import type { Dimension } from './placement';
import { type StepResult, stepOf } from './step';
import { type MemoryOf, offloadVerdicts } from './verdicts';

export type { MemoryOf } from './verdicts';

export interface TimeEstimate {
  /** Null where a fact is missing; which one is among the assumptions. */
  readonly step: StepEstimate | null;
  readonly links: readonly LinkVerdict[];
  readonly offloads: readonly OffloadVerdict[];
  readonly assumptions: readonly Assumption[];
}

/**
 * Predicts the seconds of one optimizer step, the link each parallel dimension uses and what each offload costs
 * Pure; each term names its source. `memory` tells whether the run fits without an offload.
 */
export function estimateTime(run: TrainingRun, { memory }: { readonly memory: MemoryOf }): TimeEstimate {
  const resolved = timeFacts(run);
  if (!resolved.ok) return { step: null, links: linksAlone(run), offloads: [], assumptions: resolved.missing };
  const { facts } = resolved;
  const result = stepOf(facts);
  if (result === undefined) {
    const because = `${facts.cluster.accelerator.name} has no known peak rate`;
    return {
      step: null,
      links: linksAlone(run),
      offloads: [],
      assumptions: [{ what: 'step time', value: 'not known', because }],
    };
  }
  return new KnownTime(facts, result, memory);
}

/** What a step is made of is worked out at once, what its links and offloads are worth when it is asked for. */
class KnownTime implements TimeEstimate {
  #links: readonly LinkVerdict[] | undefined;
  #offloads: readonly OffloadVerdict[] | undefined;

  constructor(
    private readonly facts: TimeFacts,
    private readonly result: StepResult,
    private readonly memory: MemoryOf,
  ) {}

  get step(): StepEstimate {
    return this.result.step;
  }

  get links(): readonly LinkVerdict[] {
    this.#links ??= linkVerdicts(this.facts, this.result);
    return this.#links;
  }

  get offloads(): readonly OffloadVerdict[] {
    this.#offloads ??= offloadVerdicts(this.facts, this.result.step, this.memory);
    return this.#offloads;
  }

  get assumptions(): readonly Assumption[] {
    return [...this.facts.assumptions, ...notes(this.facts, this.result, this.offloads)];
  }
}

/** The step alone, without what its links and offloads are worth: a search asks it of thousands of runs. */
export function estimateStep(run: TrainingRun): StepEstimate | undefined {
  const resolved = timeFacts(run);
  return resolved.ok ? stepOf(resolved.facts)?.step : undefined;
}

/**
 * The link that a dimension of `ranks` would use on the run's cluster, and whether it is fast enough; undefined while the
 * cluster is not known, or has fewer GPUs. For hints on candidate values, and for dimensions the run does not have.
 */
export function linkIfUsed(run: TrainingRun, dimension: Dimension, ranks: number): LinkVerdict | undefined {
  if (!run.cluster.known) return undefined;
  const cluster = run.cluster.value;
  const own = (value: TrainingRun['nodes']): number => (value.known ? value.value : 1);
  const tensor = dimension === 'tensor' ? ranks : own(run.parallelism.tensor);
  const context = dimension === 'context' ? ranks : own(run.parallelism.context);
  const gpusPerNode = run.gpusPerNode.known ? run.gpusPerNode.value : cluster.gpusPerNode;
  const data = own(run.parallelism.data);
  const shard = run.parallelism.shard.known ? run.parallelism.shard.value : data;
  const dimensions = { cluster, gpusPerNode, tensor, context, data, shard };
  return hasLink(dimensions, dimension, ranks) ? judgeLink(dimensions, dimension, ranks) : undefined;
}

/** Links can be judged without a model or a batch. */
function linksAlone(run: TrainingRun): LinkVerdict[] {
  const { tensor, pipeline, context, expert } = run.parallelism;
  const sizes = { tensor, context, expert, pipeline } as const;
  return (['tensor', 'context', 'expert', 'pipeline'] as const).flatMap((dimension) => {
    const ranks = sizes[dimension];
    const verdict = ranks.known && ranks.value > 1 ? linkIfUsed(run, dimension, ranks.value) : undefined;
    return verdict === undefined ? [] : [verdict];
  });
}
