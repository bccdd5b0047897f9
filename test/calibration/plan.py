"""The grid, in the order of what a point teaches: whoever has ten minutes runs the first ten minutes of it.

A point is a plain dictionary. Its words are those of `test/bench/accuracy/points.json`, so that a record can be predicted from files.
"""
from models import ALL_LINEAR

_TRAIN = dict(kind="train", sequence=2048, micro=2, accumulation=1, precision="bf16", attention="sdpa", checkpointing="none", optimizer="adamw_torch_fused", sharding="single", world=1)
_LORA = dict(rank=16, targets=ALL_LINEAR)
_QV = dict(rank=8, targets=["q_proj", "v_proj"])
_MIXED = dict(precision="bf16-autocast")


def points():
    """All points, the most telling first. Ids are unique."""
    found = []

    def train(model, tag, **changes):
        found.append({**_TRAIN, "id": f"{model}-{tag}", "model": model, **changes})

    def micro(what):
        found.append(dict(kind="micro", id=f"micro-{what}", what=what))

    for what in ("context", "launch", "gemm", "attention", "elementwise", "transfer"):
        micro(what)
    _axes(train)
    _families(train)
    _sharded(train)
    _trainer(train)
    micro("optimizer"), micro("cpu-adam"), micro("host-copy"), micro("loss")
    _optional(train)
    _engines(train)
    _crosses(train)
    _large(train)
    return found


def _axes(train):
    """One model, one change at a time: each row says what one setting is worth."""
    m = "llama3-1b"
    train(m, "base", eval=True, save=True)
    train(m, "ckpt", checkpointing="full")
    train(m, "amp", **_MIXED)
    train(m, "ga2", accumulation=2)
    train(m, "foreach", optimizer="adamw_torch")
    train(m, "s512b1", sequence=512, micro=1)
    train(m, "s8192b1", sequence=8192, micro=1)
    train(m, "b8", micro=8)
    train(m, "eager", attention="eager")
    train(m, "lora", lora=_LORA)
    train(m, "mask", mask=True)
    train(m, "expandable", allocator="expandable_segments:True")
    train(m, "b8-ckpt", micro=8, checkpointing="full")
    train(m, "amp-ckpt", checkpointing="full", **_MIXED)
    train(m, "s512b1-amp-ga4", sequence=512, micro=1, accumulation=4, **_MIXED)


def _families(train):
    for model in ("qwen2.5-0.5b", "qwen3-0.6b", "gemma3-1b", "gpt2-large", "olmoe-2b", "deepseek2-mla-3b", "gemma2-2b", "llama3-3b"):
        eager = {"attention": "eager"} if model == "gemma2-2b" else {}
        train(model, "base", **eager)
        train(model, "ckpt", checkpointing="full", **eager)


def _sharded(train):
    """Real shards, real gathers, no other ranks: memory of `world` GPUs on one. Their collectives take no time, so neither does the record."""
    m, mixed = "llama3-8b", dict(sharding="fsdp", **_MIXED)
    train(m, "fsdp8-ckpt", world=8, checkpointing="full", micro=1, **mixed)
    train(m, "fsdp64", world=64, micro=1, **mixed)
    train("llama3-1b", "fsdp2", world=2, **mixed)
    train("llama3-3b", "fsdp4-pure", world=4, sharding="fsdp")
    train(m, "fsdp16-ckpt-s8192", world=16, sequence=8192, micro=1, checkpointing="full", save=True, **mixed)
    train(m, "hsdp2x8-ckpt", world=16, replicate=2, micro=1, checkpointing="full", **mixed)
    train(m, "fsdp8-noreshard", world=8, micro=1, checkpointing="full", reshard=False, **mixed)
    train(m, "fsdp8-lora", world=8, micro=1, lora=_LORA, **mixed)
    train("olmoe-2b", "fsdp32", world=32, **mixed)


