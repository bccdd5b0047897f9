"""The points of the memory fixture: a base point per model and one point per thing changed, at reduced depth and full width."""


def _model(model_type, **fields):
    return dict(model_type=model_type, **fields)


_LLAMA = dict(max_position_embeddings=8192, tie_word_embeddings=False)
_TEST = dict(hidden_size=512, intermediate_size=1408, num_attention_heads=8, num_key_value_heads=2, vocab_size=32000)

# fmt: off
MODELS = {
    "test-2": _model("llama", **_TEST, num_hidden_layers=2, tie_word_embeddings=False),
    "test-3": _model("llama", **_TEST, num_hidden_layers=3, tie_word_embeddings=False),
    "llama3-4": _model("llama", hidden_size=4096, intermediate_size=14336, num_hidden_layers=4, num_attention_heads=32, num_key_value_heads=8, vocab_size=128256, **_LLAMA),
    "llama2-4": _model("llama", hidden_size=4096, intermediate_size=11008, num_hidden_layers=4, num_attention_heads=32, num_key_value_heads=32, vocab_size=32000, **_LLAMA),
    "llama2-8": _model("llama", hidden_size=4096, intermediate_size=11008, num_hidden_layers=8, num_attention_heads=32, num_key_value_heads=32, vocab_size=32000, **_LLAMA),
    "llama2-12": _model("llama", hidden_size=4096, intermediate_size=11008, num_hidden_layers=12, num_attention_heads=32, num_key_value_heads=32, vocab_size=32000, **_LLAMA),
    "llama1b-16": _model("llama", hidden_size=2048, intermediate_size=8192, num_hidden_layers=16, num_attention_heads=32, num_key_value_heads=8, head_dim=64, vocab_size=128256, max_position_embeddings=131072, tie_word_embeddings=True),
    "qwen2-4": _model("qwen2", hidden_size=3584, intermediate_size=18944, num_hidden_layers=4, num_attention_heads=28, num_key_value_heads=4, vocab_size=152064, max_position_embeddings=32768, tie_word_embeddings=False),
    "qwen3-4": _model("qwen3", hidden_size=2560, intermediate_size=9728, num_hidden_layers=4, num_attention_heads=32, num_key_value_heads=8, head_dim=128, vocab_size=151936, max_position_embeddings=40960, tie_word_embeddings=True),
    "mistral-4": _model("mistral", hidden_size=4096, intermediate_size=14336, num_hidden_layers=4, num_attention_heads=32, num_key_value_heads=8, vocab_size=32768, sliding_window=None, max_position_embeddings=32768, tie_word_embeddings=False),
    "gemma2-4": _model("gemma2", hidden_size=2304, intermediate_size=9216, num_hidden_layers=4, num_attention_heads=8, num_key_value_heads=4, head_dim=256, vocab_size=256000, max_position_embeddings=8192, tie_word_embeddings=True),
    "phi3-4": _model("phi3", hidden_size=3072, intermediate_size=8192, num_hidden_layers=4, num_attention_heads=32, num_key_value_heads=32, vocab_size=32064, max_position_embeddings=4096, sliding_window=None, tie_word_embeddings=False, pad_token_id=0),
    "gpt2-6": _model("gpt2", n_embd=1024, n_layer=6, n_head=16, vocab_size=50257, n_positions=2048),
    "neox-4": _model("gpt_neox", hidden_size=2560, intermediate_size=10240, num_hidden_layers=4, num_attention_heads=32, vocab_size=50432, max_position_embeddings=2048, tie_word_embeddings=False),
    "opt-4": _model("opt", hidden_size=2048, ffn_dim=8192, num_hidden_layers=4, num_attention_heads=32, vocab_size=50272, max_position_embeddings=2048, word_embed_proj_dim=2048),
    "mixtral-2": _model("mixtral", hidden_size=2048, intermediate_size=7168, num_hidden_layers=2, num_attention_heads=16, num_key_value_heads=4, vocab_size=32000, num_local_experts=8, num_experts_per_tok=2, max_position_embeddings=32768, tie_word_embeddings=False, sliding_window=None),
    "olmoe-2": _model("olmoe", hidden_size=2048, intermediate_size=1024, num_hidden_layers=2, num_attention_heads=16, num_key_value_heads=16, vocab_size=50304, num_experts=64, num_experts_per_tok=8, max_position_embeddings=4096, tie_word_embeddings=False),
    "bert-6": _model("bert", hidden_size=1024, intermediate_size=4096, num_hidden_layers=6, num_attention_heads=16, vocab_size=30522, max_position_embeddings=2048),
    "phi-4": _model("phi", hidden_size=2048, intermediate_size=8192, num_hidden_layers=4, num_attention_heads=32, vocab_size=51200, partial_rotary_factor=0.5, max_position_embeddings=2048, tie_word_embeddings=False),
    "phitanh-4": _model("phi", hidden_size=2048, intermediate_size=8192, num_hidden_layers=4, num_attention_heads=32, vocab_size=51200, partial_rotary_factor=0.5, max_position_embeddings=2048, tie_word_embeddings=False, hidden_act="gelu_pytorch_tanh"),
    "starcoder2-4": _model("starcoder2", hidden_size=3072, intermediate_size=12288, num_hidden_layers=4, num_attention_heads=24, num_key_value_heads=2, vocab_size=49152, max_position_embeddings=16384, sliding_window=None, tie_word_embeddings=True),
    "gemma3-4": _model("gemma3_text", hidden_size=1152, intermediate_size=6912, num_hidden_layers=4, num_attention_heads=4, num_key_value_heads=1, head_dim=256, vocab_size=262144, max_position_embeddings=32768, sliding_window=512, tie_word_embeddings=True),
    "falcon-4": _model("falcon", hidden_size=2048, num_hidden_layers=4, num_attention_heads=32, num_kv_heads=32, vocab_size=50304, multi_query=False, new_decoder_architecture=False, parallel_attn=True, alibi=False, bias=False, tie_word_embeddings=True),
    "bloom-4": _model("bloom", hidden_size=2048, n_layer=4, n_head=16, vocab_size=250880, hidden_dropout=0.0, attention_dropout=0.0, tie_word_embeddings=True),
    "mpt-4": _model("mpt", d_model=2048, n_layers=4, n_heads=16, vocab_size=50368, max_seq_len=2048, tie_word_embeddings=True),
    "llama32-28": _model("llama", hidden_size=3072, intermediate_size=8192, num_hidden_layers=28, num_attention_heads=24, num_key_value_heads=8, head_dim=128, vocab_size=128256, max_position_embeddings=131072, tie_word_embeddings=True),
    "t5-3": _model("t5", d_model=1024, d_ff=2816, num_layers=3, num_decoder_layers=3, num_heads=16, d_kv=64, vocab_size=32128, feed_forward_proj="gated-gelu", tie_word_embeddings=True, decoder_start_token_id=0, pad_token_id=0),
}
# fmt: on

