import { valueIfKnown } from '../../run/known';
import { formatParameters, formatRate } from '../../text/format';
import { shareKeptOnGpu } from '../twin-flow';
import type { Draft } from './draft';
import { bytesOf, type TimeFacts } from './facts';

/**
 * Passes over one tensor of a parameter's size, read or written, in a step. Fused Adam reads weight, gradient and moments and writes
 * all but the gradient. In separate kernels it is decay 2, first moment 3, second 2 + 3, root 2, correction 2, epsilon 2, update 4
 * (torch/optim/adamw.py `_multi_tensor_adamw`); Adafactor much the same (transformers optimization.py `Adafactor.step`).
 */
const FUSED_PASSES = 7;
const SEPARATE_PASSES = 20;
const SGD_PASSES = 5;
/** Two 8-bit moments beside weight and gradient (bitsandbytes kOptimizerStatic8bit2StateBlockwise). */
const EIGHT_BIT_PASSES = 3;
const EIGHT_BIT_STATE_BYTES = 4;
/** The norm reads every gradient, scaling reads and writes it (torch.nn.utils.clip_grad_norm_, stage3.py unscale_and_clip_grads). */
const CLIP_PASSES = 3;
/** ZeRO casts 16-bit gradients to fp32 and the new weights back (deepspeed runtime/zero/stage_1_and_2.py step). */
const ZERO_CAST_BYTES = 12;
const MEMORY_EFFICIENCY = 0.8;

/** Kernels for each tensor where an optimizer loops over them in Python, and what one takes to launch from there. */
const LOOP_KERNELS = 14;
const ADAFACTOR_KERNELS = 30;
const EIGHT_BIT_KERNELS = 2;
const LAUNCH_SECONDS = 7e-6;

/** Share of the optimizer's states that stays on the GPU. */
export function shareOnGpu(facts: TimeFacts): number {
  const { sharding } = facts;
  if (sharding.kind === 'fsdp') return valueIfKnown(sharding.offloadParams) === true ? 0 : 1;
  if (sharding.kind !== 'zero') return 1;
  if ((valueIfKnown(sharding.offloadOptimizer) ?? 'none') === 'none') return 1;
  return shareKeptOnGpu(sharding, steppedParameters(facts), valueIfKnown(facts.run.consumer));
}

/** Parameters whose optimizer states one rank holds. */
export function steppedParameters({ parameters, sharding, shard }: TimeFacts): number {
  const isSpread = sharding.kind === 'zero' || sharding.kind === 'fsdp' || sharding.kind === 'megatron';
  return parameters.trainableOnRank / (isSpread ? shard : 1);
}

/** The optimizer step on the GPU: passes over weights, gradients and states, bound by memory, or by launching where it loops. */
export function gpuOptimizerDraft(facts: TimeFacts): Draft | undefined {
  const stepped = steppedParameters(facts) * shareOnGpu(facts);
  if (stepped <= 0) return undefined;
  const bytesEach = bytesPerParameter(facts);
  const rate = facts.cluster.accelerator.memoryBytesPerSecond;
  const moved = (stepped * bytesEach) / (rate * MEMORY_EFFICIENCY);
  const kernels = loopKernels(facts);
  const launched = kernels * LAUNCH_SECONDS;
  const seconds = Math.max(moved, launched);
  return {
    id: 'optimizer.gpu',
    label: 'optimizer step on the GPU',
    seconds,
    formula:
      launched > moved
        ? `${kernels} kernels × ${LAUNCH_SECONDS * 1e6} µs`
        : `${formatParameters(stepped)} parameters × ${bytesEach} B ÷ (${formatRate(rate)} × ${MEMORY_EFFICIENCY})`,
    source: 'torch/optim/adamw.py: passes of its kernels over weights, gradients and moments; clipping three more',
    group: 'optimizer',
    cause: 'GPU optimizer',
    hides: 'never',
  };
}

/** Bytes that a step moves for each parameter, with clipping. */
function bytesPerParameter(facts: TimeFacts): number {
  const { run, sharding } = facts;
  const name = valueIfKnown(run.optimizer.name) ?? 'adamw';
  // Both keep fp32 copies of 16-bit weights.
  const isZero = sharding.kind === 'megatron' || (sharding.kind === 'zero' && (valueIfKnown(sharding.stage) ?? 0) > 0);
  const each = isZero ? 4 : heldBytes(facts);
  const clip = (valueIfKnown(run.gradientClipping) ?? 0) > 0 ? CLIP_PASSES * each : 0;
  return (
    passesOf(name, facts) * each +
    (name.includes('8bit') ? EIGHT_BIT_STATE_BYTES : 0) +
    clip +
    (isZero ? ZERO_CAST_BYTES : 0)
  );
}

function passesOf(name: string, { run }: TimeFacts): number {
  if (name.includes('8bit')) return EIGHT_BIT_PASSES;
  if (name.includes('sgd') || name.includes('lion')) return SGD_PASSES;
  const how = valueIfKnown(run.optimizer.implementation);
  return how === 'foreach' || how === 'loop' ? SEPARATE_PASSES : FUSED_PASSES;
}

/** torch keeps its states in the dtype of the weights: fp32 under autocast, 16 bit where the weights are. */
function heldBytes({ run, compute }: TimeFacts): number {
  if (run.lora !== undefined) return 4;
  const { mode, weights } = run.precision;
  const dtype = valueIfKnown(weights) ?? (valueIfKnown(mode) === 'pure' ? compute : 'fp32');
  return Math.max(2, bytesOf(dtype));
}

/** Launches of an optimizer that goes through the tensors one by one; sharded ones lie in few flat tensors. */
function loopKernels({ run, model, sharding }: TimeFacts): number {
  if (run.lora !== undefined || (sharding.kind !== 'single' && sharding.kind !== 'ddp')) return 0;
  const name = valueIfKnown(run.optimizer.name) ?? '';
  const eightBit = name.includes('8bit');
  if (!eightBit && valueIfKnown(run.optimizer.implementation) !== 'loop') return 0;
  const each = eightBit ? EIGHT_BIT_KERNELS : name.includes('adafactor') ? ADAFACTOR_KERNELS : LOOP_KERNELS;
  return each * model.groups.reduce((sum, { count }) => sum + count, 0);
}
