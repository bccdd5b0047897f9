import { known } from '../run/known';
import type { TrainingRun } from '../run/training-run';
import { setting } from '../settings';
import { type Dimension, isSettledByFiles, TRIED, type Write, writeTo } from './move';

/** Recomputing activations in the backward pass, or keeping them. FSDP wraps blocks itself, so under it its own key is used. */
export const recompute: Dimension = (run) => {
  const { checkpointing } = run;
  if (!checkpointing.known || checkpointing.value === 'selective' || !isSettledByFiles(run, checkpointing)) return [];
  const on = checkpointing.value === 'none';
  const writes = writesFor(run, on);
  const [first] = writes;
  if (!first) return [];
  return [
    {
      dimension: 'recomputation',
      title: on ? `Turn on ${lastPart(first.key)}` : `Turn off ${lastPart(first.key)}`,
      training: 'same',
      writes,
      apply: (changed) => ({ ...changed, checkpointing: known(on ? 'full' : 'none', TRIED) }),
    },
  ];
};

function writesFor(run: TrainingRun, on: boolean): Write[] {
  const { trainer, accelerate } = run.configs;
  const isFsdp = run.sharding.known && run.sharding.value.kind === 'fsdp';
  if (!isFsdp) return trainer ? [writeTo(trainer, 'gradient_checkpointing', on)] : [];
  const written = switches(run).filter(({ isSet }) => isSet);
  // Off means off in every place that turns it on.
  if (!on) return written.map(({ write }) => ({ ...write, value: false }));
  if (accelerate && setting(accelerate, 'fsdp_config'))
    return [writeTo(accelerate, 'fsdp_config.fsdp_activation_checkpointing', true)];
  return trainer ? [{ ...trainerFsdpKey(run, 'activation_checkpointing'), value: true }] : [];
}

function switches(run: TrainingRun): { write: Write; isSet: boolean }[] {
  const { trainer, accelerate, fsdp } = run.configs;
  const found = [
    trainer && { config: trainer, key: 'gradient_checkpointing' },
    fsdp && { config: fsdp, key: 'activation_checkpointing' },
    fsdp && { config: fsdp, key: 'fsdp_activation_checkpointing' },
    accelerate && { config: accelerate, key: 'fsdp_config.fsdp_activation_checkpointing' },
  ];
  return found.flatMap((one) =>
    one ? [{ write: writeTo(one.config, one.key, false), isSet: setting(one.config, one.key) !== undefined }] : [],
  );
}

/** A key of the Trainer's fsdp_config: in the section or file there is, else in a new section. */
export function trainerFsdpKey({ configs: { trainer, fsdp } }: TrainingRun, key: string): Omit<Write, 'value'> {
  if (fsdp) {
    const prefixed = setting(fsdp, `fsdp_${key}`) !== undefined;
    const { path, key: written } = writeTo(fsdp, prefixed ? `fsdp_${key}` : key, undefined);
    return { path, key: written };
  }
  return { path: trainer?.file.path ?? '', key: `fsdp_config.${key}` };
}

function lastPart(key: string): string {
  return key.slice(key.lastIndexOf('.') + 1);
}
