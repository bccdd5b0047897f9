"""Small models of every family with sizes that share no factor, so that the size of a tensor tells what it is made of."""
import copy
import json
import os

CATALOG = os.path.join(os.path.dirname(__file__), "..", "..", "server", "data", "models.json")

# Widths are eight times a prime, so that no kernel pads them; s is 32 times a prime for the same reason. Primes are large or
# rare enough that a product of sizes has one reading only.
VARIANTS = [
    dict(k=11, g=13, d=8 * 17, h=143 * 8 * 29, I=8 * 1009, V=8 * 4001, E=31, K=19, X=8 * 307, S=8 * 401, ql=8 * 61, kvl=8 * 67, nope=128, rope=56, v=8 * 19, b=41, s=32 * 43, w=4096),
    dict(k=7, g=19, d=8 * 29, h=133 * 8 * 23, I=8 * 1013, V=8 * 4003, E=37, K=17, X=8 * 311, S=8 * 409, ql=8 * 71, kvl=8 * 73, nope=160, rope=88, v=8 * 13, b=47, s=32 * 53, w=4096),
]  # fmt: skip

# Names of config.json by what they size.
NAMES = dict(
    h=("hidden_size", "n_embd", "d_model", "dim", "n_embed"),
    n=("num_attention_heads", "n_head", "n_heads", "num_heads", "encoder_attention_heads", "decoder_attention_heads"),
    k=("num_key_value_heads", "num_kv_heads"),
    d=("head_dim", "d_kv", "kv_channels"),
    I=("intermediate_size", "n_inner", "ffn_dim", "d_ff", "encoder_ffn_dim", "decoder_ffn_dim", "hidden_dim", "ffn_hidden_size", "dense_intermediate_size", "intermediate_size_mlp"),
    V=("vocab_size",),
    E=("num_local_experts", "num_experts", "n_routed_experts", "moe_num_experts"),
    K=("num_experts_per_tok", "moe_k", "top_k_experts"),
    X=("moe_intermediate_size", "expert_ffn_hidden_size"),
    S=("shared_expert_intermediate_size",),
    ql=("q_lora_rank",),
    kvl=("kv_lora_rank",),
    nope=("qk_nope_head_dim",),
    rope=("qk_rope_head_dim",),
    v=("v_head_dim",),
    w=("sliding_window",),
)  # fmt: skip
LAYERS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers", "num_decoder_layers", "encoder_layers", "decoder_layers")
POSITIONS = ("max_position_embeddings", "n_positions", "max_seq_len", "seq_length")

