import { estimateRun } from '../estimate/index';
import { elsewhere, placeForRun } from '../rules-support/places';
import { stepWithBand } from '../rules-support/step-words';
import { known } from '../run/known';
import { runDialects } from '../source';
import { formatSeconds } from '../text/format';
import { rule } from './rule';

/** A saving below this share of the step is finer than the model of the step. */
const LEAST_SHARE = 0.1;

/** Reports a CPU optimizer that torchrun leaves one thread per process. */
export const cpuOptimizerOnOneThread = rule({
  id: 'cpu-optimizer-on-one-thread',
  severity: 'information',
  applies: runDialects,
  when: 'cluster',
  why: 'torchrun and accelerate launch set OMP_NUM_THREADS=1 when they start several processes on a node. CPU-Adam then updates billions of parameters on one core per GPU, while the other cores idle.',
  source: [
    'torch/distributed/run.py:980 (2.15.0) OMP_NUM_THREADS 1 for several processes',
    'deepspeed csrc/adam/cpu_adam_impl.cpp (0.19.6) OpenMP loop',
  ],
  verified: 'read',
  examples: {
    bad: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "gradient_accumulation_steps": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 3, "offload_optimizer": { "device": "cpu" } } }',
          'run.sh':
            'torchrun --nproc_per_node 8 train.py --deepspeed ds.json --output_dir out --per_device_train_batch_size 1 --bf16 true\n',
          'shardlens.json':
            '{ "model": "meta-llama/Meta-Llama-3-8B", "sequenceLength": 1024, "target": "box", "targets": { "box": { "hardware": "g5.48xlarge", "gpusPerNode": 8 } } }',
        },
      },
    ],
    good: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "gradient_accumulation_steps": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 3, "offload_optimizer": { "device": "cpu" } } }',
          'run.sh':
            'OMP_NUM_THREADS=6 torchrun --nproc_per_node 8 train.py --deepspeed ds.json --output_dir out --per_device_train_batch_size 1 --bf16 true\n',
          'shardlens.json':
            '{ "model": "meta-llama/Meta-Llama-3-8B", "sequenceLength": 1024, "target": "box", "targets": { "box": { "hardware": "g5.48xlarge", "gpusPerNode": 8 } } }',
        },
      },
    ],
  },
  check(context) {
    const { config, wholeRun: run, report } = context;
    if (!run.cluster.known || !run.model.known || !run.sharding.known) return;
    if (!run.ompThreads.known || run.ompThreads.value !== 1) return;
    const { value } = run.sharding;
    const offload =
      value.kind === 'zero' ? value.offloadOptimizer : value.kind === 'fsdp' ? value.offloadParams : undefined;
    if (!offload?.known || offload.value === 'none' || offload.value === false) return;
    const { host, gpusPerNode, nodesPerMachine } = run.cluster.value;
    // Two hardware threads share a core, and a memory-bound loop gains nothing from the second.
    const threads = Math.floor((host.vcpus ?? 0) / 2 / (gpusPerNode * nodesPerMachine));
    const at = placeForRun(run, config, offload);
    if (!at || threads < 2) return;
    const { step, offloads } = context.estimate;
    // What is not needed at all has a finding of its own.
    if (offloads.some(({ fitsWithout }) => fitsWithout === true)) return;
    const term = step?.terms.find(({ id }) => id === 'optimizer.cpu');
    if (!step || !term) return;
    const other = estimateRun({ ...run, ompThreads: known(threads, { kind: 'assumed', because: 'tried' }) }).step;
    if (!other || step.seconds - other.seconds < LEAST_SHARE * step.seconds) return;
    const why = run.ompThreads.origin.kind === 'default' ? `${run.ompThreads.origin.of} sets` : 'the launch line sets';
    report({
      at,
      message: `${capital(why)} OMP_NUM_THREADS to 1, so the optimizer takes about ${formatSeconds(term.seconds)} of a step of ${stepWithBand(step)}, on one core per GPU. With OMP_NUM_THREADS=${threads} a step takes about ${formatSeconds(other.seconds)}.`,
      related: elsewhere(config, [run.ompThreads, 'OMP_NUM_THREADS is set here.']),
    });
  },
});

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
