import type { Model } from '../../models/model';
import { type Known, valueIfKnown } from '../../run/known';
import { isOlder } from '../../run/sources';
import type { FsdpSharding, TrainingRun, ZeroSharding } from '../../run/training-run';
import type { Assumption } from '../estimate';
import { isPadded, readBatch } from './batch';
import { type Counts, countParameters } from './counts';
import { countLora, type LoraCounts } from './lora';
import { type MeasuredDriver, measuredDriver } from './measured';
import { type OptimizerRecord, optimizerRecord } from './optimizers';
import { type InputOrigins, inputOrigins } from './origins';
import { readPrecision } from './precision';
import { asRewardModel, type PreferenceFacts, readPreferenceFacts } from './preference';

/** Where an unknown input has to be assumed, the estimate is made for the expected value and for both ends. */
export type Corner = 'expected' | 'low' | 'high';

/** Who computes attention: torch's scaled_dot_product_attention, which picks a kernel, a flash-attention library, or Python. */
export type AttentionChoice = 'sdpa' | 'flash' | 'eager';

/** The run in plain numbers, as the formulas need them. Bytes are per element. */
export interface Facts {
  readonly model: Model;
  readonly counts: Counts;
  readonly samples: number;
  readonly sequence: number;
  /** Tokens per micro-step on one rank: samples × sequence ÷ context-parallel ranks. */
  readonly tokens: number;
  readonly accumulation: number;
  readonly evalTokens: number;
  readonly evalSamples: number;
  readonly tensor: number;
  readonly pipeline: number;
  readonly context: number;
  readonly expert: number;
  /** Ranks one set of shards is spread over. */
  readonly shards: number;
  /** Sets of shards: HSDP's replicas. */
  readonly replicas: number;
  readonly sharding: ZeroSharding | FsdpSharding | { readonly kind: 'single' | 'ddp'; readonly bucketView: boolean };
  /** Stored weights on the device, before any quantisation. */
  readonly weightBytes: 2 | 4;
  /** What matrix products run in. */
  readonly computeBytes: 2 | 4;
  /** The 16-bit type of the products is bf16: DeepSpeed has an optimizer of its own for it. */
  readonly isBf16: boolean;
  /** The residual stream between blocks. */
  readonly streamBytes: 2 | 4;
  /** torch autocast over fp32 weights: every weight is copied once to 16 bits and every linear casts its input. */
  readonly castsWeights: boolean;
  readonly mixed: boolean;
  readonly attention: AttentionChoice;
  /** A mask is materialised because samples are padded. */
  readonly masked: boolean;
  readonly checkpointing: 'none' | 'full' | 'selective';
  readonly fusedLoss: boolean;
  /** The loss is made in chunks in evaluation too. */
  readonly fusedEvalLoss: boolean;
  readonly compiled: boolean;
  readonly lora: LoraCounts | undefined;
  readonly trainable: number;
  readonly quantization: 'nf4' | 'fp4' | 'int8' | undefined;
  /** The scales of 4-bit weights are quantised too. */
  readonly nested: boolean;
  /** Quantised products keep their input: bitsandbytes before 0.43.2 (9e753741). */
  readonly savesQuantisedInputs: boolean;
  /** Every CUDA kernel is loaded at start: torch before 1.13, which first set CUDA_MODULE_LOADING=LAZY. */
  readonly loadsAllKernels: boolean;
  /** Gradients are zeroed, not freed, after a step: torch before 2.0 (Module.zero_grad). */
  readonly zeroesGradients: boolean;
  /** DeepSpeed reduces gradients in the type of the weights: since 0.9.2 (d56268f37). */
  readonly reducesInOwnType: boolean;
  /** TRL's preference and reward trainers. */
  readonly preference: PreferenceFacts | undefined;
  /** A reference model's weights: in the type they are loaded in, which DeepSpeed makes its own 16-bit one. */
  readonly referenceBytes: 2 | 4;
  /**
   * Tensor-parallel ranks also split the embedding, and take the loss of their part of the vocabulary: Megatron's code. With
   * transformers' plans and DeepSpeed's AutoTP each rank has the whole embedding, and gathers the logits of all.
   */
  readonly splitsVocabulary: boolean;
  readonly optimizer: OptimizerRecord;
  readonly optimizerName: string;
  readonly step: 'foreach' | 'fused' | 'loop' | 'cpu';
  readonly gpusPerNode: number | undefined;
  readonly nodes: number | undefined;
  readonly capacity: number | null;
  readonly expandableSegments: boolean;
  /** What the driver adds to the allocator's reserved memory, where a run on this machine showed it. */
  readonly driver: MeasuredDriver | undefined;
  readonly saves: boolean;
  readonly evaluates: boolean;
  /** Inputs of a group of terms, so that a view can jump to the keys. */
  readonly from: InputOrigins;
}

