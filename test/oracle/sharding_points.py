"""The points of the sharding fixture: every kind of sharding on models of several families, at full width and mostly full depth."""
from memory_points import _ACCELERATE, _ALL_LINEAR, _BOTH, _OPTIMIZER, _auto, _model

# fmt: off
MODELS = {
    "llama3-4": _model("llama", hidden_size=4096, intermediate_size=14336, num_hidden_layers=4, num_attention_heads=32, num_key_value_heads=8, vocab_size=128256, max_position_embeddings=8192, tie_word_embeddings=False),
    "qwen3-4": _model("qwen3", hidden_size=2560, intermediate_size=9728, num_hidden_layers=4, num_attention_heads=32, num_key_value_heads=8, head_dim=128, vocab_size=151936, max_position_embeddings=40960, tie_word_embeddings=True),
    "mistral-5": _model("mistral", hidden_size=4096, intermediate_size=14336, num_hidden_layers=5, num_attention_heads=32, num_key_value_heads=8, vocab_size=32768, sliding_window=None, max_position_embeddings=32768, tie_word_embeddings=False),
    "gpt2-8": _model("gpt2", n_embd=1600, n_layer=8, n_head=25, vocab_size=50257, n_positions=2048),
    "opt-6": _model("opt", hidden_size=2048, ffn_dim=8192, num_hidden_layers=6, num_attention_heads=32, vocab_size=50272, max_position_embeddings=2048, word_embed_proj_dim=2048),
    "olmoe-2": _model("olmoe", hidden_size=2048, intermediate_size=1024, num_hidden_layers=2, num_attention_heads=16, num_key_value_heads=16, vocab_size=50304, num_experts=64, num_experts_per_tok=8, max_position_embeddings=4096, tie_word_embeddings=False),
    "qwen2-3": _model("qwen2", hidden_size=3584, intermediate_size=18944, num_hidden_layers=3, num_attention_heads=28, num_key_value_heads=4, vocab_size=152064, max_position_embeddings=32768, tie_word_embeddings=False),
    "qwen3moe-3": _model("qwen3_moe", hidden_size=2048, moe_intermediate_size=768, intermediate_size=6144, num_hidden_layers=3, num_attention_heads=32, num_key_value_heads=4, head_dim=128, vocab_size=16384, num_experts=32, num_experts_per_tok=8, max_position_embeddings=4096, norm_topk_prob=True, tie_word_embeddings=False),
    "mixtral-2": _model("mixtral", hidden_size=4096, intermediate_size=14336, num_hidden_layers=2, num_attention_heads=32, num_key_value_heads=8, vocab_size=32000, num_local_experts=8, num_experts_per_tok=2, max_position_embeddings=4096, sliding_window=None, tie_word_embeddings=False),
    "phi3-6": _model("phi3", hidden_size=3072, intermediate_size=8192, num_hidden_layers=6, num_attention_heads=32, num_key_value_heads=32, vocab_size=32064, max_position_embeddings=4096, sliding_window=None, tie_word_embeddings=False, pad_token_id=0),
}
# fmt: on

# A few at full depth, as proof that depth is all that the others lack.
_FULL = {"llama3": 32, "qwen3": 36, "gpt2": 48, "mistral": 32, "olmoe": 8}
_PROOF = ("fsdp8", "z2-d16-auto", "z3-d16-auto")
# Run with expert parallelism alone.
_SPREAD = ("qwen3moe-3", "mixtral-2")
_SHALLOW = tuple(name for name in MODELS if name not in _SPREAD)
for _name in _SHALLOW:
    _family = _name.split("-")[0]
    _depth = "n_layer" if _family == "gpt2" else "num_hidden_layers"
    if _family in _FULL:
        MODELS[f"{_family}-{_FULL[_family]}"] = dict(MODELS[_name], **{_depth: _FULL[_family]})


_MIXED = dict(sharding="fsdp2", fsdp=_ACCELERATE, dtype="amp_bf16")
_LINEAR = {
    "gpt2": ["c_attn", "c_fc"],
    "opt": ["q_proj", "v_proj", "fc1", "fc2"],
    "phi3": ["qkv_proj", "o_proj"],
    "olmoe": ["q_proj", "k_proj", "v_proj", "o_proj"],
}


