import type { ConfigReader } from '../config';
import { gatedMlp, plainMlp } from '../dimensions';
import { conv, embedding, layerNorm, linear, norm, type Tensor, under } from '../parts';
import { qkvAttention, type Tower, tower } from './towers';

/** Qwen2VisionTransformerPretrainedModel (modeling_qwen2_vl.py). */
export function qwen2Vision(c: ConfigReader): Tower {
  const hidden = c.size('embed_dim');
  const ratio = c.value('mlp_ratio');
  const width = Math.floor(hidden * (typeof ratio === 'number' ? ratio : 4));
  return tower('vision', {
    hidden,
    heads: c.size('num_heads'),
    outside: [
      ...conv('patch_embed.proj', qwenPatch(c, hidden), false),
      ...qwenMerger(c, hidden, c.size('hidden_size'), true),
    ],
    at: 'blocks',
    layers: c.size('depth'),
    className: 'Qwen2VLVisionBlock',
    layer: [
      ...layerNorm('norm1', hidden),
      ...layerNorm('norm2', hidden),
      ...qkvAttention(hidden, true),
      ...plainMlp(hidden, width, ['fc1', 'fc2'], true).parts,
    ],
    mlp: { intermediateSize: width, gated: false },
  });
}

/** Qwen2_5_VisionTransformerPretrainedModel: RMSNorm and a gated MLP. */
export function qwen25Vision(c: ConfigReader): Tower {
  const hidden = c.size('hidden_size');
  const mlp = gatedMlp(hidden, c.size('intermediate_size'), true);
  return tower('vision', {
    hidden,
    heads: c.size('num_heads'),
    outside: [
      ...conv('patch_embed.proj', qwenPatch(c, hidden), false),
      ...qwenMerger(c, hidden, c.size('out_hidden_size'), false),
    ],
    at: 'blocks',
    layers: c.size('depth'),
    className: 'Qwen2_5_VLVisionBlock',
    layer: [...norm('norm1', hidden), ...norm('norm2', hidden), ...qkvAttention(hidden, true), ...mlp.parts],
    mlp: mlp.shape,
  });
}

/** Qwen3VLVisionModel (modeling_qwen3_vl.py); Qwen3.5's has no deep-stack mergers. */
export function qwen3Vision(name: string) {
  return (c: ConfigReader): Tower => {
    const hidden = c.size('hidden_size');
    const width = c.size('intermediate_size');
    const out = c.size('out_hidden_size');
    const merged = hidden * c.size('spatial_merge_size') ** 2;
    const deep = c.numbers('deepstack_visual_indexes') ?? [];
    const merger = (normWidth: number) => [
      ...layerNorm('norm', normWidth),
      ...linear('linear_fc1', merged, merged, true),
      ...linear('linear_fc2', merged, out, true),
    ];
    return tower('vision', {
      hidden,
      heads: c.size('num_heads'),
      outside: [
        ...conv('patch_embed.proj', qwenPatch(c, hidden)),
        ...embedding('pos_embed', c.size('num_position_embeddings'), hidden),
        ...under('merger', undefined, merger(hidden)),
        ...under('deepstack_merger_list.*', undefined, merger(merged)).map((part) => ({ ...part, count: deep.length })),
      ].filter((part) => part.count > 0),
      at: 'blocks',
      layers: c.size('depth'),
      className: `${name}VisionBlock`,
      layer: [
        ...layerNorm('norm1', hidden),
        ...layerNorm('norm2', hidden),
        ...qkvAttention(hidden, true),
        ...plainMlp(hidden, width, ['linear_fc1', 'linear_fc2'], true).parts,
      ],
      mlp: { intermediateSize: width, gated: false },
    });
  };
}

function qwenPatch(c: ConfigReader, hidden: number): number[] {
  const patch = c.size('patch_size');
  return [hidden, c.size('in_channels', 'in_chans'), c.size('temporal_patch_size'), patch, patch];
}

function qwenMerger(c: ConfigReader, hidden: number, out: number, normBias: boolean): Tensor[] {
  const merged = hidden * c.size('spatial_merge_size') ** 2;
  return under(
    'merger',
    undefined,
    norm('ln_q', hidden, normBias),
    linear('mlp.*', merged, merged, true),
    linear('mlp.*', merged, out, true),
  );
}
