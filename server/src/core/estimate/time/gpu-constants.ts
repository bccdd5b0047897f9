import type { Accelerator } from '../../hardware/hardware';

/** Generations of fused attention: the kernels differ by half in what they reach. */
export type AttentionKernel = 'eager' | 'flash-1' | 'flash-2' | 'flash-3';

/** How much of its peak a GPU reaches in training. */
export interface GpuConstants {
  /** Share of the dense peak that large matrix products reach. */
  readonly gemmEfficiency: number;
  /** Share of the dense peak that attention reaches, by kernel; in separate operators, its two products. */
  readonly attention: Readonly<Record<AttentionKernel, number>>;
  readonly source: string;
  /** Fitted on public runs of this chip; taken over, where steps of its generation were published or were not. */
  readonly evidence: 'fitted' | 'generation' | 'none';
}

const FIT = 'fitted on half of the bf16 rows of llm-foundry scripts/train/benchmarking/README.md';

/** Per chip, share of the peak in matrix products. */
const GEMM: readonly (readonly [chip: RegExp, share: number])[] = [
  [/^nvidia-a(100|800)-/, 0.828],
  [/^nvidia-(h100|h200|h800|gh200)-/, 0.679],
];

/**
 * Per architecture, share of the peak in attention, forward and backward together, causal, heads of 128. The first FlashAttention is a
 * fit of the llm-foundry table, which ran it; the later ones are of their own papers (FlashAttention-2, arXiv 2307.08691, figure 4;
 * FlashAttention-3, arXiv 2407.08608, figures 5 and 6, which have FlashAttention-2 on H100 as well).
 */
const ATTENTION: Readonly<Record<string, GpuConstants['attention']>> = {
  Ampere: { eager: 0.55, 'flash-1': 0.315, 'flash-2': 0.55, 'flash-3': 0.55 },
  Hopper: { eager: 0.35, 'flash-1': 0.181, 'flash-2': 0.32, 'flash-3': 0.6 },
};

/** Generations of which the accuracy benchmark has steps: V100, A100, L40S, H100. */
const WITH_STEPS = new Set(['Volta', 'Ampere', 'Ada Lovelace', 'Hopper']);

/** Of the measured matrix rate, how much a training run keeps: 0.828 / 0.87 on A100 and 0.679 / 0.80 on H100. */
const KEPT_OF_MEASURED = 0.85;
const UNFITTED_GEMM = 0.6;
const OTHER_ATTENTION = { eager: 0.4, 'flash-1': 0.25, 'flash-2': 0.4, 'flash-3': 0.4 } as const;

/** Share of the HBM data-sheet rate that streaming kernels reach (Calculon a100_80g.json has 0.9). */
export const MEMORY_EFFICIENCY = 0.85;

/** Constants of an accelerator; chips without fitted ones are scaled from their measured matrix rate. */
export function gpuConstants(accelerator: Accelerator): GpuConstants {
  const { id, architecture } = accelerator;
  // A Grace Hopper is the chip of a Hopper.
  const generation = architecture.replace(/^Grace /, '');
  const attention = ATTENTION[generation] ?? OTHER_ATTENTION;
  const fitted = GEMM.find(([chip]) => chip.test(id))?.[1];
  if (fitted !== undefined) return { gemmEfficiency: fitted, attention, source: FIT, evidence: 'fitted' };
  const measured = measuredShare(accelerator);
  return {
    gemmEfficiency: measured === undefined ? UNFITTED_GEMM : measured * KEPT_OF_MEASURED,
    attention,
    source: 'what was fitted on A100 and H100 is taken over',
    evidence: WITH_STEPS.has(generation) ? 'generation' : 'none',
  };
}

function measuredShare({ measuredBf16Flops, peakFlops }: Accelerator): number | undefined {
  const peak = peakFlops.bf16;
  return measuredBf16Flops === undefined || peak === null ? undefined : measuredBf16Flops / peak;
}
