"""Counts trainable parameters under LoRA with PEFT itself, on the meta device: the oracle for core/models/lora.ts.

    python count_lora.py MODELS.json > ../unit/models/fixtures/lora.json

Requirements (counted with): transformers==5.18.0 torch==2.15.0 peft==0.21.2
"""

import json
import sys

import torch
import transformers
from peft import LoraConfig, get_peft_model

SPECS = {
    "attention": dict(r=8, target_modules=["q_proj", "v_proj"]),
    "all-linear": dict(r=16, target_modules="all-linear"),
    "default": dict(r=4),
    "saved": dict(r=8, target_modules=["q_proj"], modules_to_save=["embed_tokens", "lm_head"]),
    "head": dict(r=8, target_modules=["q_proj", "lm_head"]),
    "dora": dict(r=8, target_modules=["q_proj", "down_proj"], use_dora=True),
    "bias": dict(r=8, target_modules=["q_proj"], bias="all"),
    "bias-lora": dict(r=8, target_modules=["q_proj", "o_proj"], bias="lora_only"),
    "pattern": dict(r=8, target_modules=r".*self_attn\.(q|k|v)_proj"),
    "embedding": dict(r=8, target_modules=["embed_tokens", "q_proj"]),
    "gpt": dict(r=8, target_modules=["c_attn", "c_proj"]),
}
MODELS = {
    "meta-llama/Meta-Llama-3-8B": ["attention", "all-linear", "default", "saved", "head", "dora", "pattern", "embedding"],
    "Qwen/Qwen2.5-0.5B": ["attention", "all-linear", "default", "saved", "head", "bias", "bias-lora"],
    "Qwen/Qwen3-30B-A3B": ["attention", "all-linear"],
    "openai-community/gpt2": ["all-linear", "default", "gpt"],
    "google/gemma-2-2b": ["all-linear", "default"],
    "deepseek-ai/DeepSeek-V3": ["all-linear"],
    "microsoft/phi-2": ["all-linear", "bias-lora"],
    "google-t5/t5-small": ["all-linear", "default"],
    "EleutherAI/pythia-1b": ["all-linear", "default"],
    "Qwen/Qwen2-VL-2B-Instruct": ["all-linear", "attention"],
    "mistralai/Mixtral-8x7B-v0.1": ["attention", "all-linear"],
}

records = {}
for record in json.load(open(sys.argv[1]))["models"]:
    for name in [record["id"], *record["aliases"]]:
        records.setdefault(name, record)
results = []
for name, specs in MODELS.items():
    record = records.get(name)
    if record is None:
        print("not in the catalog:", name, file=sys.stderr)
        continue
    cls = getattr(transformers, record["architecture"])
    for spec in specs:
        with torch.device("meta"):
            model = cls(cls.config_class(**record["config"]))
            model.tie_weights()
            row = {"model": name, "config": SPECS[spec]}
            try:
                peft = get_peft_model(model, LoraConfig(**SPECS[spec]))
                row["trainable"] = sum(p.numel() for p in peft.parameters() if p.requires_grad)
            except Exception as error:
                row["error"] = f"{type(error).__name__}: {error}"[:160]
        results.append(row)
print("[\n" + ",\n".join("  " + json.dumps(row) for row in results) + "\n]")
