#!/usr/bin/env python3
"""Records the bytes of quantised weights: bitsandbytes' own classes quantise the linear weights of a small model on the CPU.

    python record_quantised.py OUT.json

Needs transformers and bitsandbytes. What is counted is every tensor of a weight and of its state: codes, scales, scales of scales.
"""
import importlib.metadata
import json
import sys
import warnings

import bitsandbytes as bnb
import torch
import transformers
from memory_points import MODELS

warnings.filterwarnings("ignore")
NAME = "test-3"


def tensors_of(state):
    """A 4-bit weight's state, and the nested one of its scales."""
    found = [it for it in (state.absmax, state.code, state.offset) if it is not None]
    return found + (tensors_of(state.state2) if state.state2 is not None else [])


def bytes_of(weight):
    state = getattr(weight, "quant_state", None)
    held = [weight.data, *(tensors_of(state) if state is not None else [])]
    scales = getattr(weight, "SCB", None)
    return sum(it.numel() * it.element_size() for it in held + ([scales] if scales is not None else []))


def quantised(linear, kind, nested):
    has_bias = linear.bias is not None
    if kind == "int8":
        made = bnb.nn.Linear8bitLt(linear.in_features, linear.out_features, has_bias, has_fp16_weights=False)
        made.weight = bnb.nn.Int8Params(linear.weight.data, requires_grad=False, has_fp16_weights=False)
    else:
        made = bnb.nn.Linear4bit(linear.in_features, linear.out_features, has_bias, torch.bfloat16, nested, kind)
        made.weight = bnb.nn.Params4bit(linear.weight.data, requires_grad=False, compress_statistics=nested, quant_type=kind)
    return made.to("cpu")


def run_point(kind, nested):
    fields = dict(MODELS[NAME])
    config = transformers.AutoConfig.for_model(fields.pop("model_type"), **fields)
    model = transformers.AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    blocks = model.model.layers
    linears = [it for it in blocks.modules() if isinstance(it, torch.nn.Linear)]
    matrices = sum(it.weight.numel() for it in linears)
    held = sum(bytes_of(quantised(it, kind, nested).weight) for it in linears)
    plain = sum(p.numel() * p.element_size() for p in model.parameters()) - 2 * matrices
    return dict(quantised=matrices, bytes=held, plainBytes=plain)


def main():
    kinds = [("nf4", False), ("nf4", True), ("fp4", False), ("fp4", True), ("int8", False)]
    points = [dict(id=f"{NAME}-{kind}{'-nested' if nested else ''}", kind=kind, nested=nested, result=run_point(kind, nested)) for kind, nested in kinds]
    for point in points:
        print(point["id"], 8 * point["result"]["bytes"] / point["result"]["quantised"])
    versions = {name: importlib.metadata.version(name) for name in ("torch", "transformers", "bitsandbytes")}
    with open(sys.argv[1], "w") as file:
        json.dump(dict(versions=versions, models={NAME: MODELS[NAME]}, points=points), file, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()
