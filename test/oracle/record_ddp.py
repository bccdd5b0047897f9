#!/usr/bin/env python3
"""Records torch's DistributedDataParallel: its real C++ reducer on real tensors of the CPU, live bytes counted.

    python record_ddp.py OUT.json

The reducer asks no device for anything but storage, so the CPU's says what a GPU's would. A group of one rank has
the same buckets. Small models: their buckets are still several, and everything that DDP adds is proportional.
"""
import json
import sys
import weakref

import record_memory as base
from memory_points import MODELS as ALL

torch = base.torch
MODELS = {"test-3": ALL["test-3"], "tied-2": dict(ALL["test-2"], tie_word_embeddings=True)}
base.MODELS.clear()
base.MODELS.update(MODELS)


def points():
    for name in MODELS:
        for dtype in ("fp32", "bf16"):
            for view in (False, True):
                for accumulation in (1, 2):
                    tag = f"{'view' if view else 'copy'}{'-ga2' if accumulation > 1 else ''}"
                    yield {
                        "id": f"{name}-{dtype}-ddp-{tag}", "model": name, "class": "causal_lm", "dtype": dtype, "attn": "sdpa", "micro_batch": 1,
                        "seq_len": 32, "granularity": 1, "optimizer": "adamw_foreach", "sharding": "ddp", "world": 4, "bucket_view": view, "grad_accum": accumulation,
                    }  # fmt: skip


class LiveOnCpu(base.LiveBytes):
    def _track(self, value):
        if isinstance(value, (tuple, list)):
            for item in value:
                self._track(item)
        elif isinstance(value, torch.Tensor) and value.device.type == "cpu":
            storage = value.untyped_storage()
            key = storage._cdata
            if key not in self.sizes and not self.muted:
                self.sizes[key] = storage.nbytes()
                self.refs[key] = weakref.ref(storage, lambda _, key=key: self._drop(key))
                self._grow(self.sizes[key])

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        self._track(out)
        return out


def build(transformers, point):
    """The model, and what it needs of the device the CPU."""
    fields = dict(MODELS[point["model"]])
    config = transformers.AutoConfig.for_model(fields.pop("model_type"), **fields)
    dtype = torch.bfloat16 if point["dtype"] == "bf16" else torch.float32
    return getattr(transformers, base.CLASSES[point["class"]]).from_config(config, dtype=dtype, attn_implementation=point["attn"]).train()


def run_point(point):
    import contextlib

    import transformers

    counter = LiveOnCpu(1)
    with counter:
        model = build(transformers, point)
        base.gc.collect()
        ranks = torch.nn.parallel.DistributedDataParallel(model, gradient_as_bucket_view=point["bucket_view"])
        made = counter.live
        parameters = list(model.parameters())
        optimizer = torch.optim.AdamW(parameters, lr=1e-4, foreach=True)
        steps = []
        for _ in range(3):
            counter.peaks = {}
            for micro in range(point["grad_accum"]):
                ids = torch.ones((point["micro_batch"], point["seq_len"]), dtype=torch.long)
                last = micro == point["grad_accum"] - 1
                with contextlib.nullcontext() if last else ranks.no_sync():
                    counter.enter(f"forward_{micro}")
                    loss = ranks(input_ids=ids, labels=ids)["loss"]
                    counter.enter(f"backward_{micro}")
                    loss.backward()
                    del loss, ids
            gradients = base.storage_bytes(p.grad for p in parameters)
            counter.enter("step")
            optimizer.step()
            kept = counter.live
            optimizer.zero_grad(set_to_none=True)
            counter.enter(None)
            base.gc.collect()
            steps.append(dict(phases=dict(counter.peaks), peak=max(counter.peaks.values()), gradients=gradients, atStep=kept, between=counter.live))
    # Buckets are made anew in the order gradients came after the first step.
    weights = base.storage_bytes([*model.parameters(), *model.buffers()])
    states = base.storage_bytes(v for s in optimizer.state.values() for v in s.values() if isinstance(v, torch.Tensor))
    return dict(
        parameters=sum(p.numel() for p in parameters), trainable=sum(p.numel() for p in parameters), parameterBytes=weights,
        gradientBytes=steps[-1]["gradients"], optimizerBytes=states, madeBytes=made, first=steps[0], second=steps[1], steady=steps[-1],
    )  # fmt: skip


def main():
    import torch.distributed as distributed

    base.warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", rank=0, world_size=1, store=distributed.HashStore())
    done = []
    for point in points():
        done.append(dict(point, result=run_point(point)))
        result = done[-1]["result"]
        print(point["id"], *(round(result[key] / result["parameters"], 3) for key in ("madeBytes", "gradientBytes", "optimizerBytes")), flush=True)
    lines = ",\n".join(json.dumps(point, separators=(",", ":")) for point in done)
    with open(sys.argv[1], "w") as file:
        file.write(f'{{"versions":{json.dumps(base.versions())},\n"models":{json.dumps(MODELS)},\n"points":[\n{lines}\n]}}\n')


if __name__ == "__main__":
    main()
