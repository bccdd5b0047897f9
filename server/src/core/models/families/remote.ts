import type { ConfigReader } from '../config';
import { bias, decoder, llamaBody } from '../decoder';
import { attentionShape, gatedMlp, readHeads, type Sublayer } from '../dimensions';
import { mixtureOf } from '../experts';
import { decoderFamily, type Family, languageHead, withParts } from '../family';
import { inside, type Layers, type Layout, uniform } from '../layout';
import type { AttentionShape, MlpShape } from '../model';
import { embedding, linear, norm, repeated, under } from '../parts';

/**
 * Models whose class is not in transformers but beside the checkpoint (`trust_remote_code`). They are counted as that code
 * was laid out when it was published; it may have changed since.
 */
function remote(family: Family): Family {
  return { ...family, remote: true };
}

/** BaichuanAttention: query, key and value in `W_pack` (baichuan-inc/Baichuan2-7B-Base modeling_baichuan.py). */
const baichuan = decoder({ types: ['baichuan'], name: 'Baichuan', fusedQkv: 'W_pack' });

/** MiniCPM is Llama with other scales (openbmb/MiniCPM-2B-sft-bf16 modeling_minicpm.py). */
const miniCpm = decoder({ types: ['minicpm'], name: 'MiniCPM' });

/** MiMo is Qwen2; its multi-token-prediction layers are not used in training it further (XiaomiMiMo/MiMo-7B-Base). */
const mimo: Family = decoderFamily({
  types: ['mimo'],
  architecture: 'MiMoForCausalLM',
  body: (c) => {
    const body = llamaBody(c, { types: ['mimo'], name: 'MiMo', qkvBias: c.value('attention_bias') !== false });
    if ((c.optional('num_nextn_predict_layers') ?? 0) > 0)
      c.assume('the multi-token-prediction layers are not counted');
    return body;
  },
});

/** DeepseekMoE keeps its experts as separate modules (deepseek-ai/deepseek-moe-16b-base modeling_deepseek.py). */
const deepseek = decoder({
  types: ['deepseek'],
  name: 'Deepseek',
  qkvBias: 'attention_bias',
  outBias: 'attention_bias',
  moe: {
    at: (c, layer) =>
      layer >= (c.optional('first_k_dense_replace') ?? 0) && layer % (c.optional('moe_layer_freq') ?? 1) === 0,
    layer: separateExperts,
  },
});

function separateExperts(c: ConfigReader, hidden: number): Sublayer<MlpShape> {
  const count = c.size('n_routed_experts');
  const width = c.size('moe_intermediate_size');
  const sharedWidth = (c.optional('n_shared_experts') ?? 0) * width;
  const expert = gatedMlp(hidden, width, false, '').parts;
  const routed = repeated('experts', count, [...expert]).map((part) => ({ ...part, kind: undefined }));
  return mixtureOf(hidden, { count, perToken: c.size('num_experts_per_tok'), width, sharedWidth }, routed);
}

/** InternLM2 (internlm/internlm2-7b modeling_internlm2.py). */
const internLm2: Family = decoderFamily({
  types: ['internlm2'],
  architecture: 'InternLM2ForCausalLM',
  head: 'output',
  body: (c) => {
    const hidden = c.size('hidden_size');
    const width = c.size('intermediate_size');
    const heads = readHeads(c, hidden);
    const hasBias = bias(c, 'bias');
    return bodyOf(c, {
      embeddings: 'tok_embeddings',
      finalNorm: 'norm',
      at: 'layers',
      layers: c.size('num_hidden_layers'),
      vocab: c.size('vocab_size'),
      layer: {
        className: 'InternLM2DecoderLayer',
        tower: 'text',
        parts: [
          ...under(
            'attention',
            'attention',
            linear('wqkv', hidden, (heads.heads + 2 * heads.kvHeads) * heads.headDim, hasBias),
            linear('wo', heads.heads * heads.headDim, hidden, hasBias),
          ),
          ...under(
            'feed_forward',
            'mlp',
            linear('w1', hidden, width),
            linear('w3', hidden, width),
            linear('w2', width, hidden),
          ),
          ...norm('attention_norm', hidden),
          ...norm('ffn_norm', hidden),
        ],
        attention: attentionShape(heads),
        mlp: { intermediateSize: width, gated: true },
      },
    });
  },
});

