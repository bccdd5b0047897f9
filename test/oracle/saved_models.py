"""Small models of every family with sizes that share no factor, so that the size of a tensor tells what it is made of."""
import copy
import json
import os

from fake_cuda import torch
from saved_kernels import with_kernels

CATALOG = os.path.join(os.path.dirname(__file__), "..", "..", "server", "data", "models.json")

# Widths are eight times a prime, so that no kernel pads them; s is 32 times a prime for the same reason. Primes are large or
# rare enough that a product of sizes has one reading only.
VARIANTS = [
    dict(k=11, g=13, d=8 * 17, h=143 * 8 * 29, I=8 * 1009, V=8 * 4001, E=31, K=19, X=8 * 307, S=8 * 401, ql=8 * 61, kvl=8 * 67, nope=128, rope=56, v=8 * 19, b=41, s=32 * 43, chunk=43, w=4096),
    dict(k=7, g=19, d=8 * 29, h=133 * 8 * 23, I=8 * 1013, V=8 * 4003, E=37, K=17, X=8 * 311, S=8 * 409, ql=8 * 71, kvl=8 * 73, nope=160, rope=88, v=8 * 13, b=47, s=32 * 53, chunk=53, w=4096),
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

# Layers of Gemma 3n and 4, so that each kind is there twice.
TWO_SLIDE = ["sliding_attention", "sliding_attention", "full_attention"]
NO_TOWERS = dict(vision_config=None, audio_config=None)


def delta_net(z):
    """Gated delta nets: heads and widths of their own, and chunks of 64 positions."""
    return dict(linear_num_key_heads=z["k"], linear_num_value_heads=z["n"], linear_key_head_dim=z["d"], linear_value_head_dim=8 * 59, _s=64 * z["chunk"], layer_types=(["linear_attention"] * 2 + ["full_attention"]) * 2)


def picture(z):
    return dict(patch_size=8 * 13, image_size=8 * 13 * z["chunk"])


def tower(z):
    """A vision tower beside a text model, of sizes of its own."""
    return dict(hidden_size=13 * 17 * z["k"] * 8 * 2, num_attention_heads=13 * 17, intermediate_size=8 * 1019, num_hidden_layers=3, _sized=True, **picture(z))


def wave(z, **sizes):
    """The hidden size is a multiple of the 16 groups of the convolution that makes positions."""
    return dict(hidden_size=2 * z["h"], **sizes)


def index(z):
    """DeepSeek's indexer of sparse attention."""
    return dict(index_n_heads=z["g"], index_head_dim=z["d"])


# What one family needs besides; a callable gets the sizes of the variant.
FAMILIES = {
    "gpt2": lambda z: dict(n_inner=z["I"]),
    "gpt_bigcode": lambda z: dict(n_inner=z["I"]),
    "gptj": lambda z: dict(rotary_dim=z["d"] // 2, n_inner=z["I"]),
    "gpt_neo": lambda z: dict(intermediate_size=z["I"], attention_types=[[["global", "local"], 2]], window_size=4096, _layers=4),
    "opt": lambda z: dict(word_embed_proj_dim=z["h"]),
    "dbrx": lambda z: dict(_b=31, _E=31, _top=dict(attn_config=dict(clip_qkv=8, kv_n_heads=z["k"], rope_theta=5e5), ffn_config=dict(ffn_hidden_size=z["X"], moe_num_experts=31, moe_top_k=z["K"], moe_loss_weight=0.05))),
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
    "gemma3n_text": lambda z: dict(_layers=9, num_kv_shared_layers=3, hidden_size_per_layer_input=8 * 41, vocab_size_per_layer_input=z["V"], layer_types=TWO_SLIDE * 3, activation_sparsity_pattern=[0.95] * 3 + [0.0] * 6, laurel_rank=8 * 47),
    "gemma4": lambda z: dict(_layers=6, final_logit_softcapping=30.0, num_kv_shared_layers=3, hidden_size_per_layer_input=8 * 41, vocab_size_per_layer_input=z["V"], global_head_dim=2 * z["d"], layer_types=TWO_SLIDE * 2, _config=NO_TOWERS),
    "gemma4 plain": lambda z: dict(_layers=6, global_head_dim=2 * z["d"], num_global_key_value_heads=z["g"], layer_types=TWO_SLIDE * 2, _config=NO_TOWERS),
    "gemma4 experts": lambda z: dict(_layers=6, global_head_dim=2 * z["d"], num_global_key_value_heads=z["g"], layer_types=TWO_SLIDE * 2, _config=NO_TOWERS),
    "cohere2": lambda z: dict(_layers=5),
    "olmo3": lambda z: dict(_layers=5),
    "exaone4": lambda z: dict(_layers=5),
    "jamba": lambda z: dict(_layers=8, attn_layer_period=4, attn_layer_offset=2, expert_layer_period=2, expert_layer_offset=1, mamba_d_state=8 * 7, mamba_dt_rank=8 * 37, _s=z["chunk"] * 2048),
    "mamba": lambda z: dict(intermediate_size=2 * z["h"], expand=2, state_size=8 * 7, time_step_rank=8 * 37, _s=z["chunk"] * 2048),
    "lfm2": lambda z: dict(_layers=None),
    "nemotron_h": lambda z: dict(_layers=8, hybrid_override_pattern="M*-EEM*-", mamba_num_heads=z["g"] * 23, mamba_head_dim=8 * 47, n_groups=z["g"], ssm_state_size=8 * 53, moe_shared_expert_intermediate_size=z["S"], moe_latent_size=8 * 61, _s=z["chunk"] * 128),
    "qwen3_next": lambda z: dict(_layers=6, **delta_net(z)),
    "qwen3_5": lambda z: dict(_layers=6, **delta_net(z)),
    "qwen3_5_moe": lambda z: dict(_layers=6, **delta_net(z)),
    "deepseek_v32": lambda z: dict(first_k_dense_replace=2, n_group=1, topk_group=1, _layers=5, **index(z)),
    "glm_moe_dsa": lambda z: dict(mlp_layer_types=["dense"] * 4 + ["sparse"] * 4, first_k_dense_replace=4, indexer_types=["full", "full", "shared", "shared"] * 2, n_group=1, topk_group=1, _layers=8, **index(z)),
    "deepseek_v4": lambda z: dict(_layers=9, compress_ratios=[0, 4, 128] * 3, num_hash_layers=0, o_lora_rank=8 * 83, o_groups=z["k"], _s=128 * z["chunk"], **index(z)),
    "kimi_k25": lambda z: dict(first_k_dense_replace=2, n_group=1, topk_group=1, _layers=5),
    "mimo_v2_flash": lambda z: dict(_layers=7, num_attention_heads=2 * z["n"], swa_num_attention_heads=2 * z["n"], swa_num_key_value_heads=2 * z["k"], swa_head_dim=z["d"], swa_v_head_dim=z["v"], hybrid_layer_pattern=[0, 1, 1, 1, 1, 0, 1], moe_layer_freq=[0, 1, 1, 1, 1, 1, 1]),
    "idefics2": lambda z: dict(_config=dict(perceiver_config=dict(hidden_size=z["h"], resampler_n_latents=64, resampler_depth=1, resampler_n_heads=16, resampler_head_dim=96, num_key_value_heads=4))),
    "glm4v": lambda z: dict(rope_parameters=dict(rope_type="default", rope_theta=1e4, mrope_section=[])),
    "recurrent_gemma": lambda z: dict(_layers=4, block_types=["recurrent", "attention"], lru_width=z["n"] * z["v"], attention_window_size=4096, _s=32),
    "vit": lambda z: picture(z),
    "dinov2": lambda z: picture(z),
    "clip": lambda z: dict(_config=dict(vision_config=tower(z), projection_dim=8 * 97)),
    "siglip": lambda z: dict(projection_size=13 * 17 * z["k"] * 8 * 2, _config=dict(vision_config=tower(z))),
    "whisper": lambda z: dict(max_source_positions=8 * 47, max_target_positions=8192, num_mel_bins=8 * 23),
    "wav2vec2": lambda z: wave(z, conv_dim=[8 * 73] * 7, num_conv_pos_embedding_groups=16, classifier_proj_size=8 * 59, apply_spec_augment=False),
    "hubert": lambda z: wave(z, conv_dim=[8 * 73] * 7, num_conv_pos_embedding_groups=16, classifier_proj_size=8 * 59, apply_spec_augment=False),
    "hubert layer": lambda z: FAMILIES["hubert"](z),
    "wav2vec2 layer": lambda z: FAMILIES["wav2vec2"](z),
    "llama4": lambda z: dict(_layers=5),
    "mllama": lambda z: dict(_layers=5),
    "modernbert": lambda z: dict(_layers=5),
    "smollm3": lambda z: dict(_layers=5),
}  # fmt: skip

# The record that stands for a family, where the smallest is not like the others.
RECORDS = {
    "falcon": "tiiuae/falcon-7b", "opt": "facebook/opt-1.3b", "bert": "google-bert/bert-base-uncased", "gpt2": "openai-community/gpt2",
    "stablelm": "stabilityai/stablelm-3b-4e1t", "t5": "google-t5/t5-base", "phi": "microsoft/phi-2",
}  # fmt: skip
# Models of a family whose blocks are of other kinds.
KINDS = {"gemma4 plain": "google/gemma-4-31B-it", "gemma4 experts": "google/gemma-4-26B-A4B", "dinov2 gated": "facebook/dinov2-giant"}
# Models of a family that keep more outside the blocks: recorded under a name of their own, which the product's layout gives (`recordedAs`).
APART = {"hubert layer": "facebook/hubert-large-ll60k", "wav2vec2 layer": "facebook/wav2vec2-large-960h-lv60-self"}
# Packages whose kernels a family's class takes where they are installed; $KERNELS has them for saved_kernels.py.
STATE_SPACES = "mamba-ssm and causal-conv1d"
DELTA_NETS = "flash-linear-attention and causal-conv1d"
KERNELS = dict.fromkeys(("mamba", "jamba", "nemotron_h"), STATE_SPACES) | dict.fromkeys(("qwen3_next", "qwen3_5", "qwen3_5_moe"), DELTA_NETS)
# Families whose decoder is another family's class, where text cannot be run without an image.
SAME = {"blip-2": "opt"}
# Families that transformers has and that cannot be run on fake tensors.
NOT_RUN = {}
# Parts of the positions that a class computes with: DeepSeek V4 joins 4 and 128 keys to one, state spaces keep a state for each chunk.
PARTS = {"deepseek_v4": (4, 128), "nemotron_h": (128,), "qwen3_next": (64,), "qwen3_5": (64,), "qwen3_5_moe": (64,), "mamba": (2048,), "jamba": (2048,)}
# Lengths beside the positions: a share of them, and so many more for each sample. Sound passes convolutions; Mamba-2 adds a state.
WAVE = ((1, 1, 1), (64, 1, 15), (32, 1, 7), (16, 1, 3), (8, 1, 1), (320, 1, 80))
LENGTHS = {name: ((1, 1, -1),) for name in ("vit", "dinov2", "clip", "siglip")} | {"wav2vec2": WAVE, "hubert": WAVE} | {"nemotron_h": ((1, 128, 1),), "deepseek_v4": ((5, 4, 0), (129, 128, 0))}
# How an activation is computed decides what it keeps: as one kernel, as steps in Python, or as relu, which keeps its result.
ACTIVATIONS = {"kernel": "gelu_pytorch_tanh", "python": "gelu_new", "relu": "relu"}
ACTIVATION_NAMES = ("hidden_act", "activation_function", "hidden_activation")


# What a class is given, where it is not tokens and labels.
INPUTS = {
    "ViTForImageClassification": lambda z, config: dict(pixel_values=image(z, config), labels=integers(z["b"])),
    "Dinov2ForImageClassification": lambda z, config: dict(pixel_values=image(z, config), labels=integers(z["b"])),
    "CLIPModel": lambda z, config: dict(pixel_values=image(z, config.vision_config), input_ids=integers(z["b"], z["s"]), return_loss=True),
    "SiglipModel": lambda z, config: dict(pixel_values=image(z, config.vision_config), input_ids=integers(z["b"], z["s"]), return_loss=True),
    "WhisperForConditionalGeneration": lambda z, config: dict(input_features=floats(z["b"], config.num_mel_bins, 2 * config.max_source_positions), labels=integers(z["b"], z["s"])),
    "Wav2Vec2ForSequenceClassification": lambda z, config: dict(input_values=floats(z["b"], 320 * z["s"] + 80), labels=integers(z["b"])),
    "HubertForSequenceClassification": lambda z, config: dict(input_values=floats(z["b"], 320 * z["s"] + 80), labels=integers(z["b"])),
}  # fmt: skip


def integers(*shape):
    return torch.zeros(shape, dtype=torch.long, device="cuda")


def floats(*shape):
    return torch.zeros(shape, device="cuda")


def image(z, config):
    return floats(z["b"], config.num_channels, config.image_size, config.image_size)


def head_of(transformers, architecture):
    """A class with a loss, where the catalog counts one without; a loss that reads values gives way to one that does not."""
    if architecture.startswith("Wav2Vec2"):
        return "Wav2Vec2ForSequenceClassification"
    if architecture in INPUTS or transformers is None:
        return architecture
    if architecture.endswith("Model"):
        for task in ("ForMaskedLM", "ForCausalLM", "ForSequenceClassification", "ForImageClassification"):
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


def record_of(name):
    """The family's verified record with the fewest parameters, or the one that stands for some of its kinds of blocks."""
    model_type = name.split(" ")[0]
    other = KINDS.get(name) or APART.get(name)
    if other:
        return next(dict(r, kinds=name) for r in catalog() if r["id"] == other)
    records = [r for r in catalog() if r["model_type"] == model_type and r["verified"]]
    records = [r for r in records if r["id"] == RECORDS.get(model_type)] or records
    return min(records, key=lambda r: r["parameters"]["total"]) if records else None


def text_config(config):
    for name in ("text_config", "llm_config"):
        if isinstance(config.get(name), dict):
            return config[name]
    return config


def kind_of(module):
    """The word by which the product tells a block from others with the same tensors."""
    return "sparse" if getattr(getattr(module, "mlp", None), "activation_sparsity", 0) > 0 else ""


def loops_of(model_type, sizes):
    """What a class computes in a loop: the chunk's letters, what all chunks are, how many there are, what part of it each is, and
    what part a single chunk is in a real model, where that is not the chunk's own size."""
    if model_type == "dbrx":
        return [("sK", "TK", sizes["E"], 1, 1 / 16)]
    if model_type == "recurrent_gemma":
        return [("b", "T", sizes["s"], 1)]
    if model_type in ("qwen3_next", "qwen3_5", "qwen3_5_moe") and not with_kernels():
        return [("b", "T", sizes["s"] // 64, 1 / 64)]
    return []


def inputs_of(architecture):
    return INPUTS.get(architecture)


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
        if isinstance(tower, dict) and not tower.pop("_sized", False):
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
    special = (FAMILIES.get(record.get("kinds")) or FAMILIES.get(record["model_type"], lambda _: {}))(z)
    layers = special.pop("_layers", 3)
    for name in ("s", "b", "E"):
        z[name] = special.pop("_" + name, z[name])
    text.update(special.pop("_top", {}))
    config.update(special.pop("_config", {}))
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
