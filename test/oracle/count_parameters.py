"""Counts the parameters of Hugging Face models with their real classes, on the meta device (no weights, no network).

The oracle for `server/src/core/models`: its output is what `test/unit/models/fixtures` holds.

    python count_parameters.py catalog MODELS.json [ID...]   every verified record of the catalog, or those named
    python count_parameters.py config CONFIG.json...         config.json files

Prints one JSON object a line: name, architecture, total, and the tensors by name (`*` for indices), shape, class and count.
Tied tensors are counted once, under the first name that the module tree gives them.

Requirements (counted with): transformers==5.18.0 torch==2.15.0
"""

import json
import re
import sys
import warnings

import torch
import transformers
from transformers import AutoConfig

warnings.filterwarnings("ignore")
transformers.logging.set_verbosity_error()

INDEX = re.compile(r"\.\d+(?=\.|$)")


def module_kind(module, leaf):
    name = type(module).__name__
    if isinstance(module, torch.nn.Linear) or name == "Conv1D":
        return "linear"
    if isinstance(module, torch.nn.Embedding):
        return "embedding"
    if isinstance(module, torch.nn.modules.conv._ConvNd):
        return "conv"
    if "Norm" in name:
        return "norm"
    if "Experts" in name and leaf not in ("weight", "bias"):
        return "expert-stack"
    return "other"


def groups_of(model):
    seen, groups = set(), {}
    for prefix, module in model.named_modules(remove_duplicate=True):
        for leaf, tensor in module._parameters.items():
            if tensor is None or id(tensor) in seen:
                continue
            seen.add(id(tensor))
            name = INDEX.sub(".*", f"{prefix}.{leaf}" if prefix else leaf)
            key = (name, tuple(tensor.shape), module_kind(module, leaf))
            groups[key] = groups.get(key, 0) + 1
    return [{"name": n, "shape": list(s), "module": k, "count": c} for (n, s, k), c in groups.items()]


def blocks_of(model):
    wanted, blocks = set(model._no_split_modules or []), {}
    for module in model.modules():
        name = type(module).__name__
        if name in wanted:
            blocks.setdefault(name, []).append(sum(p.numel() for p in module.parameters()))
    return {n: {"count": len(v), "params_min": min(v), "params_max": max(v)} for n, v in blocks.items()}


def count(name, fields, architecture=None):
    fields = dict(fields)
    model_type = fields.pop("model_type")
    architecture = architecture or (fields.get("architectures") or [None])[0]
    cls = getattr(transformers, architecture, None) if architecture else None
    config = AutoConfig.for_model(model_type, **fields) if cls is None else cls.config_class(**fields)
    with torch.device("meta"):
        if cls is None:
            raise ValueError(f"no class {architecture}")
        model = cls(config)
        model.tie_weights()
    groups = groups_of(model)
    total = 0
    for group in groups:
        size = group["count"]
        for side in group["shape"]:
            size *= side
        total += size
    return {"name": name, "architecture": architecture, "total": total, "blocks": blocks_of(model), "groups": groups}


def jobs(mode, arguments):
    if mode == "catalog":
        wanted = set(arguments[1:])
        for record in json.load(open(arguments[0]))["models"]:
            if record["verified"] and (not wanted or record["id"] in wanted):
                fields = {**record["config"], "model_type": record["model_type"]}
                yield record["id"], fields, record["architecture"]
    else:
        for path in arguments:
            yield path, json.load(open(path)), None


for name, fields, architecture in jobs(sys.argv[1], sys.argv[2:]):
    try:
        print(json.dumps(count(name, fields, architecture)), flush=True)
    except Exception as error:  # A config that the class refuses is a result too.
        print(json.dumps({"name": name, "error": f"{type(error).__name__}: {error}"[:300]}), flush=True)
