"""Kernels of other packages on fake tensors: their Python runs and makes its tensors, what it launches on the GPU does not run.

$KERNELS is a folder with the packages that transformers takes for state spaces and gated delta nets, installed without building:

    CAUSAL_CONV1D_SKIP_CUDA_BUILD=TRUE MAMBA_SKIP_CUDA_BUILD=TRUE CAUSAL_CONV1D_FORCE_BUILD=TRUE MAMBA_FORCE_BUILD=TRUE \\
        pip install --no-deps --no-build-isolation --target $KERNELS causal-conv1d mamba-ssm flash-linear-attention fla-core

Without it, transformers' own code for them is run, which keeps many times more.
"""
import os
import sys
import types

from fake_cuda import torch


def with_kernels():
    return "KERNELS" in os.environ


def patch_kernels():
    """Before transformers' models are imported, which look for the packages then."""
    if not with_kernels():
        return
    sys.path.insert(0, os.environ["KERNELS"])
    sys.modules["selective_scan_cuda"] = _module("selective_scan_cuda", fwd=_scan_forward, bwd=_scan_backward)
    nothing = dict.fromkeys(("causal_conv1d_fwd", "causal_conv1d_bwd", "causal_conv1d_update"), lambda *_: None)
    sys.modules["causal_conv1d_cuda"] = _module("causal_conv1d_cuda", **nothing)
    import triton.runtime as triton

    # What a Hopper GPU would answer; block sizes and with them some buffers follow from it.
    target = types.SimpleNamespace(backend="cuda", arch=90, warp_size=32)
    utils = types.SimpleNamespace(get_device_properties=lambda _: dict(max_shared_mem=232448, multiprocessor_count=132))
    active = types.SimpleNamespace(get_current_target=lambda: target, utils=utils, get_current_device=lambda: 0, get_current_stream=lambda _: 0)
    triton.driver.set_active(active)
    properties = types.SimpleNamespace(total_memory=80 << 30, major=9, minor=0, multi_processor_count=132, name="fake", shared_memory_per_block=49152, shared_memory_per_block_optin=232448)
    torch.cuda.get_device_properties = lambda *_: properties

    for kind in (triton.JITFunction, triton.Heuristics):
        kind.run = lambda *_, **__: None
    triton.Autotuner.run = _tune


def _tune(tuner, *_, **__):
    """Callers read which config won, to size what is summed afterwards."""
    tuner.best_config = tuner.configs[0]


def _module(name, **functions):
    made = types.ModuleType(name)
    made.__dict__.update(functions)
    return made


def _scan_forward(u, delta, a, _b, _c, _d, z, _bias, _softplus):
    """mamba csrc/selective_scan/selective_scan.cpp:226 (2.3.2), selective_scan_fwd."""
    batch, width, length = u.shape
    chunks = -(-length // 2048)
    out = [torch.empty_like(delta), torch.empty(batch, width, chunks, 2 * a.shape[1], dtype=a.dtype, device=u.device)]
    return out if z is None else [*out, torch.empty_like(z)]


def _scan_backward(u, delta, a, b, c, d, z, bias, _dout, _x, out, dz, _softplus, recompute):
    """mamba csrc/selective_scan/selective_scan.cpp:340 (2.3.2), selective_scan_bwd."""
    if z is not None and dz is None:
        dz = torch.empty_like(z)
    out_z = torch.empty_like(out) if z is not None and recompute else None
    wide = [torch.zeros_like(x, dtype=torch.float32) for x in (b, c)]
    made = [torch.empty_like(u), torch.empty_like(delta), torch.zeros_like(a), wide[0].to(b.dtype), wide[1].to(c.dtype)]
    made += [None if x is None else torch.zeros_like(x) for x in (d, bias)]
    return made + ([] if z is None else [dz]) + ([] if out_z is None else [out_z])
