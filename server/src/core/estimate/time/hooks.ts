import { valueIfKnown } from '../../run/known';
import { isOlder } from '../../run/sources';
import { counted } from '../../text/format';
import type { Draft } from './draft';
import type { TimeFacts } from './facts';
import { gathersPerMicroStep } from './gathers';

/** CUDA kernels of one Llama-like block as HF eager code launches them. */
const FORWARD_KERNELS = 60;
const BACKWARD_KERNELS = 120;
/** Two small products and their gradients for each of some seven adapted matrices. */
const LORA_FORWARD_KERNELS = 30;
const LORA_BACKWARD_KERNELS = 60;
/**
 * Kernels for each expert where a loop in Python goes through those that some token visits: finding and gathering its tokens, five of
 * the expert, weighting and adding (transformers 4.57.6 models/qwen3_moe/modeling_qwen3_moe.py:250). Since 5.0 one grouped product
 * does it (5.23 modeling_utils.py:1884, `grouped_mm`).
 */
const EXPERT_FORWARD_KERNELS = 14;
const EXPERT_BACKWARD_KERNELS = 16;

/** Share of kernels left after torch.compile (prior). */
const COMPILED_KERNELS = 0.35;
const COMPILED_GUESS: Pick<Draft, 'guess' | 'assumes'> = {
  guess: { low: 0.3, high: 2.5 },
  assumes: {
    what: 'kernels after torch.compile',
    value: `${COMPILED_KERNELS * 100} % of them are left`,
    because: 'no published table separates it: a tenth to nearly all may be',
  },
};
/** Autocast over fp32 weights casts the inputs and the weights of every matrix first: some 18 kernels of a block (prior). */
const AUTOCAST_KERNELS = 1.3;
/**
 * A launch takes 6–10 µs; in the forward, where each comes from Python, twice that. Agrees with BERT-large under autocast at one
 * sample (transformers perf_train_gpu_one), which waits for nothing else.
 */
const LAUNCH_SECONDS = 7e-6;
const FORWARD_LAUNCH_SECONDS = 14e-6;

/** Modules whose hooks ZeRO-3 visits in one Llama-like block: the block, attention, MLP, two norms, seven matrices, activation. */
const MODULES_PER_BLOCK = 13;
/**
 * Python time of one ZeRO-3 fetch and release: the middle of 0.2–1 ms. It was not measured by itself; 1 ms would be 4–5 s of the
 * 19.5 s step of the Llama-3-8B runs in gnosia93/training-on-eks.
 */
const HOOK_SECONDS = 0.5e-3;

/** Host time of launching kernels; it shows only where the GPU work is shorter. */
export function launchDraft(facts: TimeFacts): Draft {
  const { model, pipeline, accumulation, checkpointing, run } = facts;
  const lora = run.lora === undefined ? 0 : 1;
  const forward = FORWARD_KERNELS + lora * LORA_FORWARD_KERNELS;
  const backward = BACKWARD_KERNELS + lora * LORA_BACKWARD_KERNELS;
  const forwards = forward * (checkpointing === 'full' ? 2 : 1);
  const compiled = valueIfKnown(run.torchCompile) === true ? COMPILED_KERNELS : 1;
  const { mode, weights } = run.precision;
  const casts = valueIfKnown(mode) === 'autocast' && valueIfKnown(weights) === 'fp32' ? AUTOCAST_KERNELS : 1;
  const times = (model.layers * compiled * casts * accumulation) / pipeline;
  const experts = (loopedExperts(facts) * accumulation) / pipeline;
  const again = checkpointing === 'full' ? 2 : 1;
  const inForward = Math.round(forwards * times + EXPERT_FORWARD_KERNELS * again * experts);
  const inBackward = Math.round(backward * times + EXPERT_BACKWARD_KERNELS * experts);
  const seconds = inForward * FORWARD_LAUNCH_SECONDS + inBackward * LAUNCH_SECONDS;
  return {
    id: 'compute.launches',
    label: 'kernel launches',
    seconds,
    ...(compiled < 1 && COMPILED_GUESS),
    formula: `${inForward} kernels from Python × ${FORWARD_LAUNCH_SECONDS * 1e6} µs + ${inBackward} in backward × ${LAUNCH_SECONDS * 1e6} µs`,
    source: `kernels of a Llama block in eager transformers${experts > 0 ? ', and of experts one by one before 5.0' : ''}; launches agree with transformers perf_train_gpu_one`,
    group: 'compute',
    cause: 'Python and kernel launches',
    hides: 'host',
  };
}