/** The first Qwen: each of `w1` and `w2` is half of `intermediate_size` wide (Qwen/Qwen-7B modeling_qwen.py). */
const qwen: Family = decoderFamily({
  types: ['qwen'],
  architecture: 'QWenLMHeadModel',
  base: 'transformer',
  body: (c) => {
    const hidden = c.size('hidden_size');
    const width = Math.floor(c.size('intermediate_size') / 2);
    const heads = readHeads(c, hidden);
    const hasBias = c.value('no_bias') === false;
    return bodyOf(c, {
      embeddings: 'wte',
      finalNorm: 'ln_f',
      at: 'h',
      layers: c.size('num_hidden_layers'),
      vocab: c.size('vocab_size'),
      layer: {
        className: 'QWenBlock',
        tower: 'text',
        parts: [
          ...under(
            'attn',
            'attention',
            linear('c_attn', hidden, 3 * hidden, true),
            linear('c_proj', hidden, hidden, hasBias),
          ),
          ...under(
            'mlp',
            'mlp',
            linear('w1', hidden, width, hasBias),
            linear('w2', hidden, width, hasBias),
            linear('c_proj', width, hidden, hasBias),
          ),
          ...norm('ln_1', hidden),
          ...norm('ln_2', hidden),
        ],
        attention: attentionShape(heads),
        mlp: { intermediateSize: width, gated: true },
      },
    });
  },
});

/** ChatGLM2 and 3 (zai-org/chatglm3-6b modeling_chatglm.py); every class keeps the output layer in its base model. */
const chatGlm: Family = {
  types: ['chatglm'],
  architecture: 'ChatGLMForConditionalGeneration',
  layout(c, architecture) {
    if (!/^ChatGLM(Model|ForConditionalGeneration)$/.test(architecture)) return undefined;
    const hidden = c.size('hidden_size');
    const vocab = c.size('padded_vocab_size', 'vocab_size');
    const width = c.size('ffn_hidden_size');
    const heads = c.size('num_attention_heads');
    const headDim = c.size('kv_channels');
    const kvHeads = c.value('multi_query_attention') === false ? heads : (c.optional('multi_query_group_num') ?? heads);
    const hasBias = c.flag('add_bias_linear');
    const shape: AttentionShape = attentionShape({ heads, kvHeads, headDim });
    const body = bodyOf(c, {
      embeddings: 'embedding.word_embeddings',
      finalNorm: 'encoder.final_layernorm',
      at: 'encoder.layers',
      layers: c.size('num_layers'),
      vocab,
      layer: {
        className: 'GLMBlock',
        tower: 'text',
        parts: [
          ...norm('input_layernorm', hidden),
          ...under(
            'self_attention',
            'attention',
            linear('query_key_value', hidden, (heads + 2 * kvHeads) * headDim, hasBias || c.flag('add_qkv_bias')),
            linear('dense', heads * headDim, hidden, hasBias),
          ),
          ...norm('post_attention_layernorm', hidden),
          ...under(
            'mlp',
            'mlp',
            linear('dense_h_to_4h', hidden, 2 * width, hasBias),
            linear('dense_4h_to_h', width, hidden, hasBias),
          ),
        ],
        attention: shape,
        mlp: { intermediateSize: width, gated: true },
      },
    });
    return inside('transformer', withParts(body, languageHead(hidden, vocab, body.tied, false, 'output_layer')));
  },
};

function bodyOf(
  c: ConfigReader,
  o: {
    readonly embeddings: string;
    readonly finalNorm: string;
    readonly at: string;
    readonly layers: number;
    readonly vocab: number;
    readonly layer: Omit<Layers, 'count'>;
  },
): Layout {
  const hidden = c.size('hidden_size');
  return {
    hiddenSize: hidden,
    layers: o.layers,
    vocabSize: o.vocab,
    tied: c.flag('tie_word_embeddings'),
    maxPositions: c.limit('max_position_embeddings', 'seq_length'),
    parts: [...embedding(o.embeddings, o.vocab, hidden), ...norm(o.finalNorm, hidden)],
    stacks: [uniform(o.at, o.layers, o.layer)],
  };
}

/** Models whose code comes with the weights (`trust_remote_code`). */
export const remoteModels: readonly Family[] = [baichuan, miniCpm, mimo, deepseek, internLm2, qwen, chatGlm].map(
  remote,
);
