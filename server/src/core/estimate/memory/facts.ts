import type { Model } from '../../models/model';
import { valueIfKnown } from '../../run/known';
import { sizeMisfit } from '../../run/size-misfit';
import type { Consumer, FsdpSharding, Sharding, TrainingRun, ZeroSharding } from '../../run/training-run';
import type { Assumption } from '../estimate';
import { readAdapters } from './adapters';
import { isPadded, readBatch } from './batch';
import { type Counts, countParameters } from './counts';
import { readEvaluation } from './evaluation';
import type { FusedBy } from './fused-head';
import { asTrained } from './head';
import { readImplementation } from './implementation';
import { withKernels } from './kernels';
import type { LoraCounts } from './lora';
import { type MeasuredDriver, measuredDriver } from './measured';
import { type MegatronFacts, megatronFacts } from './megatron';
import { megatronModel } from './megatron-model';
import { readOptimizer } from './optimizer-choice';
import type { OptimizerRecord } from './optimizers';
import { type InputOrigins, inputOrigins } from './origins';
import { readPrecision } from './precision';
import { type PreferenceFacts, readPreferenceFacts } from './preference';
import { readRanks } from './ranks';
import { readReleases } from './releases';
import { type Spread, spreadOver } from './spread';

/** Where an unknown input has to be assumed, the estimate is made for the expected value and for both ends. */
export type Corner = 'expected' | 'low' | 'high';

/** Takes what had to be assumed; `none` where the band does not reach to what it could be instead. */
export type Note = (assumption: Assumption, reach?: 'none') => void;

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
  /** The same on average over dense weights and experts. */
  readonly spread: Spread;
  /** Sets of shards: HSDP's replicas. */
  readonly replicas: number;
  readonly sharding:
    | ZeroSharding
    | FsdpSharding
    | MegatronFacts
    | { readonly kind: 'single' | 'ddp'; readonly bucketView: boolean };
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
  /** Under selective checkpointing, every how many blocks one is recomputed; none where operators are chosen. */
  readonly recomputedEvery: number | undefined;
  /** What autograd keeps and sends to the host until backward. */
  readonly savedOnHost: 'nothing' | 'checkpoints' | 'everything';
  readonly fusedLoss: boolean;
  /** By what, where it is. */
  readonly fusedBy: FusedBy | undefined;
  /** By what, where evaluation makes it in pieces too. */
  readonly evalFusedBy: FusedBy | undefined;
  /** Liger adds each piece of the head's gradient where the gradient is. */
  readonly ligerAddsInPlace: boolean;
  /** Liger's kernels compute the blocks. */
  readonly ligerBlocks: boolean;
  readonly compiled: boolean;
  readonly lora: LoraCounts | undefined;
  readonly trainable: number;
  readonly quantization: 'nf4' | 'fp4' | 'int8' | undefined;
  /** Adapters of quantised weights are bf16: TRL makes them so. */
  readonly halfAdapters: boolean;
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
  /** Weights as they are loaded, a reference model's too; DeepSpeed makes them its own 16-bit type. */
  readonly loadedBytes: 2 | 4;
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
  /** Who reads the files: the Trainer makes two groups of parameters for the optimizer. */
  readonly consumer: Consumer | undefined;
  readonly saves: boolean;
  readonly evaluates: boolean;
  readonly keptBatches: number;
  /** What evaluation generates; undefined where it does not. */
  readonly generated: { readonly length: number; readonly beams: number } | undefined;
  readonly gatheredFrom: number;
  /** Inputs of a group of terms, so that a view can jump to the keys. */
  readonly from: InputOrigins;
}

