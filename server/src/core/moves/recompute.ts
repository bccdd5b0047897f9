import { known } from '../run/known';
import type { TrainingRun } from '../run/training-run';
import { setting } from '../settings';
import { argumentWrite } from './arguments';
import { trainerFsdpKey } from './fsdp';
import { launcherWrite } from './launcher';
import { type Dimension, lastPart, type Write, writeTo } from './move';
import { isOpen, TRIED } from './settled';

/** Recomputing activations in the backward pass, or keeping them. FSDP wraps blocks itself, so under it its own key is used. */
export const recompute: Dimension = (run, note) => {
  const { checkpointing } = run;
  if (!isOpen(run, 'recomputation', [checkpointing], note)) return [];
  if (!checkpointing.known || checkpointing.value === 'selective') return [];
  const on = checkpointing.value === 'none';
  const writes = writesFor(run, on);
  const [first] = writes;
  if (!first) note?.({ what: 'recomputation', because: 'no file of this run has a key for it; the script decides it' });
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
  const { trainer } = run.configs;
  const isFsdp = run.sharding.known && run.sharding.value.kind === 'fsdp';
  if (!isFsdp) {
    const write = argumentWrite(run, 'gradient_checkpointing', on);
    return write ? [write] : [];
  }
  const written = switches(run).filter(({ isSet }) => isSet);
  // Off means off in every place that turns it on; where only a default of TRL's does, its key says otherwise.
  if (!on && written.length > 0) return written.map(({ write }) => ({ ...write, value: false }));
  if (!on) return [argumentWrite(run, 'gradient_checkpointing', false)].filter((write) => write !== undefined);
  const own = launcherWrite(run, 'fsdp_config', 'fsdp_activation_checkpointing', true);
  if (own) return [own];
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