_CLASSES = {"bert": "mlm", "t5": "seq2seq"}
_EAGER_ONLY = ("gemma2", "bloom", "mpt")
_ALL_LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
_ACCELERATE = dict(param="bf16", reduce="bf16", output="bf16")
_CPU = dict(device="cpu", pin_memory=True)
_OPTIMIZER = dict(offload_optimizer=_CPU)
_BOTH = dict(offload_optimizer=_CPU, offload_param=_CPU)


def _auto(hidden):
    """What the Trainer fills in for "auto": accelerate/accelerator.py."""
    return dict(
        overlap_comm=True,
        reduce_bucket_size=hidden * hidden,
        stage3_prefetch_bucket_size=int(0.9 * hidden * hidden),
        stage3_param_persistence_threshold=10 * hidden,
    )


_SEED = dict(
    overlap_comm=True,
    contiguous_gradients=True,
    sub_group_size=int(1e8),
    reduce_bucket_size=int(5e7),
    stage3_prefetch_bucket_size=int(5e7),
    stage3_param_persistence_threshold=40960,
    stage3_max_live_parameters=int(1e8),
    stage3_max_reuse_distance=int(1e8),
    **_BOTH,
)


def points():
    found = []

    def add(model, tag, **changes):
        family = model.split("-")[0]
        attention = "eager" if family in _EAGER_ONLY else "sdpa"
        base = dict(model=model, dtype="bf16", attn=attention, micro_batch=2, seq_len=1024)
        base["class"] = _CLASSES.get(family, "causal_lm")
        found.append(dict(dict(id=f"{family}-{tag}", **base), **changes))

    _exact(add)
    _llama(add)
    _sharded(add)
    _published(add)
    for name in MODELS:
        family = name.split("-")[0]
        if name in ("test-2", "test-3", "llama3-4", "llama2-8", "llama2-12", "llama32-28"):
            continue
        add(name, "base")
        add(name, "ckpt", checkpointing=True)
        if family not in _EAGER_ONLY:
            add(name, "eager", attn="eager")
        if family not in ("mixtral", "olmoe"):
            add(name, "amp", dtype="amp_bf16")
        add(name, "b1s512", micro_batch=1, seq_len=512)
        if family not in ("t5", "bert", "gpt2", "mixtral", "olmoe", "phitanh", "falcon", "bloom", "mpt"):
            add(name, "lora", lora=dict(r=16, target_modules="all-linear"))
    return found