def _trainer(train):
    """The Trainer itself, from a checkpoint on disk: what a user runs."""
    train("qwen2.5-0.5b", "trainer", kind="trainer", eval=True, save=True)
    train("llama3-1b", "trainer-amp-ckpt", kind="trainer", checkpointing="full", accumulation=2, **_MIXED)
    train("llama3-1b", "trainer-lora", kind="trainer", lora=_QV, precision="bf16")
    train("qwen3-0.6b", "trainer-compile", kind="trainer", compile=True)
    train("llama3-3b", "trainer-ckpt", kind="trainer", checkpointing="full", optimizer="adafactor")


def _optional(train):
    """What needs a package beside torch and transformers."""
    m = "llama3-1b"
    train(m, "8bit", optimizer="adamw_bnb_8bit")
    train("llama3-8b", "qlora", lora=_LORA, quantization="nf4", micro=1)
    train("llama3-3b", "qlora-dq-ckpt", lora=_LORA, quantization="nf4-double", checkpointing="full")
    train(m, "flash2", attention="flash_attention_2")
    train(m, "liger", liger=True)
    train(m, "liger-b8-ckpt", liger=True, micro=8, checkpointing="full")
    train(m, "paged8bit", optimizer="paged_adamw_8bit")
    train("qwen2.5-0.5b", "trainer-liger", kind="trainer", liger=True)


def _engines(train):
    """DeepSpeed's own engines: alone, and as rank 0 of more ranks than there are."""
    cpu = dict(offload_optimizer=True)
    m = "llama3-1b"
    train(m, "zero2-w1", sharding="zero2")
    train(m, "zero3-w1", sharding="zero3", checkpointing="full")
    train(m, "zero3-w4-ckpt", sharding="zero3", world=4, checkpointing="full")
    train("llama3-8b", "zero3-w8-ckpt", sharding="zero3", world=8, checkpointing="full", micro=1)
    train(m, "zero1-w8", sharding="zero1", world=8)
    train(m, "zero2-w4", sharding="zero2", world=4)
    train(m, "zero3-w1-offload", sharding="zero3", zero=cpu, checkpointing="full")
    train(m, "zero3-w1-offload-both", sharding="zero3", zero=dict(cpu, offload_param=True), checkpointing="full")
    train(m, "zero2-w1-offload", sharding="zero2", zero=cpu, checkpointing="full")


def _crosses(train):
    """Several changes at once, where rules of single changes may not add up."""
    train("qwen2.5-0.5b", "amp-foreach-b8-s1024", micro=8, sequence=1024, optimizer="adamw_torch", **_MIXED)
    train("qwen3-0.6b", "lora-ckpt-b8", micro=8, lora=_LORA, checkpointing="full")
    train("gemma3-1b", "amp-s4096b1", micro=1, sequence=4096, **_MIXED)
    train("gpt2-large", "eager-amp-b4-s1024", micro=4, sequence=1024, attention="eager", **_MIXED)
    train("llama3-3b", "s8192b1-ckpt", micro=1, sequence=8192, checkpointing="full")
    train("llama3-1b", "sgd-b4-s1000", micro=4, sequence=1000, optimizer="sgd")
    train("llama3-1b", "fp32-s1024", sequence=1024, precision="fp32")
    train("llama3-1b", "adafactor-ga2", accumulation=2, optimizer="adafactor")
    train("deepseek2-mla-3b", "amp-ckpt", checkpointing="full", **_MIXED)
    train("llama3-1b", "lora-eager-mask", lora=_QV, attention="eager", mask=True, sequence=1024)
    train("llama3-1b", "expandable-b8-amp", micro=8, allocator="expandable_segments:True", **_MIXED)


def _large(train):
    """What only a GPU of 80 GiB or more holds; on a smaller one the record says how far it came."""
    train("qwen3-4b", "base", micro=1)
    train("qwen3-4b", "ckpt-b4", micro=4, checkpointing="full")
    train("llama3-8b", "ckpt", micro=1, checkpointing="full")
    train("llama3-8b", "lora", micro=1, lora=_LORA)
    train("llama3-8b", "lora-ckpt-s8192", micro=1, sequence=8192, lora=_LORA, checkpointing="full")
    train("llama3-8b", "adafactor-ckpt", micro=2, checkpointing="full", optimizer="adafactor")
