import { sizeSetting, tensorFix } from '../rules-support/dimension-edits';
import { placeForRun } from '../rules-support/places';
import { counted } from '../text/format';
import { rule } from './rule';

const TRAIN =
  'model_name_or_path: meta-llama/Llama-3.1-8B\noutput_dir: out\nper_device_train_batch_size: 1\nlearning_rate: 2.0e-5\nlogging_steps: 10\nnum_train_epochs: 1\nbf16: true\n';

function files(size: number, hardware: string, more = ''): Readonly<Record<string, string>> {
  return {
    'train.yaml': `${TRAIN}tensor_parallel_size: ${size}\n`,
    'shardlens.json': `{ "target": "box", "targets": { "box": { "hardware": "${hardware}"${more} } } }`,
  };
}

/** Reports tensor-parallel sizes that do not go into the NeuronCores of a Trainium or Inferentia machine. */
export const tensorParallelNotDividingCores = rule({
  id: 'tensor-parallel-not-dividing-cores',
  severity: 'warning',
  applies: ['trainer', 'deepspeed', 'accelerate'],
  when: 'cluster',
  why: 'On Trainium each logical NeuronCore is a process: 2 to a Trainium1, 4 to a Trainium2 unless NEURON_LOGICAL_NC_CONFIG is 1. Tensor-parallel groups are cut from the cores of a node, so their size has to divide them; else groups reach into the next node, or cannot be made.',
  source: [
    'huggingface/optimum-neuron optimum/neuron/models/training/config.py:49 (0.4.6.dev4) initialize_model_parallel',
    'awsdocs-neuron, Logical NeuronCore configuration',
    'awsdocs-neuron, Best practices for training on AWS Neuron: 64 ranks on a trn2.48xlarge',
  ],
  verified: 'read',
  examples: {
    bad: [{ files: files(6, 'trn1.32xlarge') }, { files: files(64, 'trn1.32xlarge', ', "nodes": 4') }],
    good: [
      { files: files(8, 'trn1.32xlarge') },
      { files: files(64, 'trn2.48xlarge') },
      { files: files(6, 'p4d.24xlarge') },
    ],
  },
  check({ config, wholeRun: run, report }) {
    const { cluster, worldSize } = run;
    const { tensor, pipeline } = run.parallelism;
    if (!cluster.known || !tensor.known || tensor.value < 2) return;
    const { accelerator, gpusInNode: cores, id } = cluster.value;
    const { coresPerChip } = accelerator;
    if (coresPerChip === undefined) return;
    const groups = tensor.value * (pipeline.known ? pipeline.value : 1);
    const has = `${id} has ${counted(cores, 'NeuronCore')} (${coresPerChip} to a chip)`;
    const why =
      tensor.value > cores
        ? `${has}, so each group of ${tensor.value} reaches into another node and every layer waits for the network`
        : cores % tensor.value !== 0
          ? `${has}, which do not divide into groups of ${tensor.value}: neuronx-distributed cannot lay them out`
          : worldSize.known && pipeline.known && worldSize.value % groups !== 0
            ? `${worldSize.value} processes do not divide into groups of ${groups}: neuronx-distributed stops when it makes them`
            : undefined;
    if (why === undefined) return;
    const written = sizeSetting(config, 'tensor', tensor);
    const place = written ?? placeForRun(run, config, tensor);
    if (!place) return;
    const sizes = Array.from({ length: Math.min(tensor.value, cores) }, (_, i) => Math.min(tensor.value, cores) - i);
    report({
      at: place,
      message: `The tensor-parallel size is ${tensor.value}, and ${why}.`,
      fixes: written
        ? tensorFix(
            run,
            written,
            sizes.filter((size) => cores % size === 0),
          )
        : [],
    });
  },
});