/** Reads a run into numbers. What is missing and cannot be assumed ends it, with the reason among the assumptions. */
export function readFacts(run: TrainingRun, corner: Corner, note: (assumption: Assumption) => void): Facts | undefined {
  if (!run.model.known)
    return missing('model', run.model.why, 'parameters and activations follow from the model', note);
  if (!run.sharding.known) return missing('sharding', run.sharding.why, 'it decides what each GPU holds', note);
  if (run.model.value.recorded === undefined)
    return missing('activations', 'no recording was given', 'they follow from it', note);
  const preference = readPreferenceFacts(run, corner, note);
  const model = preference?.method === 'reward' ? asRewardModel(run.model.value) : run.model.value;
  const sharding = run.sharding.value;
  const tensor = ranks(run.parallelism.tensor);
  const pipeline = ranks(run.parallelism.pipeline);
  const context = ranks(run.parallelism.context);
  const expert = ranks(run.parallelism.expert);
  if (sharding.kind === 'zero' && !sharding.stage.known) {
    return missing('ZeRO stage', sharding.stage.why, 'it decides what each GPU holds', note);
  }
  const stage = sharding.kind === 'zero' ? valueIfKnown(sharding.stage) : undefined;
  const isSharded = sharding.kind === 'fsdp' || (sharding.kind === 'zero' && stage !== 0);
  const shards = isSharded ? shardRanks(run) : 1;
  if (shards === undefined) {
    return missing(
      'world size',
      run.worldSize.known ? 'not known' : run.worldSize.why,
      'shards are divided by it',
      note,
    );
  }
  const splitsVocabulary = isMegatronStyle(run);
  const counts = countParameters(model, { tensor, pipeline, expert, vocabulary: splitsVocabulary ? tensor : 1 });
  const precision = readPrecision(run, corner, note);
  const batch = withPairs(readBatch(run, corner, note), preference?.sequencesPerSample ?? 1);
  noteLora(run, model, note);
  const lora = run.lora?.known ? countLora(model, run.lora.value, tensor) : undefined;
  const name = valueIfKnown(run.optimizer.name) ?? 'adamw_torch';
  const record = optimizerRecord(name);
  if (record === undefined) {
    note({
      what: 'optimizer state',
      value: '8 B per parameter',
      because: `the optimizer ${name} is not one Shardlens knows; Adam's two fp32 moments are assumed`,
    });
  } else if (!run.optimizer.name.known) {
    note({ what: 'optimizer', value: 'AdamW', because: run.optimizer.name.why });
  }
  const optimizer = record ?? { fp32: 8, half: 8, label: 'optimizer state' };
  const masked = batch.samples > 1 && isPadded(run, corner, note);
  return {
    model,
    counts,
    ...batch,
    tokens: (batch.samples * batch.sequence) / context,
    evalTokens: (batch.evalSamples * batch.sequence) / context,
    tensor,
    pipeline,
    context,
    expert,
    shards,
    replicas: sharding.kind === 'fsdp' ? Math.max(1, (valueIfKnown(run.parallelism.data) ?? shards) / shards) : 1,
    sharding:
      sharding.kind === 'zero' || sharding.kind === 'fsdp'
        ? sharding
        : { kind: sharding.kind, bucketView: valueIfKnown(sharding.gradientAsBucketView) ?? false },
    ...precision,
    isBf16: precision.computeBytes === 2 && valueIfKnown(run.precision.compute) !== 'fp16',
    attention: attentionChoice(run, model),
    masked,
    checkpointing: readCheckpointing(run, corner, note),
    fusedLoss:
      preference === undefined
        ? readFusedLoss(run, corner, note)
        : preference.fused || valueIfKnown(run.fusedLoss) === true,
    fusedEvalLoss: preference?.fused === true || isChunkedLoss(run),
    compiled: valueIfKnown(run.torchCompile) ?? false,
    lora,
    trainable: lora === undefined ? counts.total : lora.parameters / pipeline,
    quantization: valueIfKnown(run.quantization),
    nested: valueIfKnown(run.nestedQuantization) ?? false,
    savesQuantisedInputs: run.quantization !== undefined && isOlder(run.frameworks.bitsandbytes, '0.43.2'),
    loadsAllKernels: isOlder(run.frameworks.torch, '1.13'),
    zeroesGradients: sharding.kind !== 'zero' && isOlder(run.frameworks.torch, '2.0'),
    preference,
    referenceBytes: sharding.kind === 'zero' ? precision.computeBytes : loadedBytes(run, precision.computeBytes),
    splitsVocabulary,
    reducesInOwnType: !isOlder(run.frameworks.deepspeed, '0.9.2'),
    optimizer,
    optimizerName: name,
    step: stepImplementation(run, optimizer),
    gpusPerNode: valueIfKnown(run.gpusPerNode),
    nodes: valueIfKnown(run.nodes),
    capacity: run.cluster.known ? run.cluster.value.accelerator.memoryBytes : null,
    expandableSegments: usesExpandableSegments(run),
    driver: measuredDriver(run),
    saves: valueIfKnown(run.saves) ?? true,
    evaluates: valueIfKnown(run.evaluation) ?? false,
    from: inputOrigins(run),
  };
}