def _exact(add):
    """The layer on which the closed formulas were first counted, without rounding; two depths, so that a layer is a difference."""
    for layers in (2, 3):
        common = dict(seq_len=256, granularity=1)
        add(f"test-{layers}", f"bf16-L{layers}", **common)
        add(f"test-{layers}", f"eager-L{layers}", attn="eager", **common)
        add(f"test-{layers}", f"amp-L{layers}", dtype="amp_bf16", **common)
        add(f"test-{layers}", f"fp32-L{layers}", dtype="fp32", **common)
        add(f"test-{layers}", f"ckpt-L{layers}", checkpointing=True, **common)
        add(f"test-{layers}", f"ampckpt-L{layers}", dtype="amp_bf16", checkpointing=True, **common)


def _llama(add):
    m = "llama3-4"
    small = dict(micro_batch=1, seq_len=128)
    lora = dict(r=16, target_modules=_ALL_LINEAR)
    add(m, "base")
    add(m, "ckpt", checkpointing=True)
    for length in (256, 1000, 4096):
        add(m, f"s{length}", seq_len=length)
    add(m, "b1", micro_batch=1)
    add(m, "b5", micro_batch=5)
    add(m, "eager", attn="eager")
    add(m, "mask", mask=True)
    add(m, "fp32", dtype="fp32")
    add(m, "amp", dtype="amp_bf16")
    add(m, "ampckpt", dtype="amp_bf16", checkpointing=True)
    add(m, "ga2", grad_accum=2)
    add(m, "ga2small", grad_accum=2, micro_batch=1, seq_len=256)
    add(m, "foreach", optimizer="adamw_foreach")
    add(m, "foreachsmall", optimizer="adamw_foreach", **small)
    add(m, "amp-foreach-small", dtype="amp_bf16", optimizer="adamw_foreach", **small)
    add(m, "sgd", optimizer="sgd")
    add(m, "adafactor", optimizer="adafactor")
    add(m, "lora", lora=lora)
    add(m, "loraqv", lora=dict(r=16, target_modules=["q_proj", "v_proj"]))
    add(m, "loraall-ckpt", lora=lora, checkpointing=True)


def _published(add):
    """What published measurements ran: dropout on adapters, padded LoRA, eager BERT under autocast, a whole 3B."""
    m = "llama3-4"
    drop = dict(r=16, target_modules=_ALL_LINEAR, dropout=0.1)
    add(m, "loradrop", lora=drop)
    add(m, "loradropqv", lora=dict(r=16, target_modules=["q_proj", "v_proj"], dropout=0.1))
    add(m, "loradrop-ckpt", lora=drop, checkpointing=True)
    add(m, "loradrop-amp", lora=drop, dtype="amp_bf16")
    add(m, "fsdp8-loradrop", world=8, lora=drop, checkpointing=True, sharding="fsdp2", fsdp=_ACCELERATE, dtype="amp_bf16")
    add(m, "zero3-loradrop", world=4, lora=drop, checkpointing=True, sharding="zero3", zero=_auto(4096))
    add(m, "loramask", lora=dict(r=16, target_modules=["q_proj", "v_proj"]), mask=True, micro_batch=4, seq_len=768)
    add("bert-6", "eager-amp", attn="eager", dtype="amp_bf16")
    add("bert-6", "eager-amp-ckpt", attn="eager", dtype="amp_bf16", checkpointing=True)
    add("bert-6", "eager-fp32", attn="eager", dtype="fp32")
    add("bert-6", "eager-fp32-mask", attn="eager", dtype="fp32", mask=True)
    add("llama32-28", "base", seq_len=4096)


