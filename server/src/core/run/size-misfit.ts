import type { RunOutline } from './training-run';

/** Sizes that do not go into one another, so that the run cannot start. */
export interface SizeMisfit {
  readonly of: 'processes' | 'heads' | 'layers';
  /** A clause: `tp 3 × pp 2 do not divide 8 processes`. */
  readonly words: string;
}

/**
 * Why the ranks of a run cannot be laid out: what splits the model must divide the processes, and under Megatron tensor ranks the
 * attention heads and pipeline stages the layers. Source: megatron/core/parallel_state.py:740,
 * transformer/transformer_config.py:924 and transformer/transformer_block.py:155 (0.16.1).
 */
export function sizeMisfit({ parallelism, worldSize, sharding, model }: RunOutline): SizeMisfit | undefined {
  const { tensor, pipeline, context } = parallelism;
  if (!tensor.known || !pipeline.known || !context.known) return undefined;
  const ranks = tensor.value * pipeline.value * context.value;
  if (worldSize.known && worldSize.value % ranks !== 0) {
    const sizes = { tp: tensor.value, pp: pipeline.value, cp: context.value };
    const parts = Object.entries(sizes).flatMap(([name, size]) => (size > 1 ? [`${name} ${size}`] : []));
    const product = parts.length > 1 ? `${parts.join(' × ')} = ${ranks}` : parts.join('');
    return { of: 'processes', words: `${product} does not divide ${worldSize.value} processes` };
  }
  if (!model.known || !sharding.known || sharding.value.kind !== 'megatron') return undefined;
  const { blocks, layers, name } = model.value;
  const odd = blocks.find(({ attention }) => attention && attention.heads % tensor.value !== 0)?.attention;
  if (odd)
    return { of: 'heads', words: `tp ${tensor.value} does not divide the ${odd.heads} attention heads of ${name}` };
  if (layers % pipeline.value !== 0)
    return { of: 'layers', words: `pp ${pipeline.value} does not divide the ${layers} layers of ${name}` };
  return undefined;
}
