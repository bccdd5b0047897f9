import type { Accelerator } from '../../hardware/hardware';

/** How much of its peak a GPU reaches in training, and how many bytes the element-wise kernels move. */
export interface GpuConstants {
  /** Share of the dense peak that large matrix products reach. */
  readonly gemmEfficiency: number;
  /** Share of the dense peak that fused attention reaches. */
  readonly attentionEfficiency: number;
  readonly flashAttention3Efficiency: number;
  /** Bytes per token, hidden unit and block that norms, activations, rotations and residuals move in a forward and backward. */
  readonly elementwiseBytes: number;
  readonly source: string;
  /** Fitted on public runs, or taken over from a neighbour. */
  readonly fitted: boolean;
}

const FIT = 'fitted on the 209 bf16 rows of llm-foundry scripts/train/benchmarking/README.md';

/**
 * Per architecture. Matrix and element-wise constants are fits of the llm-foundry table; attention is a prior for
 * FlashAttention-2 and -3 (its own papers' backward figures; FlashAttention-2 on H100 as measured in arXiv 2407.08608, figures 5 and 6), since that table ran an ALiBi kernel in Triton.
 */
const TABLE: Readonly<Record<string, GpuConstants>> = {
  Ampere: {
    gemmEfficiency: 0.78,
    attentionEfficiency: 0.55,
    flashAttention3Efficiency: 0.55,
    elementwiseBytes: 240,
    source: FIT,
    fitted: true,
  },
  Hopper: {
    gemmEfficiency: 0.65,
    attentionEfficiency: 0.32,
    flashAttention3Efficiency: 0.6,
    elementwiseBytes: 320,
    source: FIT,
    fitted: true,
  },
};

/** Of the measured matrix rate, how much a training run keeps: 0.78 / 0.87 on A100 and 0.65 / 0.80 on H100. */
const KEPT_OF_MEASURED = 0.85;
const UNFITTED_GEMM = 0.6;

/** Share of the HBM data-sheet rate that streaming kernels reach (Calculon a100_80g.json has 0.9). */
export const MEMORY_EFFICIENCY = 0.85;

/** Constants of an accelerator; other architectures than the fitted ones are scaled from their measured matrix rate. */
export function gpuConstants(accelerator: Accelerator): GpuConstants {
  // A Grace Hopper is the chip of a Hopper.
  const fitted = TABLE[accelerator.architecture.replace(/^Grace /, '')];
  const measured = measuredShare(accelerator);
  if (fitted !== undefined && accelerator.vendor === 'NVIDIA') return fitted;
  return {
    gemmEfficiency: measured === undefined ? UNFITTED_GEMM : measured * KEPT_OF_MEASURED,
    attentionEfficiency: 0.4,
    flashAttention3Efficiency: 0.4,
    elementwiseBytes: 280,
    source: 'the mean of what was fitted on A100 and H100 is taken',
    fitted: false,
  };
}

function measuredShare({ measuredBf16Flops, peakFlops }: Accelerator): number | undefined {
  const peak = peakFlops.bf16;
  return measuredBf16Flops === undefined || peak === null ? undefined : measuredBf16Flops / peak;
}
