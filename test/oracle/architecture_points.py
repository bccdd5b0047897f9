"""Points that hold the recordings of server/data/activations.json to whole steps: every family of the catalog at full width and few
layers, one thing changed at a time, and the combinations that a seed picks."""
import json
import os
import random

import saved_models as models

# Of each family that is trained most: the axes of a grid. Of the others: a base and what chance picks.
WELL_KNOWN = (
    "llama", "qwen2", "qwen3", "mistral", "gemma2", "gemma3_text", "phi3", "gpt2", "gpt_neox", "opt", "olmo2", "starcoder2", "mixtral",
    "qwen2_moe", "olmoe", "deepseek_v2", "bert", "roberta", "t5", "phi",
)  # fmt: skip
RECORDS = dict(models.RECORDS) | {
    "llama": "meta-llama/Llama-3.1-8B", "qwen2": "Qwen/Qwen2.5-3B", "qwen3": "Qwen/Qwen3-4B", "mistral": "mistralai/Mistral-7B-v0.3",
    "gemma2": "google/gemma-2-2b", "phi3": "microsoft/Phi-3-mini-4k-instruct", "deepseek_v2": "deepseek-ai/DeepSeek-V2-Lite",
}  # fmt: skip
# memory_points.py has the base, checkpointing, eager attention, autocast and LoRA of most of these.
AXES = [
    ("mask", dict(mask=True)),
    ("fp32", dict(dtype="fp32")),
    ("b5s1000", dict(micro_batch=5, seq_len=1000)),
    ("loraamp", dict(lora=dict(r=16, target_modules="all-linear"), dtype="amp_bf16")),
]
CHANGES = [
    dict(seq_len=256), dict(micro_batch=1, seq_len=3000), dict(micro_batch=5, seq_len=1000), dict(mask=True), dict(attn="eager"),
    dict(dtype="amp_bf16"), dict(dtype="fp32"), dict(checkpointing=True), dict(grad_accum=2), dict(optimizer="adamw_foreach"),
    dict(lora=dict(r=16, target_modules="all-linear")),
]  # fmt: skip
# Classes whose linear layers PEFT names in no common way, and stacked experts, whose adapters PEFT makes as whole matrices.
NO_LORA = ("gpt2", "t5", "mt5", "gpt_bigcode", "mamba", "jamba", "bert", "roberta", "mixtral", "olmoe", "qwen2_moe", "qwen3_moe", "deepseek_v2", "deepseek_v3", "granitemoe", "gpt_oss", "glm4_moe", "phimoe", "llama4", "dbrx", "deepseek_v32", "deepseek_v4", "glm_moe_dsa", "kimi_k25", "mimo_v2_flash", "nemotron_h", "qwen3_next", "qwen3_5_moe_text", "gemma4 experts", "recurrent_gemma", "whisper", "glm4v")  # fmt: skip
# State spaces, gated delta nets and sparse attention.
HYBRIDS = ("mamba", "nemotron_h", "jamba", "qwen3_next", "qwen3_5_text", "gemma3n_text", "deepseek_v32")
# Decoders of composite models, which are compared alone.
ALONE = {"qwen3_5_text": "Qwen3_5ForCausalLM", "qwen3_5_moe_text": "Qwen3_5MoeForCausalLM"}
# Images and sound, whose length the config fixes or whose mask is none of tokens.
NO_TEXT = ("dinov2", "wav2vec2", "hubert")
# Keys that say of which kind each layer is.
KINDS_OF_LAYERS = (
    "layer_types", "num_kv_shared_layers", "activation_sparsity_pattern", "hybrid_override_pattern", "compress_ratios", "indexer_types",
    "mlp_layer_types", "hybrid_layer_pattern", "moe_layer_freq", "attn_layer_period", "attn_layer_offset", "block_types", "num_hash_layers",
    "final_logit_softcapping", "apply_spec_augment",
)  # fmt: skip
# Towers that no image passes through get no gradients, and transformers 5.23 ties what the catalog counts apart (mt5).
NOT_COMPARABLE = ("qwen2_vl", "qwen2_5_vl", "qwen3_vl", "llava", "llava_next", "mistral3", "internvl", "idefics3", "paligemma", "mt5", "glm4v", "idefics2", "qwen2_audio", "kimi_k25", "qwen3_5", "qwen3_5_moe", "blip-2")


