"""The models of the grid: real sizes from their config.json, random weights. `TINY` is what a dry run makes of them."""

_LLAMA = dict(model_type="llama", rms_norm_eps=1e-5)

MODELS = {
    "qwen2.5-0.5b": dict(model_type="qwen2", hidden_size=896, intermediate_size=4864, num_hidden_layers=24, num_attention_heads=14, num_key_value_heads=2, vocab_size=151936, max_position_embeddings=32768, tie_word_embeddings=True),
    "qwen3-0.6b": dict(model_type="qwen3", hidden_size=1024, intermediate_size=3072, num_hidden_layers=28, num_attention_heads=16, num_key_value_heads=8, head_dim=128, vocab_size=151936, max_position_embeddings=40960, tie_word_embeddings=True),
    "gpt2-large": dict(model_type="gpt2", n_embd=1280, n_layer=36, n_head=20, vocab_size=50257, n_positions=8192),
    "gemma3-1b": dict(model_type="gemma3_text", hidden_size=1152, intermediate_size=6912, num_hidden_layers=26, num_attention_heads=4, num_key_value_heads=1, head_dim=256, vocab_size=262144, max_position_embeddings=32768, sliding_window=512, tie_word_embeddings=True),
    "llama3-1b": dict(_LLAMA, hidden_size=2048, intermediate_size=8192, num_hidden_layers=16, num_attention_heads=32, num_key_value_heads=8, head_dim=64, vocab_size=128256, max_position_embeddings=131072, tie_word_embeddings=True),
    "olmoe-2b": dict(model_type="olmoe", hidden_size=2048, intermediate_size=1024, num_hidden_layers=4, num_attention_heads=16, num_key_value_heads=16, vocab_size=50304, num_experts=64, num_experts_per_tok=8, max_position_embeddings=8192, tie_word_embeddings=False),
    "deepseek2-mla-3b": dict(model_type="deepseek_v2", hidden_size=2048, intermediate_size=10944, moe_intermediate_size=1408, num_hidden_layers=5, num_attention_heads=16, num_key_value_heads=16, vocab_size=102400, n_routed_experts=64, n_shared_experts=2, num_experts_per_tok=6, first_k_dense_replace=1, kv_lora_rank=512, q_lora_rank=None, qk_nope_head_dim=128, qk_rope_head_dim=64, v_head_dim=128, n_group=1, topk_group=1, topk_method="greedy", max_position_embeddings=8192, tie_word_embeddings=False),
    "gemma2-2b": dict(model_type="gemma2", hidden_size=2304, intermediate_size=9216, num_hidden_layers=26, num_attention_heads=8, num_key_value_heads=4, head_dim=256, vocab_size=256000, max_position_embeddings=8192, tie_word_embeddings=True),
    "llama3-3b": dict(_LLAMA, hidden_size=3072, intermediate_size=8192, num_hidden_layers=28, num_attention_heads=24, num_key_value_heads=8, head_dim=128, vocab_size=128256, max_position_embeddings=131072, tie_word_embeddings=True),
    "qwen3-4b": dict(model_type="qwen3", hidden_size=2560, intermediate_size=9728, num_hidden_layers=36, num_attention_heads=32, num_key_value_heads=8, head_dim=128, vocab_size=151936, max_position_embeddings=40960, tie_word_embeddings=True),
    "llama3-8b": dict(_LLAMA, hidden_size=4096, intermediate_size=14336, num_hidden_layers=32, num_attention_heads=32, num_key_value_heads=8, vocab_size=128256, max_position_embeddings=8192, tie_word_embeddings=False),
}

ARCHITECTURES = {
    "llama": "LlamaForCausalLM",
    "qwen2": "Qwen2ForCausalLM",
    "qwen3": "Qwen3ForCausalLM",
    "gpt2": "GPT2LMHeadModel",
    "gemma2": "Gemma2ForCausalLM",
    "gemma3_text": "Gemma3ForCausalLM",
    "olmoe": "OlmoeForCausalLM",
    "deepseek_v2": "DeepseekV2ForCausalLM",
}

# Parameters of the attention that PEFT's own defaults name, and of all linear layers.
ALL_LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]

# Widths that every family accepts: what a dry run changes, and nothing else.
_SMALL = dict(
    hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, head_dim=16, vocab_size=256,
    n_embd=64, n_layer=2, n_head=4, num_experts=8, num_experts_per_tok=2, moe_intermediate_size=32, n_routed_experts=8,
    kv_lora_rank=16, qk_nope_head_dim=16, qk_rope_head_dim=8, v_head_dim=16, max_position_embeddings=512, n_positions=512,
)  # fmt: skip


def config_of(name, is_tiny=False):
    """The config.json of a model, as a user's checkpoint has it."""
    fields = dict(MODELS[name])
    if is_tiny:
        fields.update({key: value for key, value in _SMALL.items() if key in fields})
        if fields.get("num_attention_heads", 0) and MODELS[name].get("num_key_value_heads") == MODELS[name]["num_attention_heads"]:
            fields["num_key_value_heads"] = fields["num_attention_heads"]
    return dict(fields, architectures=[ARCHITECTURES[fields["model_type"]]])


def parameters_of(config):
    """Roughly how many weights: for the predicted seconds only. The records count them."""
    h = config.get("hidden_size", config.get("n_embd"))
    layers = config.get("num_hidden_layers", config.get("n_layer"))
    inner = config.get("intermediate_size", 4 * h)
    heads = config.get("num_attention_heads", config.get("n_head"))
    width = heads * config.get("head_dim", h // heads)
    pairs = config.get("num_key_value_heads", heads) / heads
    experts = config.get("num_experts", config.get("n_routed_experts", 1))
    inner = config.get("moe_intermediate_size", inner)
    attention = 2 * h * width * (1 + pairs)
    return layers * (attention + 3 * h * inner * experts) + h * config["vocab_size"] * (1 if config.get("tie_word_embeddings", True) else 2)


def active_share(config):
    """The share of the experts' weights that one token visits."""
    experts = config.get("num_experts", config.get("n_routed_experts"))
    return 1 if experts is None else config["num_experts_per_tok"] / experts
