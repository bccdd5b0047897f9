#!/usr/bin/env python3
"""Records the sharding fixture: as record_memory.py, for the points of sharding_points.py.

    python record_sharding.py record OUT.json [NAME…]   points that OUT.json lacks (or those whose id begins with a NAME); adds to it
    python record_sharding.py one ID                    one point, printed

Adds to what record_memory.py runs: FSDP 1 and FSDP's CPU offload. DDP is missing: its reducer is C++ and asks the CUDA runtime.
"""
import json
import multiprocessing
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import record_memory as base  # noqa: E402
import sharding_points  # noqa: E402

torch = base.torch
base.MODELS.clear()
base.MODELS.update(sharding_points.MODELS)


def shard_with_fsdp1(model, policy):
    from torch.distributed.fsdp import FullyShardedDataParallel, MixedPrecision, ShardingStrategy
    from torch.distributed.fsdp.wrap import ModuleWrapPolicy

    names = set(model._no_split_modules or [])
    classes = {type(module) for module in model.modules() if type(module).__name__ in names}
    dtypes = [base.DTYPES[policy.get(key)] for key in ("param", "reduce", "output")]
    mixed = MixedPrecision(param_dtype=dtypes[0], reduce_dtype=dtypes[1], buffer_dtype=dtypes[0]) if dtypes[0] else None
    strategy = ShardingStrategy[policy.get("strategy", "FULL_SHARD")]
    return FullyShardedDataParallel(
        model, auto_wrap_policy=ModuleWrapPolicy(classes), mixed_precision=mixed, sharding_strategy=strategy,
        use_orig_params=True, device_id=torch.device("cuda", 0), limit_all_gathers=True,
    )  # fmt: skip


def run_point(point):
    kind = point.get("sharding", "none")
    if point.get("config"):
        patch = base.patch_deepspeed

        def configured(counter):
            deepspeed = patch(counter)
            start = deepspeed.initialize
            deepspeed.initialize = lambda config, **rest: start(config=config | point["config"], **rest)
            # A norm read from a fake tensor is not above zero, as the optimizer asserts.
            import deepspeed.runtime.bf16_optimizer as bf16

            norm = bf16.get_global_norm_of_tensors
            bf16.get_global_norm_of_tensors = lambda **rest: (norm(**rest), 1.0)[1]
            return deepspeed

        base.patch_deepspeed = configured
    if kind == "fsdp2" and point.get("offload"):
        from torch.distributed.fsdp import CPUOffloadPolicy

        import torch.distributed.fsdp as fsdp

        shard = fsdp.fully_shard
        fsdp.fully_shard = lambda module, **options: shard(module, offload_policy=CPUOffloadPolicy(pin_memory=False), **options)
    if kind != "fsdp1":
        return base.run_point(point)
    # It wraps the module in another one, which base.run_point cannot know of.
    build = base.build_model

    def wrapped(transformers, it):
        model, config = build(transformers, it)
        base.gc.collect()
        return shard_with_fsdp1(model, it.get("fsdp", {})), config

    base.build_model = wrapped
    return base.run_point(point)


def _recorded(point):
    try:
        return dict(point, result=run_point(point))
    except Exception as error:  # noqa: BLE001  (what cannot be run is said, and the rest goes on)
        return dict(point, failed=f"{type(error).__name__}: {str(error)[:200]}")


def _write(path, done):
    lines = ",\n".join(json.dumps(point, separators=(",", ":")) for point in done)
    with open(path + ".part", "w") as file:
        models = ",\n".join(f"{json.dumps(name)}:{json.dumps(fields, separators=(',', ':'))}" for name, fields in sharding_points.MODELS.items())
        file.write(f'{{"versions":{json.dumps(base.versions())},\n"models":{{\n{models}\n}},\n"points":[\n{lines}\n]}}\n')
    os.replace(path + ".part", path)


def main():
    command, *rest = sys.argv[1:]
    points = sharding_points.points()
    if command == "one":
        print(json.dumps(run_point(next(p for p in points if p["id"] == rest[0])), indent=1))
        return
    done = []
    if os.path.exists(rest[0]):
        with open(rest[0]) as file:
            done = json.load(file)["points"]
    has = {point["id"] for point in done}
    wanted = [p for p in points if p["id"] not in has and (not rest[1:] or p["id"].startswith(tuple(rest[1:])))]
    base.preload()
    with multiprocessing.get_context("fork").Pool(int(os.environ.get("JOBS", "1")), maxtasksperchild=1) as pool:
        for point in pool.imap(_recorded, wanted, chunksize=1):
            if "failed" in point:
                print(point["id"], point["failed"], flush=True)
                continue
            done.append(point)
            print(point["id"], f"{point['result']['steady']['peak'] / 2**30:.3f} GiB", flush=True)
            _write(rest[0], done)


if __name__ == "__main__":
    main()