def _hidden(name):
    return MODELS[name].get("hidden_size") or MODELS[name]["n_embd"]


def points():
    """Each kind on models in turn, so that a recording that is cut short has something of every kind."""
    found = []

    def add(name, kind):
        base = dict(id=f"{name}-{kind}", model=name, dtype="bf16", attn="sdpa", micro_batch=2, seq_len=2048)
        base["class"] = "causal_lm"
        found.append(dict(base, **dict(_rows(name))[kind]))

    few = {kind for kind, _ in _more(_SHALLOW[0], _MIXED, {})}
    kinds = [(index, kind) for index, (kind, _) in enumerate(_rows(_SHALLOW[0]))]
    for index, kind in kinds:
        for step in range(1 if kind in few else 4):
            add(_SHALLOW[(index + step) % len(_SHALLOW)], kind)
    for index, kind in kinds:
        if kind in few:
            add(_SHALLOW[(index + 1) % len(_SHALLOW)], kind)
    for name in _SPREAD:
        for kind, row in _spread_rows(name):
            base = dict(id=f"{name}-{kind}", model=name, dtype="bf16", attn="sdpa", micro_batch=2, seq_len=1024) | row
            base["class"] = "causal_lm"
            found.append(base)
    for name in MODELS:
        if name in _SPREAD:
            continue
        for kind in _PROOF if name not in _SHALLOW else ():
            add(name, kind)
    return found


def _rows(name):
    full, short = dict(checkpointing=True), dict(checkpointing=True, micro_batch=1, seq_len=512)
    # Experts are one grouped product in 16 bits only.
    mixed = dict(_MIXED) if name != "olmoe-3" else dict(_MIXED, dtype="bf16", fsdp={})
    yield "fsdp8", dict(world=8, **mixed)
    yield "z2-d16-auto", dict(sharding="zero2", world=16, zero=_stage12(name), **full)
    yield "z3-d16-auto", dict(sharding="zero3", world=16, zero=_auto(_hidden(name)), **full)
    yield "fsdp2", dict(world=2, **mixed, **full)
    yield "z1-d4-auto", dict(sharding="zero1", world=4, zero=_stage12(name), **full)
    yield "z3-d4-default", dict(sharding="zero3", world=4, zero={}, **full)
    yield "fsdp64", dict(world=64, **mixed, **full)
    yield "fsdp8-pure", dict(world=8, sharding="fsdp2", fsdp={}, **full)
    yield "fsdp8-noreshard", dict(world=8, **dict(mixed, fsdp=dict(mixed["fsdp"], reshard=False)), **full)
    yield "hsdp2x8", dict(world=16, replicate=2, **mixed, **full)
    yield "fsdp8-ga2", dict(world=8, grad_accum=2, **mixed, **full)
    yield "z2-d4-default", dict(sharding="zero2", world=4, zero={}, **full)
    yield "z1-d16-default", dict(sharding="zero1", world=16, zero={}, **full)
    yield "z3-d4-off", dict(sharding="zero3", world=4, zero=dict(_auto(_hidden(name)), **_OPTIMIZER), **full)
    yield "z3-d4-off2", dict(sharding="zero3", world=4, zero=dict(_auto(_hidden(name)), **_BOTH), **full)
    yield "fsdp8-foreach", dict(world=8, optimizer="adamw_foreach", **mixed, **short)
    yield "fsdp8-sgd", dict(world=8, optimizer="sgd", **mixed, **full)
    yield "fsdp8-adafactor", dict(world=8, optimizer="adafactor", **mixed, **short)
    yield "fsdp1-8", dict(world=8, sharding="fsdp1", fsdp=_ACCELERATE, dtype=mixed["dtype"], **full)
    yield "fsdp1-8-grad", dict(world=8, sharding="fsdp1", fsdp=dict(_ACCELERATE, strategy="SHARD_GRAD_OP"), dtype=mixed["dtype"], **full)
    yield "fsdp1-8-pure", dict(world=8, sharding="fsdp1", fsdp={}, **full)
    yield "z1-d4-ga2", dict(sharding="zero1", world=4, grad_accum=2, zero=_stage12(name), **full)
    yield "z2-d4-ga2", dict(sharding="zero2", world=4, grad_accum=2, zero=_stage12(name), **full)
    yield "z3-d4-ga2", dict(sharding="zero3", world=4, grad_accum=2, zero=_auto(_hidden(name)), **full)
    yield "z1-d4-off", dict(sharding="zero1", world=4, zero=dict(_stage12(name), **_OPTIMIZER), **full)
    yield "z2-d4-off", dict(sharding="zero2", world=4, zero=dict(_stage12(name), **_OPTIMIZER), **full)
    yield "fsdp8-pure-noreshard", dict(world=8, sharding="fsdp2", fsdp=dict(reshard=False), **full)
    yield "fsdp64-pure-ga2", dict(world=64, sharding="fsdp2", fsdp={}, grad_accum=2, **full)
    yield "fsdp8-lora", dict(world=8, lora=_lora(name), **mixed, **full)
    yield "z3-d4-lora", dict(sharding="zero3", world=4, lora=_lora(name), zero=_auto(_hidden(name)), **full)
    yield "z2-d4-lora", dict(sharding="zero2", world=4, lora=_lora(name), zero=_stage12(name), **full)
    yield "fsdp8-off", dict(world=8, offload=True, **mixed, **full)
    yield "z3-d16-default-nockpt", dict(sharding="zero3", world=16, zero={}, micro_batch=1, seq_len=1024)
    yield "z2-d16-nockpt", dict(sharding="zero2", world=16, zero=_stage12(name), micro_batch=1, seq_len=1024)
    wide = dict(config=dict(data_types=dict(grad_accum_dtype="fp32")))
    yield "z1-d4-fp32grads", dict(sharding="zero1", world=4, zero=_stage12(name), **wide, **full)
    yield "z1-d4-fp32grads-ga2", dict(sharding="zero1", world=4, zero=_stage12(name), grad_accum=2, **wide, **full)
    yield "z2-d4-fp32grads", dict(sharding="zero2", world=4, zero=_stage12(name), **wide, **full)
    yield "z3-d4-fp32grads", dict(sharding="zero3", world=4, zero=_auto(_hidden(name)), **wide, **full)
    yield "fsdp8-small", dict(world=8, **mixed, **short)
    yield from _more(name, mixed, full)