def record_of(family):
    records = [r for r in models.catalog() if r["model_type"] == family and r["verified"]]
    chosen = [r for r in records if r["id"] == RECORDS.get(family)] or [r for r in records if r["parameters"]["total"] > 3e8]
    return min(chosen or records, key=lambda r: r["parameters"]["total"])


def model_of(family):
    """A record's config at few layers; what FAMILIES says of layers is enough to have every kind of block."""
    if family in ALONE:
        config, record = model_of(family[: -len("_text")])
        return dict(config["text_config"], model_type=family), dict(record, model_type=family, architecture=ALONE[family])
    other = models.KINDS.get(family) or models.APART.get(family)
    record = next((r for r in models.catalog() if r["id"] == other), None) or record_of(family)
    sized = models.FAMILIES.get(family, lambda _: {})(dict(models.VARIANTS[0], n=8))
    config = models.with_layers(json.loads(json.dumps(record["config"])), sized.get("_layers", 3))
    text = models.text_config(config)
    text.update({name: sized[name] for name in KINDS_OF_LAYERS if name in sized})
    config.update(sized.get("_config", {}) if family.startswith("gemma4") else {})
    for name in ("first_k_dense_replace", "moe_layer_start_index"):
        if models.text_config(config).get(name):
            models.text_config(config)[name] = 1
    if not set(models.POSITIONS) & set(models.text_config(config)):
        models.text_config(config)["max_position_embeddings"] = 4096
    for name in models.POSITIONS:
        if name in models.text_config(config):
            models.text_config(config)[name] = max(4096, models.text_config(config)[name] or 0)
    return dict(config, model_type=family.split(" ")[0]), record


def points(families):
    """Models and points of these families."""
    named, found = {}, []
    for family in families:
        if family in NOT_COMPARABLE:
            continue
        config, record = model_of(family)
        named[family] = config
        base = dict(model=family, architecture=record["architecture"], dtype="bf16", attn="sdpa", micro_batch=2, seq_len=1024)
        if models.inputs_of(models.head_of(None, record["architecture"])) or record["model_type"] in NO_TEXT:
            base |= dict(micro_batch=32, seq_len=dict(whisper=256, wav2vec2=500, hubert=500).get(record["model_type"], 77))
        if family == "recurrent_gemma":
            base["seq_len"] = 256  # Its scan is a loop over tokens.
        changes = [("base", {})]
        picks = random.Random(family)
        if family in WELL_KNOWN:
            changes += AXES
        if family in HYBRIDS:
            # What the backward of a block needs decides only where samples are many.
            changes += [("b8s2048", dict(micro_batch=8, seq_len=2048))]
        for i in range(2):
            mixed = {}
            for change in picks.sample(CHANGES, picks.choice((1, 2, 3)) if i else 1):
                mixed |= change
            if family == "recurrent_gemma":
                mixed.pop("seq_len", None)
            if base["micro_batch"] == 32:
                mixed = {name: value for name, value in mixed.items() if name not in ("seq_len", "mask", "lora", "micro_batch")}
            changes.append((f"mix{i + 1}", mixed))
        for tag, change in changes:
            point = dict(dict(id=f"{family}-{tag}", **base), **change)
            if "lora" in point and family in NO_LORA or point["attn"] == "eager" and point["seq_len"] > 2048:
                continue
            found.append(point)
    return named, found


def moe_lora_points():
    """Mixtures whose experts PEFT adapts too, and the same with adapters on attention alone: `record_architectures.py OUT moe-lora`."""
    named, found = {}, []
    for family in ("olmoe", "qwen3_moe", "mixtral"):
        named[family], record = model_of(family)
        base = dict(model=family, architecture=record["architecture"], dtype="bf16", attn="sdpa", micro_batch=2, seq_len=1024)
        everywhere = dict(r=16, target_modules="all-linear")
        found += [
            dict(id=f"{family}-lora", lora=everywhere, **base),
            dict(id=f"{family}-loragc", lora=everywhere, checkpointing=True, **base),
            dict(id=f"{family}-loraattn", lora=dict(r=16, target_modules=["q_proj", "v_proj"]), **base),
        ]
    return named, found


if __name__ == "__main__":
    with open(models.CATALOG) as file:
        every = sorted({r["model_type"] for r in json.load(file)["models"] if r["verified"]})
    print(len(points(every)[1]), os.getpid())
