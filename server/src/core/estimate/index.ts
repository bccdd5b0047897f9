import { basename } from '../paths';
import type { Launch } from '../run/launch';
import type { TrainingRun } from '../run/training-run';
import { formatSeconds } from '../text/format';
import { estimateCheckpoint } from './checkpoint';
import type { Assumption, Estimate, StepEstimate } from './estimate';
import { estimateHost } from './host';
import { estimateMemory } from './memory/index';
import { measurementOf } from './memory/measured';
import { estimateTime, type TimeEstimate } from './time/index';

/** Everything predicted about a run: memory per GPU and host, checkpoint, step time, links and offload. Pure. */
export function estimateRun(run: TrainingRun): Estimate {
  return new RunEstimate(run);
}

/** Each part is worked out when it is first asked for: most rules ask for memory alone, and a trial of an edit for memory and step. */
class RunEstimate implements Estimate {
  readonly #run: TrainingRun;
  #memory: ReturnType<typeof estimateMemory> | undefined;
  #host: ReturnType<typeof estimateHost> | undefined;
  #checkpoint: ReturnType<typeof estimateCheckpoint> | undefined;
  #time: TimeEstimate | undefined;
  #step: StepEstimate | null | undefined;
  #assumptions: readonly Assumption[] | undefined;

  constructor(run: TrainingRun) {
    this.#run = run;
  }

  get memory(): Estimate['memory'] {
    return this.#memoryPart.memory;
  }

  get host(): Estimate['host'] {
    return this.#hostPart.host;
  }

  get checkpoint(): Estimate['checkpoint'] {
    return this.#checkpointPart.checkpoint;
  }

  get step(): StepEstimate | null {
    if (this.#step === undefined) {
      const { step } = this.#timePart;
      this.#step = step && withMeasured(step, this.#run);
    }
    return this.#step;
  }

  get links(): Estimate['links'] {
    return this.#timePart.links;
  }

  get offloads(): Estimate['offloads'] {
    return this.#timePart.offloads;
  }

  get assumptions(): readonly Assumption[] {
    this.#assumptions ??= withoutRepeats([
      ...this.#memoryPart.assumptions,
      ...this.#hostPart.assumptions,
      ...this.#checkpointPart.assumptions,
      ...this.#timePart.assumptions,
      ...machineAssumptions(this.#run),
      ...launchAssumptions(this.#run),
      ...(this.step?.measured ? [measuredSeconds(this.step.measured)] : []),
    ]);
    return this.#assumptions;
  }

  get #memoryPart(): ReturnType<typeof estimateMemory> {
    this.#memory ??= estimateMemory(this.#run);
    return this.#memory;
  }

  get #hostPart(): ReturnType<typeof estimateHost> {
    this.#host ??= estimateHost(this.#run);
    return this.#host;
  }

  get #checkpointPart(): ReturnType<typeof estimateCheckpoint> {
    this.#checkpoint ??= estimateCheckpoint(this.#run);
    return this.#checkpoint;
  }

  get #timePart(): TimeEstimate {
    this.#time ??= estimateTime(this.#run, { memory: estimateMemory });
    return this.#time;
  }
}

/** The seconds that this very run took stand beside the predicted ones, which runs near it are compared with. */
function withMeasured(step: StepEstimate, run: TrainingRun): StepEstimate {
  const seconds = run.measured && measurementOf(run)?.figures.seconds;
  if (!seconds) return step;
  const { value, low, high, from } = seconds;
  return { ...step, measured: { value, low: low * (1 - RUN_TO_RUN), high: high * (1 + RUN_TO_RUN), from } };
}

function measuredSeconds({ value, from }: NonNullable<StepEstimate['measured']>): Assumption {
  const because = 'the terms stay as predicted, since runs near this one are compared with them';
  return { what: 'step time of this run', value: `measured ${formatSeconds(value)}, ${from}`, because };
}

/** How much the step time of a run may differ from day to day: a judgement, not a measurement. */
const RUN_TO_RUN = 0.02;

/** What the machine's figures rest on where neither the catalog nor the files say them: paths, shares, own records. */
function machineAssumptions({ cluster }: TrainingRun): Assumption[] {
  if (!cluster.known) return [];
  const { label, assumptions } = cluster.value;
  return assumptions.map((value) => ({ what: 'machine', value, because: `of ${label}` }));
}

/** Where launch lines give arguments that figures depend on differently, those of the first are taken. */
function launchAssumptions({ launches: [first, ...others] = [] }: TrainingRun): Assumption[] {
  if (!first) return [];
  const placeOf = ({ path, line }: Launch): string => `${basename(path)}:${line}`;
  return others.flatMap((other) => {
    const keys = DECIDING.filter((key) => first.arguments.get(key)?.plain !== other.arguments.get(key)?.plain);
    const because = `${placeOf(other)} starts this run too, with another ${keys.join(', ')}`;
    return keys.length > 0 ? [{ what: 'launch line', value: placeOf(first), because }] : [];
  });
}

const DECIDING = ['model_name_or_path', 'per_device_train_batch_size', 'gradient_accumulation_steps', 'max_length'];

/** Memory and time often miss the same fact; it is said once. */
function withoutRepeats(assumptions: readonly Assumption[]): Assumption[] {
  const seen = new Set<string>();
  return assumptions.filter(({ what, value }) => {
    const key = `${what}\n${value}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}
