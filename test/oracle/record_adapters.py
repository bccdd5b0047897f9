#!/usr/bin/env python3
"""Records the fixture of adapters other than plain LoRA: as record_memory.py, for the points below (PEFT's own layers).

    python record_adapters.py record OUT.json [NAME…]   all points, or those whose id begins with a NAME
    python record_adapters.py one ID                    one point, printed
"""
import json
import multiprocessing
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import record_memory as base  # noqa: E402

LLAMA = dict(model_type="llama", hidden_size=1024, intermediate_size=2816, num_hidden_layers=6, num_attention_heads=16, num_key_value_heads=4, vocab_size=8192, max_position_embeddings=4096)
base.MODELS.clear()
base.MODELS.update({"llama-small": LLAMA})


def points():
    """DoRA on all linear layers and on two, with and without dropout, in each precision and under sharding."""
    plain = dict(model="llama-small", **{"class": "causal_lm"}, dtype="bf16", attn="sdpa", micro_batch=4, seq_len=1024)
    every = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    made = []
    for name, lora in {
        "dora": dict(r=16, target_modules=every, dora=True),
        "doraqv": dict(r=16, target_modules=["q_proj", "v_proj"], dora=True),
        "doradrop": dict(r=16, target_modules=every, dora=True, dropout=0.05),
        "doradropqv": dict(r=16, target_modules=["q_proj", "v_proj"], dora=True, dropout=0.05),
    }.items():
        for suffix, change in {
            "": {},
            "-ckpt": dict(checkpointing=True),
            "-amp": dict(dtype="amp_bf16"),
            "-fp32": dict(dtype="fp32"),
            "-short": dict(micro_batch=1, seq_len=128),
        }.items():
            made.append(dict(plain, **change, lora=lora, id=f"{name}{suffix}"))
    return made


def with_dora():
    import peft

    plain = peft.LoraConfig
    peft.LoraConfig = lambda **fields: plain(use_dora=True, **fields)


def recorded(point):
    with_dora()
    return dict(point, result=base.run_point(point))


def main():
    command, *rest = sys.argv[1:]
    if command == "one":
        print(json.dumps(recorded(next(p for p in points() if p["id"] == rest[0])), indent=1))
        return
    done = []
    with multiprocessing.get_context("fork").Pool(1, maxtasksperchild=1) as pool:
        for point in pool.imap(recorded, [p for p in points() if p["id"].startswith(tuple(rest[1:]) or "")], chunksize=1):
            done.append(point)
            print(point["id"], f"{point['result']['steady']['peak'] / 2**20:.2f} MiB", flush=True)
    with open(rest[0], "w") as file:
        lines = ",\n".join(json.dumps(point, separators=(",", ":")) for point in done)
        file.write(f'{{"versions":{json.dumps(base.versions())},\n"models":{json.dumps(base.MODELS)},\n"points":[\n{lines}\n]}}\n')


if __name__ == "__main__":
    main()
