import type { Known, Origin } from '../../run/known';
import type { FsdpSharding, Sharding, TrainingRun, ZeroSharding } from '../../run/training-run';

/** What terms follow from, by what kind of term it is. */
export type InputGroup =
  | 'model'
  | 'weights'
  | 'quantised'
  | 'adapters'
  | 'batch'
  | 'evaluation'
  | 'generation'
  | 'sharding'
  | 'offload'
  | 'precision'
  | 'optimizer'
  | 'checkpointing'
  | 'preference';

/** Inputs of each group of terms, so that a view can name the keys and jump to them. */
export type InputOrigins = Readonly<Record<InputGroup, readonly Origin[]>>;

type Fact = Known<unknown> | undefined;

/** Where the inputs of a run come from; a group is empty where nothing says anything. */
export function inputOrigins(run: TrainingRun): InputOrigins {
  const { batch, precision, optimizer, model } = run;
  const sharding = run.sharding.known ? run.sharding.value : undefined;
  const lora = run.lora?.known ? run.lora.value : undefined;
  return {
    model: of(model),
    weights: of(model, precision.weights),
    quantised: of(model, run.quantization, run.nestedQuantization),
    adapters: lora ? of(lora.rank, lora.targets) : of(run.lora),
    batch: of(batch.micro, batch.sequenceLength),
    evaluation: of(batch.evalMicro, batch.sequenceLength),
    generation: generationOf(run),
    sharding: of(sharding ? strategyOf(sharding, run) : run.sharding, run.worldSize, run.parallelism.shard),
    offload: sharding ? of(...offloadsOf(sharding)) : [],
    precision: of(precision.compute, precision.weights),
    optimizer: of(optimizer.name, optimizer.options, optimizer.targets),
    checkpointing: of(run.checkpointing, run.savedOnHost),
    preference: preferenceOf(run),
  };
}

function generationOf({ batch, evalGeneration: it }: TrainingRun): Origin[] {
  return it === undefined ? [] : of(it.asked, it.length, it.beams, batch.evalMicro, batch.sequenceLength);
}

/** Of TRL's preference trainers: what says that there is a reference, and what generates. */
function preferenceOf({ preference }: TrainingRun): Origin[] {
  if (preference === undefined) return [];
  const { method, reference, generation } = preference;
  return of(method, reference, ...(generation ? [generation.engine, generation.vllmShare] : []));
}

/** Keys that a buffer has of its own, by the id of its term. */
const BUFFER_FACTS: Readonly<Record<string, readonly Extract<keyof ZeroSharding, `${string}Elements`>[]>> = {
  'buffers.reduce': ['reduceBucketElements'],
  'buffers.gathered': ['maxLiveElements', 'maxReuseDistanceElements'],
  'buffers.persistent': ['persistenceThresholdElements'],
  'buffers.waiting': ['reduceBucketElements'],
};

/** The setting that decides the size of a buffer; none for one that follows from the model alone. */
export function bufferOrigins(zero: ZeroSharding | undefined, id: string): readonly Origin[] {
  const names = zero && BUFFER_FACTS[id];
  return names ? of(...names.map((name) => zero[name])) : [];
}

/** What nothing says had to be assumed, which is an origin too. Asked some thirty times an estimate, so that it makes nothing else. */
function of(...facts: readonly Fact[]): Origin[] {
  const origins: Origin[] = [];
  for (const fact of facts) {
    if (fact?.origin) origins.push(fact.origin);
    else if (fact?.known === false) origins.push({ kind: 'assumed', because: fact.why });
  }
  return origins;
}

/** The stage or strategy, whose key says more than the section it stands in. */
function strategyOf(sharding: Sharding, run: TrainingRun): Fact {
  if (sharding.kind === 'zero') return sharding.stage;
  return sharding.kind === 'fsdp' ? sharding.strategy : run.sharding;
}

function offloadsOf(sharding: Sharding): readonly Fact[] {
  if (sharding.kind === 'zero') return [sharding.offloadOptimizer, sharding.offloadParam];
  return sharding.kind === 'fsdp' ? [(sharding satisfies FsdpSharding).offloadParams] : [];
}
