import type { Recorded, RecordedBlock, RecordedSetting } from '../../models/recorded';
import type { Facts } from './facts';
import { blockKey, blockSymbols, seesEverySample, sideOf } from './symbols';
import type { SizeOf } from './terms';

/** The source of what blocks, ends and loss heads keep. */
export const RECORDED = 'counted with transformers 5.23 by test/oracle/record_saved.py';

/** A recording that answers for a run. */
export interface Found {
  readonly setting: RecordedSetting;
  /** Put together from other settings, since the run's own was not run. */
  readonly isComposed: boolean;
  /** Attention is a flash kernel although the recording is of eager attention: what it keeps per pair of positions is not kept. */
  readonly withoutPairs: boolean;
}

/** The recording of the run's own way. `index` is the block that asks; its window decides too. */
export function settingFor(facts: Facts, index: number, checkpointing = false): Found | undefined {
  const recorded = facts.model.recorded;
  if (recorded === undefined) return undefined;
  const attention = attentionFor(facts, index, recorded, checkpointing);
  const frozen = facts.lora !== undefined && !facts.savesQuantisedInputs;
  const name = `${attention} ${precisionOf(facts)}${frozen ? ' frozen' : ''}${checkpointing ? ' checkpointing' : ''}`;
  const setting = recorded.setting(name);
  if (setting === undefined) return undefined;
  const withoutPairs = facts.attention === 'flash' && attention === 'eager';
  return { setting, isComposed: !recorded.has(name), withoutPairs };
}

/** `amp` is autocast over fp32 weights, `amp16` over 16-bit ones. */
function precisionOf(facts: Facts): 'bf16' | 'fp32' | 'amp' | 'amp16' {
  if (facts.castsWeights) return 'amp';
  if (facts.computeBytes === 4) return 'fp32';
  return facts.mixed ? 'amp16' : 'bf16';
}

/** A window shorter than the sample needs a mask; in fp32, kernels ask for as many key heads as heads. What a checkpoint keeps is the same for all. */
function attentionFor(facts: Facts, index: number, recorded: Recorded, checkpointing: boolean): string {
  if (!recorded.hasSdpa) return 'eager';
  if (checkpointing) return 'sdpa';
  if (facts.attention === 'eager') return 'eager';
  if (facts.attention === 'flash') return 'sdpa';
  const attention = facts.model.blocks[index]?.attention;
  if (facts.masked) return 'mask';
  if (attention?.window !== undefined && attention.window < facts.sequence) return 'window';
  const isEqual = facts.computeBytes === 4 && attention?.heads === attention?.kvHeads;
  return isEqual && recorded.has('equal fp32') ? 'equal' : 'sdpa';
}

/** The block's part of a recording, or that of the likest block. */
export function recordedBlock(found: Found, facts: Facts, index: number): RecordedBlock | undefined {
  const { blocks } = found.setting;
  const key = blockKey(facts.model, index);
  const attention = facts.model.blocks[index]?.attention;
  const isShared = attention?.kvHeads === 1 && attention.heads > 1;
  return (
    (isShared ? blocks[key.replace('block', 'block mqa')] : undefined) ??
    blocks[key] ??
    blocks[key.replace(' window', '')] ??
    blocks[key.replace('block', 'block window')] ??
    blocks.block ??
    Object.values(blocks)[0]
  );
}

/** What a recording's symbols stand for in this run. Under context parallelism a rank has some tokens of each sample, and pairs follow. */
export function sizesOf(facts: Facts, index: number, withoutPairs = false): SizeOf {
  const { model, tokens, samples, sequence, tensor } = facts;
  const symbols = blockSymbols(model, index, tensor);
  const positions = model.blocks[index]?.positions;
  const fixed = symbols.get('u');
  symbols.set('T', positions === undefined ? tokens : samples * positions);
  symbols.set('b', samples);
  symbols.set('s', withoutPairs ? 0 : (positions ?? sequence));
  if (fixed !== undefined) symbols.set('U', samples * fixed);
  return (symbol) => symbols.get(symbol) ?? (symbol.length > 1 ? sideOf(model, index, symbol) : undefined) ?? 0;
}

/** The same outside the blocks, where recordings name a size by the last kind of block that has it, and `h` is the model's own. */
export function outsideSizes({ model, tokens, samples, sequence, tensor }: Facts, withoutPairs: boolean): SizeOf {
  const symbols = new Map<string, number>();
  const sides: number[] = [];
  for (const [index, block] of model.blocks.entries()) {
    if (!seesEverySample(model, block)) continue;
    for (const [symbol, size] of blockSymbols(model, index, tensor)) symbols.set(symbol, size);
    sides.unshift(index);
  }
  const fixed = symbols.get('u');
  symbols
    .set('h', model.hiddenSize)
    .set('T', tokens)
    .set('b', samples)
    .set('s', withoutPairs ? 0 : sequence);
  if (fixed !== undefined) symbols.set('U', samples * fixed);
  return (symbol) => {
    const size = symbols.get(symbol);
    if (size !== undefined || symbol.length === 1) return size ?? 0;
    for (const index of sides) {
      const side = sideOf(model, index, symbol);
      if (side !== undefined) return side;
    }
    return 0;
  };
}

/** The first block of the model that every sample passes through. */
export function firstBlock({ model }: Facts): number {
  const first = model.blocks.findIndex((block) => seesEverySample(model, block));
  return Math.max(0, first);
}

/** Whether what the run keeps was counted for its own family, in its own way. */
export function isCounted(facts: Facts): boolean {
  const found = settingFor(facts, firstBlock(facts));
  return found !== undefined && facts.model.recorded?.isAssumed === false;
}