# What one family needs besides; a callable gets the sizes of the variant.
FAMILIES = {
    "gpt2": lambda z: dict(n_inner=z["I"]),
    "gpt_bigcode": lambda z: dict(n_inner=z["I"]),
    "gptj": lambda z: dict(rotary_dim=z["d"] // 2, n_inner=z["I"]),
    "gpt_neo": lambda z: dict(intermediate_size=z["I"], attention_types=[[["global", "local"], 2]], window_size=4096, _layers=4),
    "opt": lambda z: dict(word_embed_proj_dim=z["h"]),
    "dbrx": lambda z: dict(_top=dict(attn_config=dict(clip_qkv=8, kv_n_heads=z["k"], rope_theta=5e5), ffn_config=dict(ffn_hidden_size=z["X"], moe_num_experts=z["E"], moe_top_k=z["K"], moe_loss_weight=0.05))),
    "granitemoe": lambda z: dict(intermediate_size=z["X"]),
    "mixtral": lambda z: dict(intermediate_size=z["X"]),
    "phimoe": lambda z: dict(intermediate_size=z["X"]),
    "olmoe": lambda z: dict(intermediate_size=z["X"]),
    "minimax_m2": lambda z: dict(intermediate_size=z["X"]),
    "gpt_oss": lambda z: dict(intermediate_size=z["X"]),
    "qwen2_moe": lambda z: dict(mlp_only_layers=[]),
    "deepseek_v2": lambda z: dict(first_k_dense_replace=2, n_group=1, topk_group=1, _layers=5),
    "deepseek_v3": lambda z: dict(first_k_dense_replace=2, n_group=1, topk_group=1, _layers=5),
    "glm4_moe": lambda z: dict(first_k_dense_replace=2, n_group=1, topk_group=1, _layers=5),
    "glm4_moe_lite": lambda z: dict(first_k_dense_replace=2, n_group=1, topk_group=1, _layers=5),
    "ernie4_5_moe": lambda z: dict(moe_layer_start_index=2, _layers=5),
    "gemma3_text": lambda z: dict(_layers=7),
    "gemma3": lambda z: dict(_layers=7),
    "gemma4": lambda z: dict(_layers=7, num_kv_shared_layers=0),
    "cohere2": lambda z: dict(_layers=5),
    "olmo3": lambda z: dict(_layers=5),
    "exaone4": lambda z: dict(_layers=5),
    "jamba": lambda z: dict(_layers=16),
    "lfm2": lambda z: dict(_layers=None),
    "nemotron_h": lambda z: dict(_layers=None),
    "qwen3_next": lambda z: dict(_layers=5, _s=320),
    "qwen3_5": lambda z: dict(_layers=5, _s=320),
    "qwen3_5_moe": lambda z: dict(_layers=5, _s=320),
    "llama4": lambda z: dict(_layers=5),
    "mllama": lambda z: dict(_layers=5),
    "modernbert": lambda z: dict(_layers=5),
    "smollm3": lambda z: dict(_layers=5),
    "recurrent_gemma": lambda z: dict(_layers=6),
}  # fmt: skip

# The record that stands for a family, where the smallest is not like the others.
RECORDS = {
    "falcon": "tiiuae/falcon-7b", "opt": "facebook/opt-1.3b", "bert": "google-bert/bert-base-uncased", "gpt2": "openai-community/gpt2",
    "stablelm": "stabilityai/stablelm-3b-4e1t", "t5": "google-t5/t5-base", "phi": "microsoft/phi-2",
}  # fmt: skip
# How an activation is computed decides what it keeps: as one kernel, as steps in Python, or as relu, which keeps its result.
ACTIVATIONS = {"kernel": "gelu_pytorch_tanh", "python": "gelu_new", "relu": "relu"}
ACTIVATION_NAMES = ("hidden_act", "activation_function", "hidden_activation")


def head_of(transformers, architecture):
    """A class with a loss, where the catalog counts one without."""
    if architecture.endswith("Model"):
        for task in ("ForMaskedLM", "ForCausalLM", "ForSequenceClassification"):
            if hasattr(transformers, architecture[: -len("Model")] + task):
                return architecture[: -len("Model")] + task
    return architecture


def activation_class(config):
    """`kernel`, `python` or `relu`, from a class's config."""
    named = next((config[name] for name in ACTIVATION_NAMES if isinstance(config.get(name), str)), "")
    kind = config.get("feed_forward_proj")
    if isinstance(kind, str):
        named = "gelu_new" if kind == "gated-gelu" else kind
    return "python" if named in ("gelu_new", "gelu_fast", "gelu_python", "gelu_accurate") else "relu" if named == "relu" else "kernel"


def catalog():
    with open(CATALOG) as file:
        return json.load(file)["models"]


def record_of(model_type):
    """The family's verified record with the fewest parameters."""
    records = [r for r in catalog() if r["model_type"] == model_type and r["verified"]]
    records = [r for r in records if r["id"] == RECORDS.get(model_type)] or records
    return min(records, key=lambda r: r["parameters"]["total"]) if records else None


def text_config(config):
    for name in ("text_config", "llm_config"):
        if isinstance(config.get(name), dict):
            return config[name]
    return config


def with_layers(config, count):
    """The config with `count` layers; lists that name each layer's kind are cut."""
    text = text_config(config)
    if count is None:
        return config
    before = next((text[name] for name in LAYERS if isinstance(text.get(name), int)), None)
    for name in LAYERS:
        if isinstance(text.get(name), int):
            text[name] = count
    for name, value in list(text.items()):
        if isinstance(value, list) and before and len(value) == before and name not in ("architectures",):
            text[name] = value[:count]
    for name in ("vision_config", "audio_config"):
        tower = config.get(name)
        if isinstance(tower, dict):
            for key in ("num_hidden_layers", "depth", "encoder_layers"):
                if key in tower:
                    tower[key] = 1
    return config


def sized(record, defaults, variant, mode, activation=None):
    """The record's config with the sizes of a variant. `mode`: `free` (hidden size is no product of heads), `heads`
    (hidden size is heads × width), `equal` (as many key-value heads as heads)."""
    z = dict(VARIANTS[variant])
    z["n"] = z["k"] * z["g"]
    if mode == "equal":
        z["k"] = z["n"]
    if mode != "free":
        z["h"] = z["n"] * z["d"]
    config = copy.deepcopy(record["config"])
    text = text_config(config)
    known = text_config(defaults)
    for symbol, names in NAMES.items():
        for name in names:
            if symbol == "w" and not text.get(name):
                continue
            if symbol == "d" and mode != "free" and text.get(name) is None:
                continue
            if name in text or (known.get(name) is not None and not isinstance(known[name], (list, bool))):
                if text.get(name, 0) is None and symbol not in ("I", "d"):
                    continue
                text[name] = z[symbol]
    for name in POSITIONS:
        if name in text or name in known:
            text[name] = 8192
    if activation == "mqa":
        # All heads share one key and one value: another way through attention in some classes.
        text["multi_query"] = True
    elif activation is not None and "feed_forward_proj" in known:
        text["feed_forward_proj"] = {"python": "gated-gelu", "relu": "relu"}[activation]
    elif activation is not None:
        text[next(name for name in ACTIVATION_NAMES if name in known)] = ACTIVATIONS[activation]
    if record["model_type"] == "falcon" and activation is None:
        text["multi_query"] = False
    special = FAMILIES.get(record["model_type"], lambda _: {})(z)
    layers = special.pop("_layers", 3)
    z["s"] = special.pop("_s", z["s"])
    text.update(special.pop("_top", {}))
    text.update(special)
    for name in ("rope_scaling", "rope_parameters"):
        if isinstance(known.get(name), dict) and "mrope_section" in known[name] and not isinstance(text.get(name), dict):
            text[name] = dict(known[name])
    if record["model_type"] in ("qwen2_vl", "qwen2_5_vl"):
        text["rope_parameters"] = dict(rope_type="default", rope_theta=1e6, mrope_section=[])
    for name in ("pad_token_id", "bos_token_id", "eos_token_id"):
        if isinstance(text.get(name, known.get(name)), int):
            text[name] = 0
    width = text.get("head_dim") or z["h"] // z["n"]
    for holder in (text, text.get("rope_scaling"), text.get("rope_parameters")):
        # A half is a size that products can name.
        if isinstance(holder, dict) and "partial_rotary_factor" in holder:
            holder["partial_rotary_factor"] = 0.5
        if isinstance(holder, dict) and "rotary_pct" in holder:
            holder["rotary_pct"] = 0.5
        if isinstance(holder, dict) and "mrope_section" in holder:
            third = width // 6
            holder["mrope_section"] = [width // 2 - 2 * third, third, third]
    for name in ("num_labels", "id2label", "label2id"):
        config.pop(name, None)
    return with_layers(config, layers), z
