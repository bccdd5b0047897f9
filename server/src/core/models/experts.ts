import type { Sublayer } from './dimensions';
import { gatedMlp } from './dimensions';
import type { MlpShape } from './model';
import { parameter, type Tensor, under } from './parts';

export interface Experts {
  readonly count: number;
  readonly perToken: number;
  /** Width of one routed expert. */
  readonly width: number;
  /** Submodule of the layer. */
  readonly at?: string;
  /** The router, where it is not the bare weight `gate.weight` [experts, hidden]. */
  readonly router?: readonly Tensor[];
  /** Width of the experts that every token visits, all of them together; 0 or absent: none. */
  readonly sharedWidth?: number;
  readonly sharedAt?: string;
  readonly sharedBias?: boolean;
  /** Further tensors of the module, such as the gate of the shared expert. */
  readonly extra?: readonly Tensor[];
}

/**
 * Routed experts as transformers 5 holds them: all experts of a layer in two tensors, gate and up together
 * (`gate_up_proj` [experts, 2 × width, hidden], `down_proj` [experts, hidden, width]).
 */
export function mixture(hidden: number, experts: Experts): Sublayer<MlpShape> {
  const { count, width } = experts;
  return mixtureOf(hidden, experts, [
    ...parameter('experts.gate_up_proj', [count, 2 * width, hidden], 'expert-stack'),
    ...parameter('experts.down_proj', [count, hidden, width], 'expert-stack'),
  ]);
}

/** As {@link mixture}, with the tensors of the routed experts given. */
export function mixtureOf(hidden: number, experts: Experts, routed: readonly Tensor[]): Sublayer<MlpShape> {
  const { count, perToken, width, at = 'mlp', sharedWidth = 0 } = experts;
  const router = experts.router ?? parameter('gate.weight', [count, hidden]);
  const shared =
    sharedWidth > 0
      ? gatedMlp(hidden, sharedWidth, experts.sharedBias, experts.sharedAt ?? 'shared_experts')
      : undefined;
  return {
    parts: under(at, 'mlp', under('', 'router', [...router]), under('', 'expert', [...routed]), [
      ...(shared?.parts ?? []),
      ...(experts.extra ?? []),
    ]),
    shape: {
      intermediateSize: width,
      gated: true,
      moe: {
        experts: count,
        expertsPerToken: perToken,
        expertIntermediateSize: width,
        sharedIntermediateSize: sharedWidth,
      },
    },
  };
}
