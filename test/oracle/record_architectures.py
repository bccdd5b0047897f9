#!/usr/bin/env python3
"""Records the points of architecture_points.py as record_memory.py records its own.

    python record_architectures.py OUT.json FAMILY…     adds these families to the file; $TAGS names the points, as `base`
"""
import json
import multiprocessing
import os
import sys
import warnings

import architecture_points
import record_memory
from saved_kernels import patch_kernels
import saved_models


def _recorded(point):
    import logging

    logging.getLogger("torch._subclasses.fake_tensor").setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore")
    import transformers

    # The class with a loss, and the attention that it has.
    point = dict(point, architecture=saved_models.head_of(transformers, point["architecture"]))
    if not getattr(getattr(transformers, point["architecture"]), "_supports_sdpa", True):
        point["attn"] = "eager"
    try:
        return dict(point, result=record_memory.run_point(point))
    except Exception as error:
        return dict(point, error=f"{type(error).__name__}: {str(error)[:200]}")


def main():
    out, *families = sys.argv[1:]
    if families == ["moe-lora"]:
        named, wanted = architecture_points.moe_lora_points()
    else:
        named, wanted = architecture_points.points(families)
    tags = tuple("-" + tag for tag in os.environ.get("TAGS", "").split(",") if tag)
    wanted = [point for point in wanted if not tags or point["id"].endswith(tags)]
    held = dict(models={}, points=[])
    if os.path.exists(out):
        with open(out) as file:
            held = json.load(file)
    done = {point["id"] for point in held["points"]}
    patch_kernels()
    record_memory.preload()
    record_memory.MODELS.update(named)
    with multiprocessing.get_context("fork").Pool(1, maxtasksperchild=1) as pool:
        for point in pool.imap(_recorded, [p for p in wanted if p["id"] not in done], chunksize=1):
            print(point["id"], point.get("error") or f"{point['result']['steady']['peak'] / 2**30:.3f} GiB", flush=True)
            if "result" not in point:
                continue
            held["points"].append(point)
            held["models"][point["model"]] = named[point["model"]]
            held["versions"] = record_memory.versions()
            with open(out + ".part", "w") as file:
                lines = ",\n".join(json.dumps(p, separators=(",", ":")) for p in held["points"])
                listed = ",\n".join(f"{json.dumps(n)}:{json.dumps(m, separators=(',', ':'))}" for n, m in held["models"].items())
                file.write(f'{{"versions":{json.dumps(held["versions"])},\n"models":{{\n{listed}\n}},\n"points":[\n{lines}\n]}}\n')
            os.replace(out + ".part", out)


if __name__ == "__main__":
    main()
