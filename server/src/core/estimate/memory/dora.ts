import type { Facts } from './facts';

/** What DoRA's layers keep and make beside LoRA's: peft src/peft/tuners/lora/dora.py (0.21.2), counted by record_adapters.py. */
export interface DoraBytes {
  readonly saved: number;
  /** Beside what else a layer's backward makes. */
  readonly backward: number;
  /** While a layer runs forward, or is recomputed: the adapted weight, its norm's operands and the identity that adapters are applied to. */
  readonly forward: number;
}

const NONE: DoraBytes = { saved: 0, backward: 0, forward: 0 };

/**
 * The magnitude scales what base layer and adapter give, so that both results are kept. With dropout the base result is made
 * again from what was dropped out, in the adapters' type: where the weight has another type, or is quantised, its copy is kept too.
 */
export function doraBytes(facts: Facts, index: number, width: number): DoraBytes {
  const adapted = facts.lora?.perBlock[index];
  if (facts.lora?.isDora !== true || adapted === undefined) return NONE;
  const { tokens, tensor, computeBytes } = facts;
  const { dropsOut } = facts.lora;
  const results = tokens * adapted.outputs * (width + (dropsOut ? width : computeBytes));
  const isCopied = width !== facts.weightBytes || facts.quantization !== undefined;
  const copies = dropsOut && isCopied ? width * adapted.adapted : 0;
  const forward = width * ((isCopied && !dropsOut ? 4 : 3) * adapted.largest + adapted.identity);
  const backward = (dropsOut ? 2 : 1) * width * tokens * adapted.widest;
  return { saved: (results + copies) / tensor, backward: backward / tensor, forward: forward / tensor };
}
