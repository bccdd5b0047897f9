import type { Facts } from './facts';

/** Positions of the first convolution over the wave for one of the encoder: strides of 2 six times (conv_stride, configuration_wav2vec2.py). */
const FIRST_POSITIONS = 64;
/** Of each element: what convolution, norm and activation read, and the gradient that comes back. */
const TENSORS = 4;

/**
 * Under checkpointing the convolutions over a wave are checkpointed too, one by one (Wav2Vec2LayerNormConvLayer is a GradientCheckpointingLayer,
 * transformers 5.23 modeling_wav2vec2.py). The first has most positions, and its backward comes last. Counted by record_architectures.py.
 */
export function waveBackward({ model, checkpointing, tokens, computeBytes }: Facts): number {
  if (checkpointing !== 'full') return 0;
  const widths = model.groups
    .filter(({ name }) => name.endsWith('conv_layers.*.conv.weight'))
    .map(({ shape }) => shape[0] ?? 0);
  return widths.length === 0 ? 0 : TENSORS * computeBytes * FIRST_POSITIONS * tokens * (widths[0] ?? 0);
}
