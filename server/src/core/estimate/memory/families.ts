import type { Model } from '../../models/model';
import { ownValue } from '../../own-value';

/**
 * How a family's block is written in transformers, where that changes what autograd saves. Read from
 * src/transformers/models/<type>/modeling_<type>.py (5.x) and checked by counting (test/oracle).
 */
export interface FamilyTraits {
  /** `rms`: Python RMSNorm with an fp32 copy; `gemma`: weight applied in fp32; `t5`; `layer`: nn.LayerNorm, one kernel. */
  readonly norm: 'rms' | 'gemma' | 't5' | 'layer';
  /** Norms whose output feeds a linear layer, per block. */
  readonly norms: number;
  /** Norms whose output only joins the residual stream. */
  readonly postNorms: number;
  /** q, k and v come from one matrix, and v stays a view of it. */
  readonly fusedQkv: boolean;
  /** gate and up come from one matrix. */
  readonly fusedGate: boolean;
  readonly rotary: boolean;
  /** `kernel` saves its input, `python-gelu` every intermediate, `relu` only its output. */
  readonly activation: 'kernel' | 'python-gelu' | 'relu';
  /** Probability of the dropouts on the residual branches. */
  readonly dropout: number;
  /** Probability of dropout on attention weights is not zero. */
  readonly attentionDropout: boolean;
  /** Eager attention takes its softmax in fp32, or in the type of the products. */
  readonly softmax: 'fp32' | 'compute';
  /** tanh soft cap on attention scores and on the logits, each saved once. */
  readonly softcap: boolean;
  /** Dropout between the two halves of the MLP. */
  readonly mlpDropout?: true;
  /** A bias for every pair of positions and head is added to the scores, and kept by the fused kernel. */
  readonly relativeBias?: true;
  /** The family has no scaled_dot_product_attention in transformers 5.x and runs eager. */
  readonly eagerOnly: boolean;
}

const LLAMA: FamilyTraits = {
  norm: 'rms',
  norms: 2,
  postNorms: 0,
  fusedQkv: false,
  fusedGate: false,
  rotary: true,
  activation: 'kernel',
  dropout: 0,
  attentionDropout: false,
  softmax: 'fp32',
  softcap: false,
  eagerOnly: false,
};
const LAYER_NORM: FamilyTraits = { ...LLAMA, norm: 'layer' };
const BERT: FamilyTraits = {
  ...LAYER_NORM,
  rotary: false,
  dropout: 0.1,
  attentionDropout: true,
  softmax: 'compute',
};
const T5: FamilyTraits = {
  ...LLAMA,
  norm: 't5',
  rotary: false,
  dropout: 0.1,
  attentionDropout: true,
  softmax: 'compute',
  mlpDropout: true,
  relativeBias: true,
};
const GEMMA: FamilyTraits = { ...LLAMA, norm: 'gemma' };

const FAMILIES: Readonly<Record<string, FamilyTraits>> = {
  gemma: GEMMA,
  gemma2: { ...GEMMA, postNorms: 2, softcap: true, eagerOnly: true },
  gemma3: { ...GEMMA, postNorms: 2 },
  gemma3_text: { ...GEMMA, postNorms: 2 },
  olmo2: { ...LLAMA, norms: 0, postNorms: 2 },
  olmo3: { ...LLAMA, norms: 0, postNorms: 2 },
  phi3: { ...LLAMA, fusedQkv: true, fusedGate: true },
  gpt2: {
    ...LAYER_NORM,
    fusedQkv: true,
    rotary: false,
    activation: 'python-gelu',
    dropout: 0.1,
    attentionDropout: true,
    softmax: 'compute',
  },
  gpt_neox: { ...LAYER_NORM, fusedQkv: true },
  gpt_bigcode: { ...LAYER_NORM, fusedQkv: true, rotary: false, dropout: 0.1 },
  gptj: { ...LAYER_NORM, norms: 1, activation: 'python-gelu' },
  codegen: { ...LAYER_NORM, norms: 1, fusedQkv: true, activation: 'python-gelu' },
  phi: { ...LAYER_NORM, norms: 1, activation: 'python-gelu' },
  falcon: { ...LAYER_NORM, norms: 1, fusedQkv: true, softmax: 'compute' },
  bloom: { ...LAYER_NORM, fusedQkv: true, rotary: false },
  mpt: { ...LAYER_NORM, fusedQkv: true, rotary: false },
  opt: { ...LAYER_NORM, rotary: false, activation: 'relu', dropout: 0.1 },
  starcoder2: LAYER_NORM,
  stablelm: LAYER_NORM,
  bert: BERT,
  roberta: BERT,
  'xlm-roberta': BERT,
  electra: BERT,
  distilbert: BERT,
  camembert: BERT,
  t5: T5,
  mt5: T5,
};

/** Activations that transformers computes in Python, each step a tensor (src/transformers/activations.py, 5.18). */
const PYTHON_ACTIVATIONS: ReadonlySet<string> = new Set(['gelu_new', 'gelu_fast', 'gelu_python', 'gelu_accurate']);
/** Those that are one kernel, which keeps its input. */
const KERNEL_ACTIVATIONS: ReadonlySet<string> = new Set(['gelu', 'gelu_pytorch_tanh', 'silu', 'swish', 'mish', 'tanh']);

/** How the activation is computed: as config.json names it, else as the family's class does by default. */
export function activationOf(model: Model): FamilyTraits['activation'] {
  const named = model.activation;
  if (named !== undefined) {
    if (PYTHON_ACTIVATIONS.has(named)) return 'python-gelu';
    if (KERNEL_ACTIVATIONS.has(named)) return 'kernel';
    if (named === 'relu') return 'relu';
  }
  return familyTraits(model.modelType).traits.activation;
}

/** Traits of a model type; Llama's block where the family has no entry, which the caller must call an assumption. */
export function familyTraits(modelType: string): { readonly traits: FamilyTraits; readonly isKnown: boolean } {
  if (Object.hasOwn(FAMILIES, modelType))
    return { traits: ownValue(FAMILIES, modelType) ?? LLAMA, isKnown: COUNTED.has(modelType) };
  return { traits: LLAMA, isKnown: LLAMA_LIKE.has(modelType) };
}

/** Families with traits of their own that were counted by running them; the others were only read. */
const COUNTED: ReadonlySet<string> = new Set([
  'gemma2',
  'gemma3_text',
  'phi',
  'phi3',
  'gpt2',
  'gpt_neox',
  'opt',
  'bert',
  'roberta',
  'starcoder2',
  't5',
  'mt5',
  'falcon',
  'bloom',
  'mpt',
]);

/** Families whose block saves what Llama's does, apart from shapes that the model itself carries. */
const LLAMA_LIKE: ReadonlySet<string> = new Set([
  'llama',
  'mistral',
  'qwen2',
  'qwen3',
  'yi',
  'mixtral',
  'qwen2_moe',
  'qwen3_moe',
  'olmo',
  'olmoe',
  'granite',
  'smollm3',
  'internlm2',
  'ministral',
]);
