import type { RunMeasurement } from '../calibrate/measurement';
import type { Cluster } from '../hardware/hardware';
import type { Model } from '../models/model';
import type { Setting } from '../settings';
import type { Config, DialectId, Path } from '../source';
import type { Known } from './known';
import type { Launch } from './launch';
import type { Storage } from './storage';

/** Who reads the files; severity and what "auto" becomes depend on it. */
export type Consumer = 'deepspeed' | 'accelerate' | 'trainer';

export type OffloadDevice = 'none' | 'cpu' | 'nvme';

/** ZeRO as DeepSpeed runs it. Sizes are numbers of elements, as in the config. */
export interface ZeroSharding {
  readonly kind: 'zero';
  readonly stage: Known<0 | 1 | 2 | 3>;
  readonly offloadOptimizer: Known<OffloadDevice>;
  readonly offloadParam: Known<OffloadDevice>;
  readonly pinMemory: Known<boolean>;
  /** Twin-Flow: share of the optimizer states that is offloaded. */
  readonly offloadRatio: Known<number>;
  /** What the optimizer's step on the CPU runs beside: nothing, the last backward (SuperOffload), or the next steps (ZenFlow). */
  readonly cpuStepBeside?: Known<'nothing' | 'backward' | 'steps'> | undefined;
  readonly overlapComm: Known<boolean>;
  readonly contiguousGradients: Known<boolean>;
  readonly reduceScatter: Known<boolean>;
  readonly roundRobinGradients: Known<boolean>;
  readonly reduceBucketElements: Known<number>;
  readonly allgatherBucketElements: Known<number>;
  readonly prefetchBucketElements: Known<number>;
  readonly persistenceThresholdElements: Known<number>;
  /** Elements that stay gathered at the most; no limit where absent. */
  readonly elementsPersistentAtMost?: Known<number> | undefined;
  readonly maxLiveElements: Known<number>;
  readonly maxReuseDistanceElements: Known<number>;
  readonly subGroupElements: Known<number>;
  /** ZeRO++ secondary partition (ranks); 1 is off. */
  readonly hpzPartitionRanks: Known<number>;
  readonly quantizedWeights: Known<boolean>;
  readonly quantizedGradients: Known<boolean>;
  /** Frozen weights are kept as int8 (`zero_quantized_nontrainable_weights`). */
  readonly quantizedFrozenWeights?: Known<boolean> | undefined;
  /** MiCS shard size (ranks); -1 is off. */
  readonly micsShardRanks: Known<number>;
  /** MiCS gathers between nodes first, and then inside each. */
  readonly micsHierarchicalGather?: Known<boolean> | undefined;
  readonly gatherWeightsOnSave: Known<boolean>;
  /** `data_types.grad_accum_dtype`; the model's dtype when absent. */
  readonly gradAccumDtype: Known<Dtype>;
}

export interface FsdpSharding {
  readonly kind: 'fsdp';
  readonly version: Known<1 | 2>;
  readonly strategy: Known<'FULL_SHARD' | 'SHARD_GRAD_OP' | 'NO_SHARD' | 'HYBRID_SHARD' | 'HYBRID_SHARD_ZERO2'>;
  readonly offloadParams: Known<boolean>;
  readonly wrap: Known<'TRANSFORMER_BASED_WRAP' | 'SIZE_BASED_WRAP' | 'NO_WRAP'>;
  readonly wrapClasses: Known<readonly string[]>;
  readonly backwardPrefetch: Known<'BACKWARD_PRE' | 'BACKWARD_POST' | 'NO_PREFETCH'>;
  readonly forwardPrefetch: Known<boolean>;
  readonly limitAllGathers: Known<boolean>;
  readonly useOrigParams: Known<boolean>;
  readonly cpuRamEfficientLoading: Known<boolean>;
  readonly stateDict: Known<'FULL_STATE_DICT' | 'SHARDED_STATE_DICT' | 'LOCAL_STATE_DICT'>;
  readonly activationCheckpointing: Known<boolean>;
}

/** Replicated weights: one process, or DDP. */
export interface ReplicatedSharding {
  readonly kind: 'single' | 'ddp';
  readonly gradientAsBucketView: Known<boolean>;
}