/** Reads a run into numbers. What is missing and cannot be assumed ends it, with the reason among the assumptions. */
export function readFacts(
  run: TrainingRun,
  corner: Corner,
  note: Note,
  from: InputOrigins = inputOrigins(run),
): Facts | undefined {
  const missing = (what: string, why: string, because: string): undefined => {
    note({ what, value: 'not known', because: `${why}; ${because}` });
    return undefined;
  };
  if (!run.model.known) return missing('model', run.model.why, 'parameters and activations follow from the model');
  if (!run.sharding.known) return missing('sharding', run.sharding.why, 'it decides what each GPU holds');
  if (run.model.value.recorded === undefined)
    return missing('activations', 'no recording was given', 'they follow from it');
  const preference = readPreferenceFacts(run, corner, note);
  const sharding = run.sharding.value;
  const asked = asTrained(run, run.model.value, corner, note);
  const made = sharding.kind === 'megatron' ? megatronModel(asked, corner, note) : asked;
  const model = withKernels(made, corner, note);
  if (sharding.kind === 'zero' && !sharding.stage.known) {
    return missing('ZeRO stage', sharding.stage.why, 'it decides what each GPU holds');
  }
  const isSharded =
    sharding.kind === 'fsdp' ||
    (sharding.kind === 'megatron' && valueIfKnown(sharding.distributedOptimizer) === true) ||
    (sharding.kind === 'zero' && valueIfKnown(sharding.stage) !== 0);
  const misfit = sizeMisfit(run);
  if (misfit) return missing('share of each GPU', misfit.words, 'such a run does not start');
  const ranks = readRanks(run, isSharded);
  if (ranks === undefined) {
    return missing('world size', run.worldSize.known ? 'not known' : run.worldSize.why, 'shards are divided by it');
  }
  const counts = countParameters(model, { ...ranks, vocabulary: ranks.splitsVocabulary ? ranks.tensor : 1 });
  const precision = readPrecision(run, corner, note);
  const batch = withPairs(readBatch(run, corner, note), preference?.sequencesPerSample ?? 1);
  const adapters = readAdapters(run, model, ranks.tensor, corner, note);
  const optimizer = readOptimizer(run, corner, note);
  const masked = batch.samples > 1 && isPadded(run, corner, note);
  const implementation = readImplementation(run, model, preference, corner, note);
  return {
    model,
    counts,
    ...ranks,
    spread: spreadOver(ranks.shards, ranks.expert, counts, adapters.lora !== undefined),
    ...batch,
    tokens: (batch.samples * batch.sequence) / ranks.context,
    evalTokens: (batch.evalSamples * batch.sequence) / ranks.context,
    sharding: shardingFacts(sharding),
    ...precision,
    isBf16: precision.computeBytes === 2 && valueIfKnown(run.precision.compute) !== 'fp16',
    masked,
    ...implementation,
    recomputedEvery: valueIfKnown(run.recomputedEvery),
    savedOnHost: valueIfKnown(run.savedOnHost) ?? 'nothing',
    ...adapters,
    trainable: adapters.lora === undefined ? counts.total : adapters.lora.parameters / ranks.pipeline,
    ...readReleases(run),
    preference,
    loadedBytes: sharding.kind === 'zero' ? precision.computeBytes : loadedBytes(run, corner, precision.computeBytes),
    ...optimizer,
    capacity: run.cluster.known ? run.cluster.value.accelerator.memoryBytes : null,
    expandableSegments: usesExpandableSegments(run),
    driver: measuredDriver(run),
    consumer: valueIfKnown(run.consumer),
    saves: valueIfKnown(run.saves) ?? true,
    evaluates: valueIfKnown(run.evaluation) ?? false,
    ...readEvaluation(run, corner, note),
    from,
  };
}

function shardingFacts(sharding: Sharding): Facts['sharding'] {
  if (sharding.kind === 'zero' || sharding.kind === 'fsdp') return sharding;
  if (sharding.kind === 'megatron') return megatronFacts(sharding);
  return { kind: sharding.kind, bucketView: valueIfKnown(sharding.gradientAsBucketView) ?? false };
}

/** Chosen and rejected answers are rows of one batch. */
function withPairs<T extends Pick<Facts, 'samples' | 'evalSamples'>>(batch: T, sequences: number): T {
  return { ...batch, samples: batch.samples * sequences, evalSamples: batch.evalSamples * sequences };
}

function loadedBytes({ precision: { weights } }: TrainingRun, corner: Corner, computeBytes: 2 | 4): 2 | 4 {
  if (weights.known) return weights.value === 'fp32' ? 4 : 2;
  return corner === 'high' ? 4 : computeBytes;
}

function usesExpandableSegments(run: TrainingRun): boolean {
  for (const name of ['PYTORCH_CUDA_ALLOC_CONF', 'PYTORCH_ALLOC_CONF']) {
    const value = run.environment[name];
    if (value?.known && /expandable_segments:\s*true/i.test(value.value)) return true;
  }
  return false;
}
