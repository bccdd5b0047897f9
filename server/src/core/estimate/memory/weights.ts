import { formatParameters } from '../../text/format';
import type { Facts } from './facts';
import type { Part } from './part';

/** Bits of a quantised weight with its scales: NF4 with blocks of 64 and fp32 scales; LLM.int8 with one scale a row. */
const QUANTISED_BITS = { nf4: 4.5, fp4: 4.5, int8: 8 } as const;

/** The stored weights of one rank, adapters included. */
export function weightParts(facts: Facts, shards: number): Part[] {
  const { counts, quantization, lora, weightBytes } = facts;
  const parts: Part[] = [];
  const over = shards > 1 ? ` ÷ ${shards} ranks` : '';
  const quantised = quantization === undefined ? 0 : counts.quantisable;
  const plain = counts.total - quantised;
  parts.push({
    id: 'parameters.weights',
    group: 'parameters',
    bytes: (weightBytes * plain) / shards,
    label: () => `weights, ${dtypeName(weightBytes)}${shards > 1 ? `, sharded over ${shards} ranks` : ''}`,
    formula: () => `${weightBytes} B × ${formatParameters(plain)} parameters${over}`,
    source: 'model architecture',
    from: facts.from.model,
  });
  if (quantization !== undefined && quantised > 0) {
    const bits = QUANTISED_BITS[quantization];
    parts.push({
      id: 'parameters.quantised',
      group: 'parameters',
      bytes: (bits / 8) * (quantised / shards),
      label: () => `linear weights of the blocks, ${quantization}`,
      formula: () => `${bits / 8} B × ${formatParameters(quantised)} parameters${over}`,
      source: 'QLoRA, arXiv 2305.14314; bitsandbytes Params4bit, blocks of 64',
      from: facts.from.model,
    });
  }
  if (lora !== undefined) {
    const bytes = trainedBytes(facts);
    parts.push({
      id: 'parameters.adapters',
      group: 'parameters',
      bytes: (bytes * facts.trainable) / shards,
      label: () => `LoRA adapters of rank ${lora.rank}, ${dtypeName(bytes)}`,
      formula: () => `${bytes} B × ${formatParameters(facts.trainable)} parameters${over}`,
      source: 'peft src/peft/tuners/lora (autocast_adapter_dtype)',
      from: facts.from.model,
    });
  }
  return parts;
}

/** Adapters are kept in fp32 by PEFT (autocast_adapter_dtype) unless DeepSpeed casts the whole model. */
export function trainedBytes(facts: Facts): 2 | 4 {
  return facts.lora !== undefined && facts.sharding.kind !== 'zero' ? 4 : facts.weightBytes;
}

/** A dtype by its width in bytes, as formulas show it. */
export function dtypeName(bytes: number): string {
  return bytes === 4 ? 'fp32' : bytes === 2 ? '16-bit' : `${bytes * 8}-bit`;
}
