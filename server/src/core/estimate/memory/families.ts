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
  /** Probability of the dropouts on the residual branches and on attention weights. */
  readonly dropout: number;
  /** Extra dropout between the activation and the second matrix. */
  readonly innerDropout: boolean;
  /** tanh soft cap on attention scores, saved once per score in eager attention. */
  readonly softcap: boolean;
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
  innerDropout: false,
  softcap: false,
};
const LAYER_NORM: FamilyTraits = { ...LLAMA, norm: 'layer' };
const BERT: FamilyTraits = { ...LAYER_NORM, rotary: false, dropout: 0.1 };
const GEMMA: FamilyTraits = { ...LLAMA, norm: 'gemma' };

const FAMILIES: Readonly<Record<string, FamilyTraits>> = {
  gemma: GEMMA,
  gemma2: { ...GEMMA, postNorms: 2, softcap: true },
  gemma3: { ...GEMMA, postNorms: 2 },
  gemma3_text: { ...GEMMA, postNorms: 2 },
  olmo2: { ...LLAMA, norms: 0, postNorms: 2 },
  olmo3: { ...LLAMA, norms: 0, postNorms: 2 },
  phi3: { ...LLAMA, fusedQkv: true, fusedGate: true },
  gpt2: { ...LAYER_NORM, fusedQkv: true, rotary: false, activation: 'python-gelu', dropout: 0.1 },
  gpt_neox: { ...LAYER_NORM, fusedQkv: true },
  gpt_bigcode: { ...LAYER_NORM, fusedQkv: true, rotary: false, dropout: 0.1 },
  gptj: { ...LAYER_NORM, norms: 1, activation: 'python-gelu' },
  codegen: { ...LAYER_NORM, norms: 1, fusedQkv: true, activation: 'python-gelu' },
  phi: { ...LAYER_NORM, norms: 1, activation: 'python-gelu' },
  falcon: { ...LAYER_NORM, norms: 1, fusedQkv: true },
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
  t5: { ...LLAMA, norm: 't5', rotary: false, dropout: 0.1, innerDropout: true },
  mt5: { ...LLAMA, norm: 't5', rotary: false, dropout: 0.1, innerDropout: true },
};

/** Traits of a model type; Llama's block where the family has no entry, which the caller must call an assumption. */
export function familyTraits(modelType: string): { readonly traits: FamilyTraits; readonly isKnown: boolean } {
  if (Object.hasOwn(FAMILIES, modelType)) return { traits: FAMILIES[modelType] ?? LLAMA, isKnown: true };
  return { traits: LLAMA, isKnown: LLAMA_LIKE.has(modelType) };
}

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