/** Megatron-LM as Accelerate's plugin sets it up: layers split by tensor and pipeline ranks, states as its optimizer does it. */
export interface MegatronSharding {
  readonly kind: 'megatron';
  /** fp32 weights and moments are spread over the data-parallel ranks. */
  readonly distributedOptimizer: Known<boolean>;
  readonly offloadOptimizer: Known<boolean>;
  /** Norms and residuals are split over the tensor-parallel ranks too. */
  readonly sequenceParallel: Known<boolean>;
  /** Probability of dropout on what attention and MLP add to the stream. */
  readonly dropout: Known<number>;
  /** Learned positions, or rotary ones, which make copies of queries and keys. */
  readonly rotary: Known<boolean>;
  /** Attention is one kernel; else it keeps every pair of positions. */
  readonly fusedAttention: Known<boolean>;
}

export type Sharding = ZeroSharding | FsdpSharding | ReplicatedSharding | MegatronSharding;

export type Dtype = 'fp32' | 'bf16' | 'fp16' | 'fp8' | 'int8' | 'nf4' | 'fp4';

export interface Precision {
  /** What matrix products run in. */
  readonly compute: Known<Dtype>;
  /** What the weights are stored in after loading (before any upcast by FSDP or DeepSpeed). */
  readonly weights: Known<Dtype>;
  /** `autocast`: torch AMP over stored weights; `pure`: weights are in the compute dtype (DeepSpeed bf16/fp16 too). */
  readonly mode: Known<'autocast' | 'pure'>;
}

export interface Optimizer {
  /** TrainingArguments' `optim` name or DeepSpeed's `optimizer.type`, lower case: `adamw_torch`, `adamw`, `adamw_8bit`, … */
  readonly name: Known<string>;
  readonly implementation: Known<'fused' | 'foreach' | 'loop' | 'cpu' | 'paged'>;
  /** What it is given beside its name, by key: `optim_args`, or `optimizer.params` of DeepSpeed. Undefined where nothing is. */
  readonly options?: Known<Readonly<Record<string, string>>> | undefined;
  /** Linear layers whose gradients it projects (`optim_target_modules`): names, `all-linear` or a pattern. */
  readonly targets?: Known<readonly string[] | string> | undefined;
  readonly owner: 'deepspeed' | 'trainer' | 'code';
}

export interface Lora {
  readonly rank: Known<number>;
  readonly targets: Known<readonly string[]>;
  /** Modules trained in full (`modules_to_save`). */
  readonly modulesToSave: Known<readonly string[]>;
  /** Probability of dropout on what the adapters read; each then keeps a copy of its own. */
  readonly dropout?: Known<number>;
  /** DoRA: a trained magnitude for each output, and the adapted weight's norm in every forward. */
  readonly dora?: Known<boolean>;
}

/** What is done to a quantised model between loading and training. */
export interface QuantizedTraining {
  /** Weights that are not quantised are made fp32. */
  readonly restToFp32: Known<boolean>;
  /** Adapters are made bf16; PEFT has them in fp32. */
  readonly halfAdapters: Known<boolean>;
}

export interface Batch {
  /** Samples per GPU and micro-step. */
  readonly micro: Known<number>;
  readonly accumulation: Known<number>;
  /** Samples per optimizer step over all ranks, as written or as the product. */
  readonly global: Known<number>;
  readonly evalMicro: Known<number>;
  /** Tokens the longest sample of a micro-batch has after padding: what memory is computed for. */
  readonly sequenceLength: Known<number>;
  /** Mean tokens a padded sample really has: what time is computed for. Equal to sequenceLength when packed. */
  readonly meanSequenceLength: Known<number>;
  readonly packing: Known<boolean>;
  /** The Trainer lessens the micro-batch where a step runs out of memory (transformers/trainer.py:1570, 5.23.0). */
  readonly shrinks?: boolean;
}

/** What TRL's preference and reward trainers hold beside the model that is trained. */
export interface Preference {
  readonly method: Known<'dpo' | 'kto' | 'grpo' | 'reward'>;
  /** Chosen and rejected answers go through the model in one batch. */
  readonly sequencesPerSample: 1 | 2;
  /** A frozen copy of the model is kept. */
  readonly reference: Known<boolean>;
  /** The reference's log-probabilities were computed before training, so that no step runs it. */
  readonly precomputed?: Known<boolean>;
  /** Log-probabilities are taken chunk by chunk in the head, and the logits of all tokens are never made. */
  readonly fusedLogProbabilities: Known<boolean>;
  /** GRPO alone: what makes the answers. */
  readonly generation?: PreferenceGeneration;
}

