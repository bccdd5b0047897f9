import { valueIfKnown } from '../../run/known';
import { formatParameters } from '../../text/format';
import type { Facts } from './facts';
import type { Part } from './part';
import { rankWords } from './spread';

/**
 * Bits of a quantised weight with its scales: 4 bits in blocks of 64 with an fp32 scale, or with an 8-bit one in blocks of 256
 * (double quantisation); LLM.int8 with one scale a row.
 */
function quantisedBits(quantization: NonNullable<Facts['quantization']>, nested: boolean): number {
  if (quantization === 'int8') return 8;
  return nested ? 4 + 8 / 64 + 32 / (64 * 256) : 4 + 32 / 64;
}

/** The stored weights of one rank, adapters included. */
export function weightParts(facts: Facts, shards: number): Part[] {
  const { counts, quantization, nested, lora, weightBytes } = facts;
  const parts: Part[] = [];
  const over = shards > 1 ? ` ÷ ${rankWords(shards)}` : '';
  const quantised = quantization === undefined ? 0 : counts.quantisable;
  const plain = counts.total - quantised;
  const width = keepsInt8(facts) ? 1 : weightBytes;
  parts.push({
    id: 'parameters.weights',
    group: 'parameters',
    bytes: (width * plain) / shards,
    label: () => `weights, ${dtypeName(width)}${shards > 1 ? `, sharded over ${rankWords(shards)}` : ''}`,
    formula: () => `${width} B × ${formatParameters(plain)} parameters${over}`,
    source: 'model architecture',
    from: facts.from.weights,
  });
  if (quantization !== undefined && quantised > 0) {
    const bits = quantisedBits(quantization, nested);
    parts.push({
      id: 'parameters.quantised',
      group: 'parameters',
      bytes: (bits / 8) * (quantised / shards),
      label: () => `linear weights of the blocks, ${quantization}`,
      formula: () => `${Math.round((bits / 8) * 1000) / 1000} B × ${formatParameters(quantised)} parameters${over}`,
      source: 'QLoRA, arXiv 2305.14314; bitsandbytes Params4bit, blocks of 64',
      from: facts.from.quantised,
    });
  }
  if (lora !== undefined) {
    const bytes = trainedBytes(facts);
    parts.push({
      id: 'parameters.adapters',
      group: 'parameters',
      bytes: (bytes * facts.trainable) / shards,
      label: () => `${lora.isDora ? 'DoRA' : 'LoRA'} adapters of rank ${lora.rank}, ${dtypeName(bytes)}`,
      formula: () => `${bytes} B × ${formatParameters(facts.trainable)} parameters${over}`,
      source: facts.halfAdapters
        ? 'trl trl/trainer/sft_trainer.py:908 (1.16.0)'
        : 'peft src/peft/tuners/lora (autocast_adapter_dtype)',
      from: facts.from.adapters,
    });
  }
  return parts;
}

/** ZeRO++ keeps shards of frozen weights as int8, one scale for some 8,000: partition_parameters.py:867 (0.19.8), CUDAQuantizer. */
function keepsInt8({ sharding, lora }: Facts): boolean {
  const isStage3 = sharding.kind === 'zero' && valueIfKnown(sharding.stage) === 3;
  return isStage3 && lora !== undefined && valueIfKnown(sharding.quantizedFrozenWeights) === true;
}

/** Adapters are kept in fp32 by PEFT (autocast_adapter_dtype) unless TRL makes them bf16, or DeepSpeed casts the whole model. */
export function trainedBytes(facts: Facts): 2 | 4 {
  if (facts.lora === undefined || facts.sharding.kind === 'zero') return facts.weightBytes;
  return facts.halfAdapters ? 2 : 4;
}

/** A dtype by its width in bytes, as formulas show it. */
export function dtypeName(bytes: number): string {
  return bytes === 4 ? 'fp32' : bytes === 2 ? '16-bit' : `${bytes * 8}-bit`;
}
