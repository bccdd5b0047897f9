import type { Catalogs } from '../catalogs';
import { coresOfChip, type LogicalNeuronCore } from '../hardware/neuron-cores';
import { type Known, known } from './known';
import type { TrainingRun } from './training-run';
import type { Written } from './written';

/**
 * How many physical NeuronCores one device is, where the launch says it: to the compiler and the runtime by
 * NEURON_LOGICAL_NC_CONFIG, to the runtime by NEURON_RT_VIRTUAL_CORE_SIZE, which decides how many devices processes see.
 */
export function logicalCore({
  NEURON_LOGICAL_NC_CONFIG,
  NEURON_RT_VIRTUAL_CORE_SIZE,
}: TrainingRun['environment']): LogicalNeuronCore | undefined {
  const written = NEURON_RT_VIRTUAL_CORE_SIZE ?? NEURON_LOGICAL_NC_CONFIG;
  const value = written?.known ? Number(written.value) : undefined;
  return value === 1 || value === 2 ? value : undefined;
}

/** A pod that asks for chips gets all of their cores. */
export function coresOf(
  chips: Known<number> | undefined,
  machine: Written | undefined,
  environment: TrainingRun['environment'],
  { hardware }: Catalogs,
): Known<number> | undefined {
  if (!chips?.known) return chips;
  const match = typeof machine?.plain === 'string' ? hardware.resolve(machine.plain) : undefined;
  const id = match?.instance?.accelerator;
  const chip = match?.accelerator ?? (id === undefined ? undefined : hardware.accelerator(id));
  const cores = chip && coresOfChip(chip, logicalCore(environment));
  if (cores === undefined) return undefined;
  const formula = `${chips.value} chips × ${cores} NeuronCores`;
  return known(chips.value * cores, { kind: 'derived', formula, from: [chips.origin] });
}