export interface PreferenceGeneration {
  /** `colocate`: vLLM on the GPUs that train; `server`: on others. */
  readonly engine: Known<'transformers' | 'colocate' | 'server'>;
  /** Answers that one GPU generates at once. */
  readonly completions: Known<number>;
  readonly completionTokens: Known<number>;
  /** Share of the GPU's memory that a co-located vLLM takes. */
  readonly vllmShare: Known<number>;
  /** vLLM gives its memory back while the model is trained. */
  readonly sleeps: Known<boolean>;
  /** ZeRO-3 gathers the whole model to generate. */
  readonly gathersWhole: Known<boolean>;
}

/** Ranks along each dimension; 1 is off. */
export interface Parallelism {
  readonly tensor: Known<number>;
  readonly pipeline: Known<number>;
  /** Context parallel or Ulysses sequence parallel. */
  readonly context: Known<number>;
  readonly expert: Known<number>;
  /** world ÷ (tensor × pipeline × context): ranks that see different samples. */
  readonly data: Known<number>;
  /** Ranks one set of shards is spread over (HSDP, MiCS: less than `data`). */
  readonly shard: Known<number>;
}

/** A file of the run and why it belongs to it. */
export interface RunFile {
  readonly path: Path;
  readonly dialect: DialectId;
  /** "named by `deepspeed` in train.yaml:12", "the only Accelerate file in this folder". */
  readonly because: string;
  /** Other files that could have been meant; the user can choose with `with` in shardlens.json. */
  readonly alternatives: readonly Path[];
}

/** What evaluation does with the logits it makes. */
export interface KeptLogits {
  /** They are gathered and kept for compute_metrics. */
  readonly kept: Known<boolean>;
  /** Batches after which they go to the host (`eval_accumulation_steps`). */
  readonly movedAfter: Known<number>;
}

/**
 * What a first look at a run shows: its files and who reads them, its model and machine, and how both are shared out. Most rules ask
 * no more, and of the thousands of files that a check meets few need the rest.
 */
export interface RunOutline {
  readonly consumer: Known<Consumer>;
  /** Everyone who could be reading the files: one when {@link consumer} is known, else those that nothing rules out. */
  readonly consumers: readonly Consumer[];
  readonly frameworks: Readonly<Partial<Record<FrameworkName, Known<string>>>>;
  readonly files: readonly RunFile[];
  /** Accelerate files that could each start this run; none is taken, since a wrong one would make every number wrong. */
  readonly undecided?: readonly Path[];
  /** The parsed configs of the run, by dialect; `fsdp` and `deepspeed` may be sections of another file. */
  readonly configs: Readonly<Partial<Record<DialectId, Config>>>;
  readonly model: Known<Model>;
  readonly cluster: Known<Cluster>;
  readonly nodes: Known<number>;
  readonly gpusPerNode: Known<number>;
  readonly worldSize: Known<number>;
  readonly batch: Batch;
  readonly parallelism: Parallelism;
  readonly sharding: Known<Sharding>;
  readonly lora: Known<Lora> | undefined;
  readonly method: Known<'pretrain' | 'sft' | 'dpo' | 'grpo' | 'reward' | 'kto' | 'other'>;
  /**
   * Launch environment that changes paths: NCCL_*, FI_*, OMP_NUM_THREADS, CUDA_VISIBLE_DEVICES and the like; and
   * `vpc.amazonaws.com/efa`, `/dev/shm`, `Efa.Enabled`: what the manifest or the Slurm cluster of the launch says of them.
   */
  readonly environment: Readonly<Record<string, Known<string>>>;
  /** What the manifest or the Slurm cluster of the launch says of the job, by the names of run/manifest-values.ts. */
  readonly job?: Readonly<Record<string, Known<string>>> | undefined;
  /** What lies under `output_dir`, where a file or the path tells. */
  readonly storage?: Known<Storage> | undefined;
  /** The line that starts the run, where a script has it: who launches, and with which flags. */
  readonly launch?: Pick<Launch, 'launcher' | 'flags'> | undefined;
  readonly evaluation: Known<boolean>;
  readonly saves: Known<boolean>;
  /** What shardlens.json keeps as measured, of this run and of others. */
  readonly measured?: readonly RunMeasurement[] | undefined;
  /** Samples of the training set, or rows where they are packed: what an epoch is. */
  readonly datasetSamples?: Known<number> | undefined;
  /** The lines of scripts that start this run; the flags of the first count as the run's. */
  readonly launches?: readonly Launch[] | undefined;
  /** Sources that disagree about one fact; each is a finding. */
  readonly disagreements: readonly Disagreement[];
}

