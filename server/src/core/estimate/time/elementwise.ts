import { valueIfKnown } from '../../run/known';
import { formatRate } from '../../text/format';
import type { Draft } from './draft';
import type { TimeFacts } from './facts';
import { MEMORY_EFFICIENCY } from './gpu-constants';
import { MEGATRON_ELEMENTWISE_BYTES, splitsSequence } from './megatron';

/**
 * Bytes per token, hidden unit and block that norms, activations, rotations and residuals move in a forward and backward. One value
 * fits A100 and H100 in llm-foundry's table (262 and 269, each fitted alone): it is a property of the kernels, not of the chip.
 */
const ELEMENTWISE_BYTES = 262;

/**
 * Share of them that tensor parallelism leaves whole on every rank: two norms, two dropouts with bias and residual, of 22 of 54 bytes
 * per unit of a GPT block's forward (operators of Shoeybi et al. 2019 §3, whose figure 3 shows which are split).
 */
const NOT_SPLIT = 0.4;

/** Bytes per token and vocabulary entry that the loss head moves: fitted with the constants of gpu-constants.ts. */
const LOSS_BYTES = 30;
/** A fused linear cross-entropy never writes the logits whole (Liger-Kernel's published benchmark). */
const FUSED_LOSS_BYTES = 6;

/**
 * Extra bytes per token, hidden unit and block of Llama-like blocks in eager PyTorch, whose two RMSNorms are seven kernels
 * each in Python (two in fp32): about 36 bytes per norm forward and twice that backward. The fitted table ran fused LayerNorm.
 */
const EAGER_RMSNORM_BYTES = 200;

/**
 * Bytes per token and unit of an adapter's inputs and outputs: casts to fp32 and back, two small products, scaling, adding, and their
 * gradients. Fitted on the PEFT benchmark's adapters on two and on three matrices of a block, which differ in nothing else.
 */
const ADAPTER_BYTES = 25;

/**
 * In fp32 everything is twice as wide. Under autocast over fp32 weights the stream between blocks stays in fp32 and matrices cast their
 * inputs: 53 bytes are kept per token and unit of a Llama block where 43 are in 16 bit throughout (counted, as activations are).
 */
const SINGLE_WIDTH = 2;
const AUTOCAST_WIDTH = 1.5;

/** torch.compile fuses most element-wise kernels; prior, no public table separates it. */
const COMPILED_ELEMENTWISE = 0.5;

const COMPILED_GUESS: Pick<Draft, 'guess' | 'assumes'> = {
  guess: { low: 0.6, high: 1.7 },
  assumes: {
    what: 'torch.compile',
    value: 'half of the element-wise work is left',
    because: 'no published table separates it: a third to nearly all of it may be',
  },
};

/** Norms, activations, residuals and loss: a pass over memory each, with little to compute. */
export function elementwiseDraft(facts: TimeFacts): Draft {
  const { tokens, accumulation, model, tensor, pipeline, checkpointing, run, cluster, parameters } = facts;
  const compiled = valueIfKnown(run.torchCompile) === true ? COMPILED_ELEMENTWISE : 1;
  const again = checkpointing === 'full' ? 4 / 3 : 1;
  const rmsNorm = model.blocks.some(({ mlp }) => mlp?.gated === true) ? EAGER_RMSNORM_BYTES : 0;
  const each = facts.sharding.kind === 'megatron' ? MEGATRON_ELEMENTWISE_BYTES : ELEMENTWISE_BYTES + rmsNorm;
  const blocks = each * compiled * widthOf(facts) * tokens * model.hiddenSize * model.layers * again;
  const fused = valueIfKnown(run.fusedLoss) === true || valueIfKnown(run.preference?.fusedLogProbabilities) === true;
  const loss = (fused ? FUSED_LOSS_BYTES : LOSS_BYTES) * tokens * parameters.words;
  const whole = splitsSequence(facts) ? 0 : NOT_SPLIT;
  const onRank = blocks * (whole + (1 - whole) / tensor) + loss / tensor;
  const bytes = ((onRank + adapterBytes(facts)) * accumulation) / pipeline;
  const rate = cluster.accelerator.memoryBytesPerSecond;
  const seconds = bytes / (rate * MEMORY_EFFICIENCY);
  return {
    id: 'compute.elementwise',
    label: 'norms, activations, residuals and loss',
    seconds,
    ...(compiled < 1 && COMPILED_GUESS),
    formula: `${(bytes / 1e9).toFixed(1)} GB ÷ (${formatRate(rate)} × ${MEMORY_EFFICIENCY})`,
    source: 'bytes moved: fitted on llm-foundry scripts/train/benchmarking/README.md',
    group: 'compute',
    cause: 'GPU compute',
    hides: 'never',
  };
}

/** Width of what is moved, in units of 16 bit. */
function widthOf({ run, sharding, compute }: TimeFacts): number {
  if (compute === 'fp32') return SINGLE_WIDTH;
  // FSDP's mixed precision and ZeRO give the blocks 16-bit weights and inputs.
  if (sharding.kind !== 'single' && sharding.kind !== 'ddp') return 1;
  const { mode, weights } = run.precision;
  return valueIfKnown(mode) === 'autocast' && valueIfKnown(weights) === 'fp32' ? AUTOCAST_WIDTH : 1;
}

/** What low-rank adapters move beside the matrices they are on; their parameters over the rank are their inputs and outputs. */
function adapterBytes({ run, parameters, tokens, tensor }: TimeFacts): number {
  const lora = run.lora && valueIfKnown(run.lora);
  const rank = lora && valueIfKnown(lora.rank);
  return rank === undefined || rank <= 0 ? 0 : (ADAPTER_BYTES * tokens * parameters.trainable) / rank / tensor;
}
