#!/usr/bin/env python3
"""Records the Megatron fixture: Megatron-core's own layers, DDP and optimizers on fake tensors, live bytes counted by phase.

    python record_megatron.py OUT.json [NAME…]   all points below, or those whose id has a NAME in it
    python record_megatron.py one ID             one point, printed

Needs torch, megatron-core (no Transformer Engine, no apex) and g++. The layers are Megatron's local ones; where a point says
flash, their core attention is the kernel that Transformer Engine would call. One process per point. The product and its tests
need none of this: they read the fixture.
"""
import gc
import importlib.metadata
import json
import multiprocessing
import sys
import types
import warnings

from fake_cuda import FakeMode, LiveBytes, attention_as_cuda, patch_cuda, patch_module_apply, torch, watch_storage

GPT = dict(hidden=1024, ffn=4096, heads=16, kv=16, vocab=51200, gated=False, norm="LayerNorm", tied=True)
LLAMA = dict(hidden=1024, ffn=2816, heads=16, kv=4, vocab=32000, gated=True, norm="RMSNorm", tied=False)


def points():
    """One point per setting changed from a base, and a few combinations."""
    base = dict(shape=GPT, layers=4, samples=2, sequence=512, micros=1, tensor=1, data=4, sp=False, recompute=None, distributed=True, dtype="bf16", flash=True)
    llama = dict(base, shape=LLAMA)
    made = {"gpt": base, "llama": llama}
    for name, change in {
        "layers-6": dict(layers=6),
        "micros-2": dict(micros=2),
        "samples-8": dict(samples=8),
        "short": dict(samples=1, sequence=64),
        "tp-2": dict(tensor=2),
        "tp-4": dict(tensor=4),
        "tp-4-sp": dict(tensor=4, sp=True),
        "tp-4-sp-samples-8": dict(tensor=4, sp=True, samples=8),
        "full": dict(recompute="full"),
        "full-tp-2-sp": dict(recompute="full", tensor=2, sp=True),
        "eager": dict(flash=False),
        "selective": dict(flash=False, recompute="selective"),
        "replicated": dict(distributed=False),
        "fp16": dict(dtype="fp16"),
        "fp16-replicated": dict(dtype="fp16", distributed=False),
        "fp32": dict(dtype="fp32", flash=False),
        "data-16": dict(data=16),
        "dropout": dict(dropout=0.1),
    }.items():
        made[f"gpt-{name}"] = dict(base, **change)
        if name in ("layers-6", "samples-8", "tp-4-sp", "full", "tp-2", "micros-2"):
            made[f"llama-{name}"] = dict(llama, **change)
    # With few words backward of a block is the peak, not the loss.
    for name in ("gpt", "llama"):
        narrow = dict(made[name], shape=dict(made[name]["shape"], vocab=1024), samples=8)
        made[f"{name}-narrow"], made[f"{name}-narrow-full"] = narrow, dict(narrow, recompute="full")
    return [dict(point, id=name) for name, point in made.items()]


