#!/usr/bin/env python3
"""Records the sharding fixture: as record_memory.py, for the points of sharding_points.py.

    python record_sharding.py record OUT.json [NAME…]   points that OUT.json lacks (or those whose id begins with a NAME); adds to it
    python record_sharding.py one ID                    one point, printed

Adds to what record_memory.py runs: FSDP 1, FSDP's CPU offload, DeepSpeed's stage 0 and what ZeRO++ quantises (its CUDA kernels are
replaced by what they allocate). DDP has a recorder of its own: record_ddp.py. Left out: NVMe offload, whose buffers are on the host.
"""
import os
import sys
import types

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import record_memory as base  # noqa: E402
import sharding_points  # noqa: E402
from recording_loop import Recorder  # noqa: E402

torch = base.torch
base.MODELS.clear()
base.MODELS.update(sharding_points.MODELS)


MESH = []


def shard_with_fsdp1(model, point):
    from torch.distributed.fsdp import CPUOffload, FullyShardedDataParallel, MixedPrecision, ShardingStrategy
    from torch.distributed.fsdp import _flat_param
    from torch.distributed.fsdp.wrap import ModuleWrapPolicy

    # A fake tensor has no address, but a size.
    _flat_param._data_ptr_allocated = lambda tensor: tensor.untyped_storage().nbytes() > 0
    policy = point.get("fsdp", {})
    names = set(model._no_split_modules or [])
    classes = {type(module) for module in model.modules() if type(module).__name__ in names}
    dtypes = [base.DTYPES[policy.get(key)] for key in ("param", "reduce", "output")]
    mixed = MixedPrecision(param_dtype=dtypes[0], reduce_dtype=dtypes[1], buffer_dtype=dtypes[0]) if dtypes[0] else None
    options = dict(cpu_offload=CPUOffload(offload_params=True)) if point.get("offload") else {}
    if point.get("replicate"):
        options["device_mesh"] = MESH[0]
    strategy = ShardingStrategy[policy.get("strategy", "FULL_SHARD")]
    return FullyShardedDataParallel(
        model, auto_wrap_policy=ModuleWrapPolicy(classes), mixed_precision=mixed, sharding_strategy=strategy,
        use_orig_params=True, device_id=torch.device("cuda", 0), limit_all_gathers=True, **options,
    )  # fmt: skip


