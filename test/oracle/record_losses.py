#!/usr/bin/env python3
"""Records what a loss that is made in pieces holds: Liger's fused linear cross-entropy and TRL's fused head, on fake tensors.

    python record_losses.py OUT.json

Needs torch, transformers, liger_kernel and trl. Triton's kernels change what is there and are left out; everything around them runs.
Bytes are those beside the stream, the head and the labels: `loss` while the loss is made, `kept` after it, `backward` until the
gradients are there. In evaluation there is no backward.
"""
import importlib.metadata
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import fake_cuda  # noqa: E402

torch = fake_cuda.torch
SIZES = (dict(tokens=4096, hidden=4096, vocabulary=128256), dict(tokens=1000, hidden=1536, vocabulary=151936))
WAYS = ("trained", "frozen", "evaluation")
# 16-bit weights, fp32 ones, and autocast over fp32 ones, whose stream is fp32.
PRECISIONS = ("bf16", "fp32", "amp")


class NoKernel:
    def __getitem__(self, _):
        return lambda *_, **__: None


def liger(hidden, head, labels):
    from liger_kernel.transformers.model.loss_utils import LigerForCausalLMLoss

    return LigerForCausalLMLoss(hidden_states=hidden, lm_head_weight=head, labels=labels, hidden_size=hidden.shape[-1])


def tiles(hidden, head, labels):
    """As `_fused_forward` in trl/trainer/utils.py calls it; choosing the positions with a label makes a copy, here of all."""
    from trl.kernels.chunked_logprob import ChunkedLogProbFunction
    from trl.trainer.utils import _CHUNKED_LOGPROB_CHUNK_SIZE

    scored = hidden.reshape(-1, hidden.shape[-1]).index_select(0, labels.reshape(-1))
    outputs = ("log_probs", "entropy", "is_top1")
    found = ChunkedLogProbFunction.apply(scored, head, None, labels.reshape(-1), 1.0, _CHUNKED_LOGPROB_CHUNK_SIZE, None, 1.0, outputs)
    return -found[0].sum()


def preload():
    """Packages that look at the device while they are imported, before it is pretended."""
    import liger_kernel.ops.fused_linear_cross_entropy as fused
    import liger_kernel.transformers.model.loss_utils  # noqa: F401
    import trl.kernels.chunked_logprob as chunked
    import trl.trainer.utils  # noqa: F401

    fused.liger_cross_entropy_kernel = fused.element_mul_kernel = NoKernel()
    chunked._forward_kernel = chunked._backward_kernel = NoKernel()
    chunked._use_triton = lambda _: True
    # Made on the thread of autograd, where no mode would lift it from the CPU.
    torch.tensor = lambda value, device=None: torch.full((), value, device=device)
    # The gradient of the loss is one, or scales in place.
    torch.equal = lambda *_: True


def run_point(loss_of, way, precision, tokens, hidden, vocabulary):
    counter = fake_cuda.LiveBytes(1)
    is_amp, dtype = precision == "amp", torch.bfloat16 if precision == "bf16" else torch.float32
    with fake_cuda.FakeMode(allow_non_fake_inputs=True), counter, torch.set_grad_enabled(way != "evaluation"):
        stream = torch.empty(1, tokens, hidden, device="cuda", dtype=dtype, requires_grad=way != "evaluation")
        head = torch.empty(vocabulary, hidden, device="cuda", dtype=dtype, requires_grad=way != "frozen")
        labels = torch.zeros(1, tokens, device="cuda", dtype=torch.int64)
        before = counter.live
        counter.enter("loss")
        with torch.autocast("cuda", torch.bfloat16, enabled=is_amp):
            loss = loss_of(stream, head, labels)
        counter.enter(None)
        found = dict(loss=counter.peaks["loss"] - before, kept=counter.live - before)
        if way != "evaluation":
            counter.enter("backward")
            loss.backward()
            counter.enter(None)
            found["backward"] = counter.peaks["backward"] - before
    return found


def main():
    torch.set_num_threads(1)
    preload()
    fake_cuda.patch_cuda()
    points = [
        dict(by=by, way=way, precision=precision, **sizes, result=run_point(loss_of, way, precision, **sizes))
        for by, loss_of in (("liger", liger), ("tiles", tiles))
        for sizes in SIZES
        for precision in PRECISIONS
        for way in WAYS
    ]
    versions = {name: importlib.metadata.version(name) for name in ("torch", "transformers", "liger_kernel", "trl")}
    lines = ",\n".join(json.dumps(point, separators=(",", ":")) for point in points)
    with open(sys.argv[1], "w") as file:
        file.write(f'{{"versions":{json.dumps(versions)},\n"points":[\n{lines}\n]}}\n')


if __name__ == "__main__":
    main()