def start(point):
    import torch.distributed as distributed
    from torch.distributed._tools import fake_collectives  # noqa: F401  (meta kernels of the collectives)
    from torch.testing._internal.distributed.fake_pg import FakeStore

    world = point["tensor"] * point["data"]
    def gather(objects, own, group=None):
        objects[:] = [own] * len(objects)

    distributed.all_gather_object = gather  # Every rank has the same groups of parameters.
    distributed.init_process_group("fake", rank=0, world_size=world, store=FakeStore())
    cuda = torch.cuda
    cuda.get_device_properties = lambda *_: types.SimpleNamespace(total_memory=80 << 30, major=9, minor=0, multi_processor_count=132, name="fake")
    cuda.memory_allocated = cuda.max_memory_allocated = cuda.memory_reserved = lambda *_: 0
    cuda.manual_seed = cuda.manual_seed_all = lambda *_: None
    cuda.nvtx.range_push = cuda.nvtx.range_pop = lambda *_, **__: 0
    patch_module_apply()
    import contextlib

    import megatron.core.distributed.param_and_grad_buffer as buffers
    from megatron.core import parallel_state

    # Coalesced collectives have no meta kernel; their tensors are views of the buffers.
    buffers._coalescing_manager = lambda *_, **__: contextlib.nullcontext(types.SimpleNamespace(wait=lambda: None))

    parallel_state.initialize_model_parallel(tensor_model_parallel_size=point["tensor"], create_gloo_process_groups=False)

    class Tracker:
        """Random states are not on the GPU's bill."""

        def fork(self, *_):
            return contextlib.nullcontext()

        def get_states(self):
            return {}

        def set_states(self, *_):
            pass

    import megatron.core.tensor_parallel.layers as layers
    import megatron.core.tensor_parallel.random as rng

    for module in list(sys.modules.values()):
        if getattr(module, "__name__", "").startswith("megatron") and hasattr(module, "get_cuda_rng_tracker"):
            module.get_cuda_rng_tracker = lambda *_: Tracker()
    rng._set_cuda_rng_state = lambda *_, **__: None
    rng._get_cuda_rng_state = lambda *_, **__: None
    layers.get_cuda_rng_tracker = lambda *_: Tracker()


def build(point):
    from megatron.core.models.gpt import GPTModel
    from megatron.core.models.gpt.gpt_layer_specs import get_gpt_layer_local_spec
    from megatron.core.transformer import TransformerConfig
    from megatron.core.transformer.dot_product_attention import DotProductAttention

    shape, dtype = point["shape"], {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}[point["dtype"]]
    recompute = dict(recompute_granularity=point["recompute"]) if point["recompute"] else {}
    if point["recompute"] == "full":
        recompute |= dict(recompute_method="uniform", recompute_num_layers=1)
    config = TransformerConfig(
        num_layers=point["layers"], hidden_size=shape["hidden"], ffn_hidden_size=shape["ffn"], num_attention_heads=shape["heads"],
        num_query_groups=shape["kv"], gated_linear_unit=shape["gated"], add_bias_linear=not shape["gated"], normalization=shape["norm"],
        activation_func=torch.nn.functional.silu if shape["gated"] else torch.nn.functional.gelu, bias_activation_fusion=True,
        hidden_dropout=point.get("dropout", 0.0), attention_dropout=point.get("dropout", 0.0), tensor_model_parallel_size=point["tensor"],
        sequence_parallel=point["sp"], params_dtype=dtype, bf16=dtype == torch.bfloat16, fp16=dtype == torch.float16, pipeline_dtype=dtype,
        gradient_accumulation_fusion=False, perform_initialization=False, masked_softmax_fusion=False, bias_dropout_fusion=False, **recompute,
    )  # fmt: skip
    if point["flash"]:

        def flash(self, query, key, value, *_, **__):
            query, key, value = (x.permute(1, 2, 0, 3) for x in (query, key, value))
            # Transformer Engine's kernels take fewer key heads than heads.
            out = attention_as_cuda(query, key, value, is_causal=True, enable_gqa=True)
            return out.permute(2, 0, 1, 3).reshape(out.shape[2], out.shape[0], -1)

        DotProductAttention.forward = flash
    spec = get_gpt_layer_local_spec(normalization=shape["norm"])
    rope = dict(position_embedding_type="rope" if shape["gated"] else "learned_absolute")
    with torch.device("cuda"):
        model = GPTModel(
            config=config, transformer_layer_spec=spec, vocab_size=shape["vocab"], max_sequence_length=point["sequence"],
            share_embeddings_and_output_weights=shape["tied"], parallel_output=True, **rope,
        )  # fmt: skip
    if dtype != torch.float32:
        from megatron.core.transformer.module import Float16Module

        model = Float16Module(config, model)
    return config, model