class Quantizer:
    """In place of DeepSpeed's CUDA kernels: what they allocate (csrc/quantization/pt_binding.cpp), and nothing else."""

    Symmetric = 0

    @staticmethod
    def _made(sizes, groups):
        return torch.empty(sizes, dtype=torch.int8, device="cuda"), torch.empty((groups, 1), device="cuda")

    def quantize(self, values, groups, bits, _):
        return self._made((*values.shape[:-1], values.shape[-1] * bits // 8), groups)

    def dequantize(self, values, _, __, bits, *___):
        return torch.empty((*values.shape[:-1], values.shape[-1] * 8 // bits), dtype=torch.half, device="cuda")

    def swizzle_quant(self, values, groups, bits, *_):
        return self._made((values.numel() * bits // 8,), groups)

    def quantized_reduction(self, values, _, __, groups, ___, ____, devices):
        return self._made((*values.shape[:-1], values.shape[-1] // devices), groups)


def stand_in_for_kernels():
    """Kernels that only change what is there, or whose allocations are known."""
    from deepspeed.ops import op_builder

    nothing = types.SimpleNamespace(multi_tensor_adam=lambda *_: None)
    op_builder.FusedAdamBuilder.load = lambda *_, **__: nothing
    op_builder.QuantizerBuilder.load = lambda *_, **__: Quantizer()


class Swiglu(torch.autograd.Function):
    """In place of DeepSpeed's Triton kernel, which keeps both operands (ops/triton_ops/swiglu_triton.py)."""

    @staticmethod
    def forward(ctx, gate, up):
        ctx.save_for_backward(gate, up)
        return torch.empty_like(gate)

    @staticmethod
    def backward(ctx, _):
        gate, up = ctx.saved_tensors
        return torch.empty_like(gate), torch.empty_like(up)


def spread_experts(experts):
    """AutoEP with every expert visited alike: its plans read values, and its Triton kernels only move rows."""
    import deepspeed.module_inject.auto_ep_layer as layer
    import deepspeed.moe.ep_kernels as kernels
    from deepspeed.ops.triton_ops import swiglu_triton

    def plan(selected_experts, num_experts, ep_size, num_local_experts, ep_group, num_tokens_per_expert=None):
        each = [selected_experts.numel() // ep_size] * ep_size
        return layer.SplitPlan(each, each, torch.zeros((ep_size, num_local_experts), dtype=torch.int32, device="cuda"))

    def indices(counts, experts_per_rank, ranks, longest, alignment, use_cpu=False):
        made = lambda length: torch.zeros(length, dtype=torch.int32, device="cuda")  # noqa: E731
        return made(longest), made(experts_per_rank), made(experts_per_rank)

    import deepspeed.module_inject.auto_ep as auto_ep
    import deepspeed.module_inject.auto_ep_presets.base as presets

    auto_ep._gate_activation_matches = lambda *_: None  # It compares values.
    # What records the router's logits is looked up otherwise in transformers 5.23; without auxiliary loss none are asked for.
    presets._retarget_transformers_output_recorders_for_modules = lambda *_, **__: None
    start = layer.AutoEPMoELayer.__init__

    def made_on_device(self, *args, **options):
        # A fake parameter does not change its device with its data.
        with torch.device("cuda"):
            torch.set_default_dtype(torch.bfloat16)
            start(self, *args, **options)
            torch.set_default_dtype(torch.float32)

    layer.AutoEPMoELayer.__init__ = made_on_device
    layer.compute_split_plan = plan
    kernels.generate_permute_indices = indices
    kernels.gather_rows = lambda rows, index: torch.empty((index.numel(), rows.shape[1]), dtype=rows.dtype, device=rows.device)
    kernels.permute_rows_supported = lambda rows: True
    swiglu_triton.swiglu = Swiglu.apply
    experts.prefer_triton_grouped_mm = lambda self: False


def options_of(point):
    """Keys of the DeepSpeed config beside ZeRO's."""
    options = dict(point.get("config", {}))
    if point.get("optimizer") == "muon":
        options["optimizer"] = dict(type="Muon", params=dict(lr=1e-4))
    if point.get("optimizer") == "ds_adam":
        options["optimizer"] = dict(type="AdamW", params=dict(lr=1e-4))
    return options


def configure_deepspeed(point):
    patch, options = base.patch_deepspeed, options_of(point)

    def configured(counter):
        deepspeed = patch(counter)
        stand_in_for_kernels()
        start = deepspeed.initialize

        def initialize(config, model, optimizer, **rest):
            if "expert_parallel" in options:
                # The whole experts live as long as anyone but DeepSpeed has them.
                sys._getframe(1).f_locals["trained"].clear()
                optimizer.param_groups.clear()
            if "optimizer" in options:
                optimizer, rest = None, dict(rest, model_parameters=[p for p in model.parameters() if p.requires_grad])
            return start(config=config | options, model=model, optimizer=optimizer, **rest)

        deepspeed.initialize = initialize
        # A norm read from a fake tensor is not above zero, as the optimizer asserts; an overflow would skip the step.
        import deepspeed.runtime.bf16_optimizer as bf16
        import deepspeed.runtime.fp16.fused_optimizer as fused
        import deepspeed.runtime.fp16.unfused_optimizer as unfused
        import deepspeed.runtime.utils as utils

        norm = bf16.get_global_norm_of_tensors
        bf16.get_global_norm_of_tensors = lambda **rest: (norm(**rest), 1.0)[1]
        utils.CheckOverflow.check = utils.CheckOverflow.check_using_norm = lambda *_, **__: False
        utils.CheckOverflow.has_overflow = utils.CheckOverflow.has_overflow_serial = lambda *_, **__: False
        for kind in (fused.FP16_Optimizer, unfused.FP16_UnfusedOptimizer):
            kind._update_scale = lambda *_, **__: None
        return deepspeed

    base.patch_deepspeed = configured


def spread(point):
    if "expert_parallel" not in point.get("config", {}):
        return
    patch = base.patch_deepspeed

    def patched(counter):
        deepspeed = patch(counter)
        from deepspeed.accelerator import cuda_accelerator

        spread_experts(cuda_accelerator.CUDA_Accelerator)
        return deepspeed

    base.patch_deepspeed = patched


def run_point(point):
    kind = point.get("sharding", "none")
    if point.get("gpus_per_node"):
        patch_cuda = base.patch_cuda

        def patched():
            patch_cuda()
            torch.cuda.device_count = lambda: point["gpus_per_node"]

        base.patch_cuda = patched
    if kind.startswith("zero"):
        configure_deepspeed(point)
        spread(point)
    if point.get("optimizer") in ("muon", "ds_adam"):
        # DeepSpeed makes it; what is made here is not used.
        point = dict(point, optimizer="adamw_fused")
    if kind == "fsdp2" and point.get("offload"):
        from torch.distributed.fsdp import CPUOffloadPolicy

        import torch.distributed.fsdp as fsdp

        shard = fsdp.fully_shard
        fsdp.fully_shard = lambda module, **options: shard(module, offload_policy=CPUOffloadPolicy(pin_memory=False), **options)
    build, start = base.build_model, base.start_ranks

    def started(*args):
        MESH[:] = [start(*args)]
        return MESH[0]

    def wrapped(transformers, it):
        model, config = build(transformers, it)
        if not point.get("fsdp", {}).get("wrap", True):
            model._no_split_modules = []
        if kind != "fsdp1":
            return model, config
        # It wraps the module in another one, which base.run_point cannot know of.
        base.gc.collect()
        return shard_with_fsdp1(model, it), config

    base.build_model, base.start_ranks = wrapped, started
    return base.run_point(point)


# Why a kind cannot be recorded, in words.
REASONS = {
    "fsdp8-adafactor": "transformers' Adafactor adds plain tensors to FSDP 2's distributed ones, on a GPU too",
    "fsdp1-8-off": "a fake parameter does not change its device with its data, as FSDP 1 asks when it offloads",
}


def reason(point, error):
    words = next((why for kind, why in REASONS.items() if point["id"].endswith(kind)), "unknown")
    return f"{words} ({type(error).__name__}: {str(error)[:120]})"


RECORDER = Recorder(
    points=sharding_points.points,
    run=run_point,
    models=sharding_points.MODELS,
    versions=base.versions,
    said=lambda result: f"{result['steady']['peak'] / 2**30:.3f} GiB",
    reason=reason,
    preload=base.preload,
)

if __name__ == "__main__":
    RECORDER.main(*sys.argv[1:])