def _more(name, mixed, full):
    """What real configs ask for beside: offload with accumulation and without overlap, stage 0, ZeRO++, other types and optimizers."""
    stage12, auto = _stage12(name), _auto(_hidden(name))
    yield "z1-d4-off-ga2", dict(sharding="zero1", world=4, grad_accum=2, zero=dict(stage12, **_OPTIMIZER), **full)
    yield "z2-d4-off-ga2", dict(sharding="zero2", world=4, grad_accum=2, zero=dict(stage12, **_OPTIMIZER), **full)
    yield "z3-d4-off2-ga2", dict(sharding="zero3", world=4, grad_accum=2, zero=dict(auto, **_BOTH), **full)
    yield "z1-d4-off-default", dict(sharding="zero1", world=4, zero=_OPTIMIZER, **full)
    yield "z2-d4-off-default", dict(sharding="zero2", world=4, zero=_OPTIMIZER, **full)
    yield "z1-d4-lora", dict(sharding="zero1", world=4, lora=_lora(name), zero=stage12, **full)
    yield "z0-d4", dict(sharding="zero0", world=4, zero={}, **full)
    yield "z0-d4-fused", dict(sharding="zero0", world=4, zero={}, optimizer="ds_adam", **full)
    yield "z0-d4-ga2", dict(sharding="zero0", world=4, grad_accum=2, zero={}, **full)
    yield "z3-d16-hpz4", dict(sharding="zero3", world=16, zero=dict(auto, zero_hpz_partition_size=4), **full)
    yield "z3-d16-qw", dict(sharding="zero3", world=16, zero=dict(auto, zero_quantized_weights=True), **full)
    yield "z3-d16-qg", dict(sharding="zero3", world=16, gpus_per_node=4, zero=dict(auto, zero_quantized_gradients=True), **full)
    half = dict(config=dict(bf16=dict(enabled=False), fp16=dict(enabled=True, loss_scale=1024)))
    yield "z2-d4-fp16", dict(sharding="zero2", world=4, zero=stage12, **half, **full)
    yield "z3-d4-fp16", dict(sharding="zero3", world=4, zero=auto, **half, **full)
    single = dict(config=dict(bf16=dict(enabled=False)), dtype="fp32")
    yield "z2-d4-fp32", dict(sharding="zero2", world=4, zero=stage12, **single, **full)
    yield "z3-d4-fp32", dict(sharding="zero3", world=4, zero=auto, **single, **full)
    small = dict(checkpointing=True, micro_batch=1, seq_len=128)
    yield "z2-d4-foreach", dict(sharding="zero2", world=4, zero=stage12, optimizer="adamw_foreach", **small)
    yield "z3-d4-foreach", dict(sharding="zero3", world=4, zero=auto, optimizer="adamw_foreach", **small)
    yield "z2-d4-adafactor", dict(sharding="zero2", world=4, zero=stage12, optimizer="adafactor", **small)
    yield "z3-d4-adafactor", dict(sharding="zero3", world=4, zero=auto, optimizer="adafactor", **small)
    yield "fsdp1-8-adafactor", dict(world=8, sharding="fsdp1", fsdp=_ACCELERATE, dtype=mixed["dtype"], optimizer="adafactor", **small)
    yield "z2-d4-muon", dict(sharding="zero2", world=4, zero=stage12, optimizer="muon", **small)
    yield "z3-d4-muon", dict(sharding="zero3", world=4, zero=dict(auto, reduce_scatter=False), optimizer="muon", **small)
    hybrid = dict(_ACCELERATE, strategy="HYBRID_SHARD")
    yield "fsdp1-hybrid2x8", dict(world=16, replicate=2, sharding="fsdp1", fsdp=hybrid, dtype=mixed["dtype"], **full)
    yield "fsdp8-fp32", dict(world=8, sharding="fsdp2", fsdp={}, dtype="fp32", **full)
    yield "fsdp8-nowrap", dict(world=8, **dict(mixed, fsdp=dict(_ACCELERATE, wrap=False)), **full)
    # What stays gathered: by size, up to a number of elements, as far as the next use, and adapters. Short samples, so that it decides.
    few = lambda **keys: dict(sharding="zero3", world=4, zero=dict(auto, **keys), **small)  # noqa: E731
    yield "z3-d4-persist", few(stage3_param_persistence_threshold=20_000_000)
    yield "z3-d4-persist-all", few(stage3_param_persistence_threshold=2_000_000_000)
    yield "z3-d4-persist-some", few(stage3_param_persistence_threshold=20_000_000, stage3_model_persistence_threshold=30_000_000)
    yield "z3-d4-live", few(stage3_max_live_parameters=100_000_000, stage3_max_reuse_distance=100_000_000)
    yield "z3-d4-live0", few(stage3_max_live_parameters=0, stage3_max_reuse_distance=0, stage3_prefetch_bucket_size=0)
    yield "z3-d4-lora-persist", dict(few(stage3_param_persistence_threshold=1_000_000, stage3_max_live_parameters=0, stage3_max_reuse_distance=0), lora=_lora(name))
    yield "fsdp1-8-off", dict(world=8, sharding="fsdp1", offload=True, fsdp=_ACCELERATE, dtype=mixed["dtype"], **full)


def _spread_rows(name):
    """AutoEP: experts over 2 or 4 of 8 ranks, with and without recomputation, and the same without it."""
    full = dict(checkpointing=True)
    apart = lambda size: dict(config=dict(expert_parallel=dict(enabled=True, autoep_size=size)))  # noqa: E731
    for stage in (1, 2, 3):
        zero = _auto(_hidden(name)) if stage == 3 else _stage12(name)
        run = dict(sharding=f"zero{stage}", world=8, zero=zero, optimizer="ds_adam")
        yield f"z{stage}-d8-ep4", dict(run, **apart(4), **full)
        if stage < 3:
            yield f"z{stage}-d8-ep2-nockpt", dict(run, **apart(2))
    yield "z2-d8-ep4-long", dict(sharding="zero2", world=8, zero=_stage12(name), optimizer="ds_adam", **apart(4), **full) | dict(micro_batch=8, seq_len=2048)


def _stage12(name):
    """"auto" of the Trainer for stages 1 and 2: only the bucket follows the hidden size."""
    return dict(overlap_comm=True, reduce_bucket_size=_hidden(name) ** 2)


def _lora(name):
    return dict(r=16, target_modules=_LINEAR.get(name.split("-")[0], _ALL_LINEAR))