def use_fused_kernels():
    """apex and Transformer Engine take norms, clip, cast and step in place, which Megatron's own stand-ins do not."""
    import megatron.core.optimizer.optimizer as steps
    import megatron.core.transformer.torch_norm as norms

    # Torch's norms keep what the fused ones keep; that they refuse split sequences is about gradients of their weights.
    norms.WrappedTorchNorm.__new__ = staticmethod(
        lambda _, config, hidden_size, eps=1e-5, **__: getattr(torch.nn, config.normalization)(hidden_size, eps=eps)
    )
    # An overflow read from a fake tensor would skip the step.
    steps.MixedPrecisionOptimizer._unscale_main_grads_and_check_for_nan = lambda self: False
    steps.get_grad_norm_fp32 = lambda *_, **__: 1.0
    steps.clip_grad_by_total_norm_fp32 = lambda *_, **__: None


def run_point(point):
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    patch_cuda()
    start(point)
    counter = LiveBytes()
    watch_storage(counter)
    from megatron.core.distributed import DistributedDataParallel, DistributedDataParallelConfig, finalize_model_grads
    from megatron.core.optimizer import OptimizerConfig, get_megatron_optimizer

    use_fused_kernels()
    with FakeMode(allow_non_fake_inputs=True), counter:
        config, model = build(point)
        weights = counter.live
        sums = dict(grad_reduce_in_fp32=point["dtype"] == "bf16", use_distributed_optimizer=point["distributed"])
        model = DistributedDataParallel(config, DistributedDataParallelConfig(**sums), model)
        options = dict(optimizer="adam", lr=1e-4, bf16=point["dtype"] == "bf16", fp16=point["dtype"] == "fp16", params_dtype=config.params_dtype)
        if point["dtype"] == "fp16":
            options |= dict(loss_scale=1.0)
        optimizer = get_megatron_optimizer(OptimizerConfig(use_distributed_optimizer=point["distributed"], **options), [model], use_gloo_process_groups=False)
        for group in optimizer.param_groups:
            group["fused"] = True
        gc.collect()
        built = counter.live
        shape = (point["samples"], point["sequence"])
        seen = {}
        for _ in range(2):
            counter.peaks = {}
            model.zero_grad_buffer()
            optimizer.zero_grad()
            for _micro in range(point["micros"]):
                zeros = lambda: torch.zeros(shape, dtype=torch.long, device="cuda")  # noqa: E731
                mask = None if point["flash"] else torch.ones(1, 1, shape[1], shape[1], dtype=torch.bool, device="cuda")
                counter.enter("forward")
                loss = model(zeros(), zeros(), mask, labels=zeros()).float().mean()
                seen["afterForward"] = counter.live
                counter.enter("backward")
                loss.backward()
                del loss, mask
            counter.enter("reduce")
            finalize_model_grads([model])
            counter.enter("step")
            optimizer.step()
            counter.enter(None)
            gc.collect()
            seen |= dict(between=counter.live, phases=dict(counter.peaks), peak=max(counter.peaks.values()))
        parameters = sum(p.numel() for p in model.parameters())
    return dict(parameters=parameters, weights=weights, built=built, **seen)


def recorded(point):
    return dict(point, result=run_point(point))


def main():
    command, *rest = sys.argv[1:]
    if command == "one":
        print(json.dumps(run_point(next(p for p in points() if p["id"] == rest[0])), indent=1))
        return
    wanted = [p for p in points() if not rest or any(name in p["id"] for name in rest)]
    done = []
    with multiprocessing.get_context("fork").Pool(1, maxtasksperchild=1) as pool:
        for point in pool.imap(recorded, wanted, chunksize=1):
            done.append(point)
            print(point["id"], {k: v for k, v in point["result"].items()}, flush=True)
    versions = {name: importlib.metadata.version(name) for name in ("torch", "megatron-core")}
    with open(command, "w") as file:
        lines = ",\n".join(json.dumps(point, separators=(",", ":")) for point in done)
        file.write(f'{{"versions":{json.dumps(versions)},\n"points":[\n{lines}\n]}}\n')


if __name__ == "__main__":
    main()
