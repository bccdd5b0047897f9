import type { Model, ParameterGroup } from '../../models/model';
import { valueOf as valueIfKnown } from '../../run/known';
import type { TrainingRun } from '../../run/training-run';

export interface Trainable {
  readonly trainable: number;
  /** The part of it that belongs to routed experts. */
  readonly trainableExperts: number;
}

/**
 * Parameters that receive a gradient: all of them, or the LoRA pairs `rank × (in + out)` of every targeted linear layer
 * and the modules trained in full (Hu et al. 2021, §4.1; PEFT matches targets by the last parts of the module name).
 */
export function trainableParameters(run: TrainingRun, model: Model): Trainable {
  if (run.lora === undefined) {
    return { trainable: model.parameters.total, trainableExperts: model.parameters.byKind.expert ?? 0 };
  }
  const lora = valueIfKnown(run.lora);
  const rank = (lora && valueIfKnown(lora.rank)) ?? 8; // PEFT's default for `r`.
  const targets = (lora && valueIfKnown(lora.targets)) ?? model.loraTargets ?? [];
  const whole = (lora && valueIfKnown(lora.modulesToSave)) ?? [];
  let trainable = 0;
  let trainableExperts = 0;
  for (const group of model.groups) {
    const added = groupTrainable(group, { rank, targets, whole });
    trainable += added;
    if (group.kind === 'expert') trainableExperts += added;
  }
  return { trainable, trainableExperts };
}

interface Choice {
  readonly rank: number;
  readonly targets: readonly string[];
  readonly whole: readonly string[];
}

function groupTrainable(group: ParameterGroup, { rank, targets, whole }: Choice): number {
  const numel = group.shape.reduce((product, size) => product * size, 1);
  if (whole.some((name) => endsWithModule(group.name, name))) return numel * group.count;
  if (group.module !== 'linear' || group.shape.length !== 2) return 0;
  const [out = 0, into = 0] = group.shape;
  const chosen = targets.includes('all-linear')
    ? group.kind !== 'head'
    : targets.some((name) => endsWithModule(group.name, name));
  return chosen ? rank * (out + into) * group.count : 0;
}

function endsWithModule(parameter: string, module: string): boolean {
  const owner = parameter.slice(0, parameter.lastIndexOf('.'));
  return owner === module || owner.endsWith(`.${module}`);
}