/** Experts of all blocks that a micro-step goes through one by one; none where transformers is new or not known to be old. */
function loopedExperts({ run, model, tokens, expert }: TimeFacts): number {
  if (!isOlder(run.frameworks.transformers, '5.0')) return 0;
  return model.blocks.reduce((sum, { mlp, count }) => {
    const moe = mlp?.moe;
    return moe ? sum + (count * Math.min(moe.experts, tokens * moe.expertsPerToken)) / expert : sum;
  }, 0);
}

/** Reading one packed or tokenised sample of an Arrow file and making tensors of it, in the rank's own process (prior). */
const SAMPLE_SECONDS = 1e-3;

/** Loading samples in the rank's own process, where no worker does; it shows only where the GPU work is shorter. */
export function loaderDraft({ run, micro, accumulation }: TimeFacts): Draft | undefined {
  if (run.loaderWorkers === undefined || valueIfKnown(run.loaderWorkers) !== 0) return undefined;
  const samples = micro * accumulation;
  const seconds = samples * SAMPLE_SECONDS;
  return {
    id: 'compute.loading',
    label: 'loading samples, no worker processes',
    seconds,
    band: { low: seconds * 0.3, high: seconds * 5 },
    assumes: {
      what: 'loading a sample without worker processes',
      value: `${SAMPLE_SECONDS * 1e3} ms`,
      because: 'it hangs on the data; a tokenised sample of an Arrow file takes about that',
    },
    formula: `${counted(samples, 'sample')} × ${SAMPLE_SECONDS * 1e3} ms`,
    source: 'dataloader_num_workers 0 loads between steps; a millisecond for a tokenised sample is a prior',
    group: 'compute',
    cause: 'Python and kernel launches',
    hides: 'host',
  };
}

/** ZeRO-3's Python for every module it visits; undefined for other shardings. */
export function hookDraft(facts: TimeFacts): Draft | undefined {
  const { sharding, model, pipeline, accumulation } = facts;
  if (sharding.kind !== 'zero' || valueIfKnown(sharding.stage) !== 3) return undefined;
  const gathers = gathersPerMicroStep(facts).blocks;
  const visits = (MODULES_PER_BLOCK * model.layers * gathers * accumulation) / pipeline;
  const seconds = visits * HOOK_SECONDS;
  // `param.ds_tensor.to(device)` blocks the host until the copy is done, so offloaded parameters leave Python nothing to hide behind.
  const blocks = (valueIfKnown(sharding.offloadParam) ?? 'none') !== 'none';
  return {
    id: blocks ? 'offload.zero3-hooks' : 'communication.zero3-hooks',
    label: 'ZeRO-3 fetch and release hooks (Python)',
    seconds,
    band: { low: seconds * 0.4, high: seconds * 2 },
    assumes: {
      what: 'ZeRO-3 hooks',
      value: `${HOOK_SECONDS * 1e3} ms for each module visited`,
      because: 'it was not measured by itself: 0.2 to 1 ms',
    },
    formula: `${counted(accumulation, 'micro-step')} × ${gathers} passes × ${MODULES_PER_BLOCK} modules × ${model.layers} blocks × ${HOOK_SECONDS * 1e3} ms`,
    source:
      'deepspeed runtime/zero/partition_parameters.py _allgather_param (blocking copy); the time of a hook is an estimate',
    // Python that gathers and releases weights is a price of sharding or offload, not work of the GPU.
    group: blocks ? 'offload' : 'communication',
    cause: 'Python and kernel launches',
    hides: blocks ? 'never' : 'host',
  };
}
