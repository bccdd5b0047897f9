/**
 * What autograd keeps of a family's models: counted by running its transformers class (test/oracle/record_saved.py), and written
 * in terms of the model's sizes, such as `16Th + 4Tnd`. `core/estimate/memory/terms.ts` says what the letters mean.
 */
export interface Recorded {
  /** The family that was run. */
  readonly family: string;
  /** The model's own family was not run, and is taken to be alike. */
  readonly isAssumed: boolean;
  /** Why it was not run, where it cannot be. */
  readonly why?: string | undefined;
  /** Packages whose kernels ran, where the class takes some: `mamba-ssm and causal-conv1d`. */
  readonly kernels?: string | undefined;
  /** As the class runs without those packages, where it was recorded too. */
  readonly plain?: Recorded | undefined;
  /** Whether the class has a fused attention. */
  readonly hasSdpa: boolean;
  /** Whether the setting was run; {@link setting} may also put it together from others. */
  has(name: string): boolean;
  /** By attention, precision and what is frozen or checkpointed: `sdpa bf16 frozen`. */
  setting(name: string): RecordedSetting | undefined;
}

/** One way of running a family. Terms are bytes. */
export interface RecordedSetting {
  /** Bytes per token and vocabulary entry: while the loss is made, at most in backward, and when the head's weight has its gradient. */
  readonly head: readonly [forward: number, backward: number, weight: number];
  /** Kept outside the blocks: embedding, last norm, rotary tables, ids. */
  readonly ends: string;
  /** 16-bit copies of weights outside the blocks. */
  readonly casts: string;
  /** By {@link blockKey}. */
  readonly blocks: Readonly<Record<string, RecordedBlock>>;
}

/** One block. Under checkpointing `saved` is what is kept instead of the block's activations. */
export interface RecordedBlock {
  readonly saved: string;
  /** 16-bit copies of its weights, which autocast makes. */
  readonly casts: string;
  /** Alive beside all that is saved while its backward runs, at the moments that can be the largest. */
  readonly working: readonly string[];
}
