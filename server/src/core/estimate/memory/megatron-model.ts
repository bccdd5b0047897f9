import type { Model, ParameterGroup } from '../../models/model';
import type { Corner, Note } from './facts';

/** Types whose shape Accelerate hands over whole: accelerate utils/dataclasses.py, parse_gpt2_config, parse_glm4_moe_config (1.15.0). */
const HANDED_OVER: ReadonlySet<string> = new Set(['gpt2', 'megatron-bert', 'glm4_moe']);

/**
 * The model that Megatron builds. Of the others Accelerate passes layers, heads and the width of the stream alone
 * (parse_llama_config, 1.15.0), and Megatron makes GPT layers of that unless the script's other_megatron_args say more.
 */
export function megatronModel(model: Model, corner: Corner, note: Note): Model {
  if (HANDED_OVER.has(model.modelType)) return model;
  note({
    what: 'shape of the layers in Megatron',
    value: 'as in transformers',
    because:
      "Accelerate passes layers, heads and width alone, and the script's other_megatron_args the rest; the band reaches to Megatron's own shape",
  });
  if (corner === 'expected') return model;
  const own = plainGpt(model);
  const isSmaller = own.parameters.total < model.parameters.total;
  return (corner === 'low') === isSmaller ? own : model;
}

/** Four matrices a layer, the MLP four times as wide as the stream, one matrix for embedding and head (megatron/training/arguments.py). */
function plainGpt(model: Model): Model {
  const { hiddenSize: h, layers, vocabSize } = model;
  const heads = model.blocks[0]?.attention?.heads ?? 1;
  const linear = (name: string, shape: readonly number[]): ParameterGroup => ({
    name: `decoder.layers.*.${name}.weight`,
    kind: name.startsWith('mlp') ? 'mlp' : 'attention',
    module: 'linear',
    shape,
    count: layers,
    block: 0,
  });
  const groups: ParameterGroup[] = [
    { name: 'word_embeddings.weight', kind: 'embedding', module: 'embedding', shape: [vocabSize, h], count: 1 },
    linear('self_attention.linear_qkv', [3 * h, h]),
    linear('self_attention.linear_proj', [h, h]),
    linear('mlp.linear_fc1', [4 * h, h]),
    linear('mlp.linear_fc2', [h, 4 * h]),
    { name: 'decoder.layers.*.norms', kind: 'norm', module: 'norm', shape: [13 * h], count: layers, block: 0 },
  ];
  const perBlock = 12 * h * h + 13 * h;
  const total = perBlock * layers + vocabSize * h;
  const attention = { heads, kvHeads: heads, headDim: h / heads, valueHeadDim: h / heads } as const;
  return {
    ...model,
    tiedEmbeddings: true,
    groups,
    parameters: { total, active: total, byKind: {} },
    blocks: [
      {
        className: 'TransformerLayer',
        count: layers,
        parameters: perBlock,
        attention: { ...attention, kind: 'standard', qkNorm: false },
        mlp: { intermediateSize: 4 * h, gated: false },
        tower: 'text',
      },
    ],
  };
}