def _sharded(add):
    m = "llama3-4"
    short = dict(micro_batch=1, seq_len=512)
    small = dict(micro_batch=1, seq_len=128)
    mixed = dict(sharding="fsdp2", fsdp=_ACCELERATE, dtype="amp_bf16")
    for world in (2, 8, 64):
        add(m, f"fsdp{world}", world=world, **mixed)
    add(m, "fsdp8-ckpt", world=8, checkpointing=True, **mixed)
    add(m, "fsdp8-ckpt-small", world=8, checkpointing=True, micro_batch=1, seq_len=256, **mixed)
    add(m, "fsdp8-pure", world=8, sharding="fsdp2", fsdp={})
    add(m, "fsdp8-noreshard", world=8, sharding="fsdp2", fsdp=dict(_ACCELERATE, reshard=False), dtype="amp_bf16")
    add(m, "hsdp2x8", world=16, replicate=2, **mixed)
    add(m, "fsdp8-ga2", world=8, grad_accum=2, **mixed)
    add(m, "fsdp8-lora", world=8, lora=dict(r=16, target_modules=_ALL_LINEAR), **mixed)
    add("llama2-12", "fsdp8-12", world=8, checkpointing=True, **mixed, **short)
    add("llama1b-16", "fsdp4", world=4, checkpointing=True, **mixed)

    def zero(tag, stage, keys, model=m, world=4, **changes):
        add(model, tag, sharding=f"zero{stage}", world=world, zero=keys, **changes)

    for stage in (1, 2, 3):
        keys = _auto(4096) if stage == 3 else dict(overlap_comm=True)
        zero(f"zero{stage}-auto", stage, keys)
        zero(f"zero{stage}-small", stage, keys, **small)
        zero(f"zero{stage}-ckpt", stage, keys, checkpointing=True, **short)
        zero(f"zero{stage}-off", stage, dict(keys, **_OPTIMIZER), checkpointing=True, **short)
        for world in (2, 8):
            keys1b = _auto(2048) if stage == 3 else dict(overlap_comm=True)
            zero(f"zero{stage}-d{world}", stage, keys1b, model="llama1b-16", world=world, checkpointing=True)
            zero(f"zero{stage}-d{world}", stage, keys, model="llama2-12", world=world, checkpointing=True, **short)
            zero(f"zero{stage}-nockpt-d{world}", stage, keys, model="llama2-8", world=world, seq_len=2048)
    buckets = dict(overlap_comm=False, reduce_bucket_size=int(5e7), allgather_bucket_size=int(5e7))
    zero("zero2-d16", 2, dict(overlap_comm=False), world=16, **short)
    zero("zero2-bucket5e7", 2, buckets, **small)
    zero("zero1-bucket5e7", 1, buckets, **small)
    zero("zero1-ga2", 1, dict(overlap_comm=True), checkpointing=True, grad_accum=2, **short)
    zero("zero2-ga2", 2, dict(overlap_comm=True), checkpointing=True, grad_accum=2, **short)
    zero("zero2-off-d8", 2, dict(overlap_comm=True, **_OPTIMIZER), world=8, checkpointing=True, **short)
    zero("zero2-off-ga2", 2, dict(overlap_comm=True, **_OPTIMIZER), checkpointing=True, grad_accum=2, **short)
    zero("zero3-default", 3, {}, **short)
    zero("zero3-off2", 3, dict(_auto(4096), **_BOTH), checkpointing=True, **short)
    zero("zero3-off-d8", 3, dict(_auto(4096), **_OPTIMIZER), world=8, checkpointing=True, **short)
    zero("zero3-ga2", 3, _auto(4096), checkpointing=True, grad_accum=2, **short)
    zero("zero3-b4", 3, _auto(4096), checkpointing=True, micro_batch=4, seq_len=2048)
    zero("zero3-small-d8", 3, _auto(4096), world=8, **small)
    zero("zero3-off2-d8", 3, dict(_auto(4096), **_BOTH), model="llama2-12", world=8, checkpointing=True)
    zero("seed-512", 3, _SEED, checkpointing=True, grad_accum=2, **short)
    for world in (2, 4, 8, 16):
        tag = "seed-80" if world == 4 else f"seed-80-d{world}"
        zero(tag, 3, _SEED, world=world, checkpointing=True, grad_accum=2, micro_batch=1, seq_len=80)
