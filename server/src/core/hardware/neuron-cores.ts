import { sliceOf } from './accelerator';
import type { Accelerator } from './hardware';
import type { NodeShape } from './node';

/** Physical NeuronCores that one logical core is made of, as NEURON_LOGICAL_NC_CONFIG or NEURON_RT_VIRTUAL_CORE_SIZE says it. */
export type LogicalNeuronCore = 1 | 2;

/** Logical cores of one chip, which frameworks see as devices and start a process for each; undefined for other chips. */
export function coresOfChip({ neuronCores }: Accelerator, logical?: LogicalNeuronCore): number | undefined {
  return neuronCores && neuronCores.physical / logicalOf(neuronCores, logical);
}

/** Trainium1 and Inferentia know single cores only (Neuron compiler, error EARG001), so the variable changes nothing there. */
function logicalOf({ perLogical }: NonNullable<Accelerator['neuronCores']>, asked?: LogicalNeuronCore): number {
  return perLogical === 1 ? 1 : (asked ?? perLogical);
}

/**
 * The machine as Neuron's frameworks see it: each logical core is a device with its part of the chip's memory and compute
 * (awsdocs-neuron, Logical NeuronCore configuration: two cores of 16 GiB on a Trainium1, four of 24 GiB on a Trainium2 by default).
 * A ring over all cores leaves a chip once, so each core keeps the rate of the chip's links; the slot to the host is shared.
 */
export function asNeuronCores(node: NodeShape, asked: LogicalNeuronCore | undefined): NodeShape {
  const cores = coresOfChip(node.accelerator, asked);
  if (cores === undefined) return node;
  const { accelerator: chip, inside, host } = node;
  const logical = (chip.neuronCores?.physical ?? cores) / cores;
  const accelerator = { ...sliceOf(chip, 1 / cores), name: `${chip.name} NeuronCore`, coresPerChip: cores };
  const pairs = logical === 1 ? '' : `, each ${logical} physical ones`;
  const why =
    asked === undefined || chip.neuronCores?.perLogical === 1
      ? ''
      : ` (the launch sets a logical core size of ${asked})`;
  return {
    ...node,
    accelerator,
    gpus: node.gpus * cores,
    inside: {
      ...inside,
      path: inside.path === 'none' ? 'neuronlink' : inside.path,
      domain: inside.domain * cores,
    },
    host: { ...host, gpusPerUplink: host.gpusPerUplink * cores },
    assumptions: [
      ...node.assumptions,
      `Counted in NeuronCores: ${cores} to a chip${pairs}${why}, each with its part of the chip's memory`,
    ],
  };
}