/** What evaluation generates for compute_metrics. */
export interface EvalGeneration {
  /** `predict_with_generate`. */
  readonly asked: Known<boolean>;
  /** Tokens at the most, those of the prompt included where the model has no encoder. */
  readonly length: Known<number>;
  readonly beams: Known<number>;
}

/** What would be launched: the join of every file that describes it. */
export interface TrainingRun extends RunOutline {
  /** Every "auto" of the DeepSpeed config with what it becomes; unknown where nobody fills it or the source is missing. */
  readonly autos: readonly AutoValue[];
  readonly precision: Precision;
  readonly optimizer: Optimizer;
  /** `full`: every block recomputed in backward. */
  readonly checkpointing: Known<'none' | 'full' | 'selective'>;
  /** Of selective recomputation: every how many blocks one is recomputed; undefined where operators are chosen. */
  readonly recomputedEvery?: Known<number> | undefined;
  /** What waits on the host for backward: inputs of recomputed blocks, or all that autograd keeps. */
  readonly savedOnHost?: Known<'nothing' | 'checkpoints' | 'everything'> | undefined;
  /** Recomputing a block ends before its last product, whose result nothing in backward needs. */
  readonly recomputeStopsEarly?: Known<boolean> | undefined;
  /** Gradients are reduced after every micro-batch, not only after the last of a step. */
  readonly syncsEachMicro?: Known<boolean> | undefined;
  readonly attention: Known<'sdpa' | 'eager' | 'flash_attention_2' | 'flash_attention_3' | 'flex_attention'>;
  readonly fusedLoss: Known<boolean>;
  /** Liger's kernels are in place of the model's own, whoever makes the loss. */
  readonly liger?: Known<boolean> | undefined;
  readonly quantization: Known<'nf4' | 'fp4' | 'int8'> | undefined;
  /** Scales of 4-bit weights are quantised too (bitsandbytes' double quantisation). */
  readonly nestedQuantization?: Known<boolean> | undefined;
  /** Of a run whose frozen weights are quantised. */
  readonly quantizedTraining?: QuantizedTraining | undefined;
  /** What an encoder that the script makes ends in. */
  readonly head?: Known<'labels' | 'vocabulary'> | undefined;
  /** Of TRL's DPO, KTO, GRPO and reward trainers. */
  readonly preference?: Preference | undefined;
  readonly torchCompile: Known<boolean>;
  readonly gradientClipping: Known<number>;
  /** Threads each rank gives to CPU-Adam (OMP_NUM_THREADS); torchrun sets 1 when it starts several processes. */
  readonly ompThreads: Known<number>;
  /** Of the Trainer's evaluation; undefined where no arguments are known. */
  readonly evalLogits?: KeptLogits | undefined;
  /** Of Seq2SeqTrainer's evaluation, where it generates. */
  readonly evalGeneration?: EvalGeneration | undefined;
  /** Checkpoints can be resumed from: they hold the optimizer's state (`save_only_model` off). */
  readonly savesOptimizer?: Known<boolean> | undefined;
  /** Processes that load samples beside each rank; with none, the rank loads them itself. */
  readonly loaderWorkers?: Known<number> | undefined;
}

export type FrameworkName = 'transformers' | 'accelerate' | 'deepspeed' | 'trl' | 'torch' | 'peft' | 'bitsandbytes';

/** An "auto" and the value it becomes. */
export interface AutoValue {
  readonly setting: Setting;
  readonly value: Known<unknown>;
  /** Nobody fills this key: the framework raises, drops it, or keeps the text. */
  readonly unfilled: boolean;
}

export interface Disagreement {
  /** As `world size`. */
  readonly fact: string;
  readonly taken: Known<unknown>;
  readonly other: Known<unknown>;
  /** What the other source makes of the run's size, where the two disagree about that. */
  readonly size?: { readonly nodes: number; readonly gpusPerNode: number } | undefined;
}
