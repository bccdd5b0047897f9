import type { Facts } from './facts';

/** Families whose blocks Liger's kernels replace, of those with RMSNorm and a gated MLP (liger_kernel/transformers/monkey_patch.py, 0.8.5). */
const PATCHED: ReadonlySet<string> = new Set(
  'llama mistral ministral qwen2 qwen3 phi3 olmo2 olmo3 granite smollm3 glm4 hunyuan_v1_dense'.split(' '),
);

/**
 * What a block keeps less with Liger's kernels: its norm keeps its input and 1 ÷ RMS, where transformers keeps an fp32 copy and the
 * normalised input too; its product of gate and up does not keep the activated gate. ops/rms_norm.py:674 and ops/swiglu.py:272
 * (0.8.5), estimation §3.3: 16h → 8h and 8I → 6I bytes a token. The kernels run on no fake tensor, so nothing was counted.
 */
export function ligerSpares(facts: Facts, index: number): number {
  const { ligerBlocks, model, computeBytes, tokens, tensor, lora, castsWeights } = facts;
  const block = model.blocks[index];
  if (!ligerBlocks || !PATCHED.has(model.modelType) || block?.tower !== 'text') return 0;
  const products = block.mlp?.gated === true && block.mlp.moe === undefined ? block.mlp.intermediateSize / tensor : 0;
  return (
    tokens *
    (2 * normSpares({ computeBytes, castsWeights, frozen: lora !== undefined }) * model.hiddenSize +
      computeBytes * products)
  );
}

/** Bytes that one norm keeps less for an element: of 4 + 2 + 2 where its weight is trained, of 4 where it is frozen. */
function normSpares(of: {
  readonly computeBytes: 2 | 4;
  readonly castsWeights: boolean;
  readonly frozen: boolean;
}): number {
  if (of.computeBytes === 4 || of.castsWeights) return of.frozen ? 0 : 4;
  return of.frozen ? 2 : 4;
}