/** Stages of a pipeline are the user's own layers: Megatron's, as a rule; transformers has none that DeepSpeed could cut. */
function isMegatronStyle({ parallelism: { pipeline } }: TrainingRun): boolean {
  return pipeline.known && (pipeline.value > 1 || pipeline.origin.kind === 'file');
}

/** Chosen and rejected answers are rows of one batch. */
function withPairs<T extends Pick<Facts, 'samples' | 'evalSamples'>>(batch: T, sequences: number): T {
  return { ...batch, samples: batch.samples * sequences, evalSamples: batch.evalSamples * sequences };
}

function loadedBytes(run: TrainingRun, computeBytes: 2 | 4): 2 | 4 {
  const { weights } = run.precision;
  return weights.known ? (weights.value === 'fp32' ? 4 : 2) : computeBytes;
}

function missing(what: string, why: string, because: string, note: (assumption: Assumption) => void): undefined {
  note({ what, value: 'not known', because: `${why}; ${because}` });
  return undefined;
}

/** What PEFT fills in, or the model's family. */
function noteLora(run: TrainingRun, model: Model, note: (assumption: Assumption) => void): void {
  if (run.lora === undefined) return;
  if (!run.lora.known) {
    note({ what: 'LoRA', value: 'none: all parameters are trained', because: run.lora.why });
    return;
  }
  const { rank, targets } = run.lora.value;
  if (!rank.known) note({ what: 'LoRA rank', value: "8, PEFT's default", because: rank.why });
  if (!targets.known) {
    const value = model.loraTargets?.join(', ') ?? 'q_proj, v_proj';
    note({ what: 'LoRA targets', value, because: `${targets.why}; PEFT takes them by model family` });
  }
}

function ranks(value: Known<number>): number {
  return value.known && value.value >= 1 ? value.value : 1;
}

/** Shards are spread over `shard`, else over all data-parallel ranks, else over the world that model parallelism leaves. */
function shardRanks(run: TrainingRun): number | undefined {
  const { shard, data, tensor, pipeline, context } = run.parallelism;
  const written = valueIfKnown(shard) ?? valueIfKnown(data);
  if (written !== undefined) return Math.max(1, written);
  const world = valueIfKnown(run.worldSize);
  return world === undefined ? undefined : Math.max(1, world / (ranks(tensor) * ranks(pipeline) * ranks(context)));
}

/** Off is the default of every framework here; where code may turn it on, the band reaches down to it. */
function readCheckpointing(
  run: TrainingRun,
  corner: Corner,
  note: (assumption: Assumption) => void,
): Facts['checkpointing'] {
  if (run.checkpointing.known) return run.checkpointing.value;
  note({
    what: 'activation checkpointing',
    value: 'none',
    because: `${run.checkpointing.why}; the band reaches to full checkpointing`,
  });
  return corner === 'low' ? 'full' : 'none';
}

/** All logits is what old releases and plain trainers make; where the release decides and is not known, the band reaches down to chunks. */
function readFusedLoss({ fusedLoss }: TrainingRun, corner: Corner, note: (assumption: Assumption) => void): boolean {
  if (fusedLoss.known) return fusedLoss.value;
  note({
    what: 'how the loss is made',
    value: 'from all logits',
    because: `${fusedLoss.why}; the band reaches down to chunks`,
  });
  return corner === 'low';
}

/** What the run asks for; a family without scaled_dot_product_attention runs eager instead. */
function attentionChoice(run: TrainingRun, model: Model): AttentionChoice {
  const chosen = valueIfKnown(run.attention) ?? 'sdpa';
  if (chosen === 'eager' || (chosen === 'sdpa' && model.recorded?.hasSdpa === false)) return 'eager';
  return chosen === 'sdpa' ? 'sdpa' : 'flash';
}

function stepImplementation(run: TrainingRun, record: OptimizerRecord): Facts['step'] {
  const written = valueIfKnown(run.optimizer.implementation);
  if (written === 'paged') return 'loop';
  return written ?? record.step ?? 'foreach';
}

function usesExpandableSegments(run: TrainingRun): boolean {
  for (const name of ['PYTORCH_CUDA_ALLOC_CONF', 'PYTORCH_ALLOC_CONF']) {
    const value = run.environment[name];
    if (value?.known && /expandable_segments:\s*true/i.test(value.value)) return true;
  }
  return false;
}

/**
 * TRL's chunked loss replaces the model's forward pass, in evaluation too. Liger's makes all logits there: `skip_logits` is
 * `self.training` unless a caller says otherwise (liger_kernel/transformers/model/llama.py, lce_forward, 0.6).
 */
function isChunkedLoss({ fusedLoss }: TrainingRun): boolean {
  if (!fusedLoss.known || !fusedLoss.value) return false;
  const { origin } = fusedLoss;
  return origin.kind === 'default' || (origin.kind === 'file' && origin.key.endsWith('loss_type'));
}
