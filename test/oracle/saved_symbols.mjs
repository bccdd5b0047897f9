// What the product knows of each block of a model, as numbers by symbol: the terms in which record_saved.py writes what it counts.
//
//   node saved_symbols.mjs < CONFIGS.jsonl
//
// One config a line, one answer a line.
import { createInterface } from 'node:readline';
import { loadSource } from '../../scripts/load-source.mjs';

const { describeModel, blockSymbols, blockKey, tensorName, outsideName, seesEverySample } = await loadSource(
  ['server/src/core/models/describe', 'server/src/core/estimate/memory/symbols'],
  { generate: false },
);

for await (const line of createInterface({ input: process.stdin })) {
  const { config, architecture } = JSON.parse(line);
  const described = describeModel(config, { name: 'small', source: 'small', confidence: 'high', architecture });
  if ('problem' in described) {
    console.log(JSON.stringify(described));
    continue;
  }
  const { model } = described;
  const blocks = model.blocks.map((block, index) => ({
    key: blockKey(model, index),
    className: block.className,
    count: block.count,
    parameters: block.parameters,
    tower: block.tower,
    window: block.attention?.window ?? null,
    cross: block.attention?.kind === 'cross',
    positions: block.positions ?? null,
    counted: seesEverySample(model, block),
    kind: block.kind ?? '',
    symbols: Object.fromEntries(blockSymbols(model, index)),
    sides: sidesOf(model, index),
  }));
  console.log(
    JSON.stringify({
      total: model.parameters.total,
      h: model.hiddenSize,
      V: model.vocabSize,
      outside: outsideOf(model),
      blocks,
    }),
  );
}

/** Sides of the block's tensors by name: `self_attn.kv_b_proj[0]`. */
function sidesOf(model, index) {
  const sides = {};
  for (const group of model.groups) {
    if (group.block !== index) continue;
    const name = tensorName(group.name);
    for (const [axis, size] of group.shape.entries()) sides[`${name}:${axis}`] = size;
  }
  return sides;
}

/** Sides of the tensors outside the blocks: `embed_tokens_per_layer:1`. */
function outsideOf(model) {
  const sides = {};
  for (const group of model.groups) {
    if (group.block !== undefined) continue;
    for (const [axis, size] of group.shape.entries()) sides[`${outsideName(group.name)}:${axis}`] = size;
  }
  return sides;
}
