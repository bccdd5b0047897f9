"""What the time model is made of, measured alone: matrix products, attention, element-wise kernels, loss, optimizers, launches."""
import time

import torch
import torch.nn.functional as F

from building import optimizer_of
from meters import median_of

_SECONDS = 0.05


def seconds_of(meter, work):
    """Median seconds of a call, after three to warm up; about 0.05 s of calls."""
    once = max(median_of(meter.clock(work, 3))["least"], 1e-6)
    return median_of(meter.clock(work, max(5, min(200, int(_SECONDS / once)))))["median"]


def sizes(meter, real, tiny):
    return real if meter.device.type == "cuda" else tiny


def gemm(meter):
    """TFLOP/s of a linear layer by tokens and shape, forward and both products of backward; shapes of 0.5 to 8 B models."""
    shapes = sizes(meter, [(4096, 4096), (14336, 4096), (4096, 14336), (2048, 2048), (8192, 2048), (4864, 896), (128256, 2048)], [(64, 64)])
    rows = []
    for out, inner in shapes:
        for tokens in sizes(meter, [128, 512, 1024, 2048, 4096, 8192, 16384], [32]):
            for dtype in (torch.bfloat16, torch.float32) if (out, inner, tokens) == (4096, 4096, 4096) else (torch.bfloat16,):
                weight = torch.randn(out, inner, device=meter.device, dtype=dtype)
                x, gradient = (torch.randn(tokens, width, device=meter.device, dtype=dtype) for width in (inner, out))
                work = 2 * tokens * out * inner
                row = dict(tokens=tokens, out=out, inner=inner, dtype=str(dtype)[6:])
                row["forward"] = rate(work, seconds_of(meter, lambda: F.linear(x, weight)))
                row["input_gradient"] = rate(work, seconds_of(meter, lambda: gradient @ weight))
                row["weight_gradient"] = rate(work, seconds_of(meter, lambda: gradient.t() @ x))
                rows.append(row)
    return dict(unit="TFLOP/s", rows=rows)


def rate(work, seconds):
    return round(work / seconds / 1e12, 2)


def attention(meter):
    """TFLOP/s of causal attention by length and head width, forward and backward; half of the square counts."""
    rows = []
    for heads, pairs, width in sizes(meter, [(32, 8, 128), (32, 8, 64), (8, 4, 256)], [(4, 2, 16)]):
        for length in sizes(meter, [512, 1024, 2048, 4096, 8192, 16384], [64]):
            count = max(1, sizes(meter, 16384, 64) // length)
            q = torch.randn(count, heads, length, width, device=meter.device, dtype=torch.bfloat16, requires_grad=True)
            k, v = (torch.randn(count, pairs, length, width, device=meter.device, dtype=torch.bfloat16, requires_grad=True) for _ in "kv")
            work = 2 * count * heads * length * length * width
            for name, call in kernels(q, k, v, length).items():
                out = call()
                gradient = torch.randn_like(out)
                row = dict(kernel=name, length=length, heads=heads, kv_heads=pairs, width=width, batch=count)
                with torch.no_grad():
                    row["forward"] = rate(work, seconds_of(meter, call))
                row["backward"] = rate(2.5 * work, seconds_of(meter, lambda: torch.autograd.grad(out, (q, k, v), gradient, retain_graph=True)))
                rows.append(row)
    return dict(unit="TFLOP/s", rows=rows, note="backward counted as 2.5 times the forward, as flash attention computes it")


def kernels(q, k, v, length):
    found = {"sdpa": lambda: F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)}
    if length <= 2048:

        def eager():
            groups = q.shape[1] // k.shape[1]
            scores = q @ k.repeat_interleave(groups, 1).transpose(2, 3) * q.shape[-1] ** -0.5
            return torch.softmax(scores, -1, dtype=torch.float32).to(q.dtype) @ v.repeat_interleave(groups, 1)

        found["eager"] = eager
    try:
        from flash_attn import flash_attn_func
    except ImportError:
        return found
    return dict(found, flash_attn=lambda: flash_attn_func(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2), causal=True))


def elementwise(meter):
    """GB/s of kernels by bytes they must move, from the cache's size to far beyond it."""
    rows = []
    for elements in sizes(meter, [2**18, 2**20, 2**22, 2**24, 2**26, 2**28], [2**12]):
        x, y = (torch.randn(elements, device=meter.device, dtype=torch.bfloat16) for _ in "xy")
        out = torch.empty_like(x)
        work = {"copy": (4, lambda: out.copy_(x)), "add": (6, lambda: torch.add(x, y, out=out)), "silu": (4, lambda: F.silu(x)), "cast": (6, lambda: x.float())}
        for name, (width, call) in work.items():
            seconds = seconds_of(meter, call)
            rows.append(dict(kernel=name, elements=elements, seconds=seconds, rate=round(elements * width / seconds / 1e9, 1)))
    return dict(unit="GB/s", rows=rows)


def loss(meter):
    """The head's loss as transformers computes it: seconds and bytes per logit."""
    rows = []
    for tokens, entries in sizes(meter, [(2048, 32000), (2048, 128256), (8192, 128256), (4096, 262144)], [(32, 256)]):
        logits = torch.randn(tokens, entries, device=meter.device, dtype=torch.bfloat16, requires_grad=True)
        labels = torch.randint(0, entries, (tokens,), device=meter.device)
        forward = lambda: F.cross_entropy(logits.float(), labels)  # noqa: E731
        both = lambda: torch.autograd.grad(forward(), logits)  # noqa: E731
        rows.append(dict(tokens=tokens, vocabulary=entries, forward=seconds_of(meter, forward), both=seconds_of(meter, both)))
    return dict(unit="s", rows=rows)


def optimizer(meter):
    """Seconds per billion weights of a step on the GPU, by optimizer and by weights in one tensor."""
    rows = []
    total, widths = sizes(meter, 2**29, 2**14), sizes(meter, [2**24, 2**20], [2**10])
    for name in ("adamw_torch_fused", "adamw_torch", "sgd", "adafactor"):
        for width in widths:
            side = int(width**0.5)
            parameters = [torch.nn.Parameter(torch.randn(side, side, device=meter.device, dtype=torch.bfloat16)) for _ in range(total // width)]
            for parameter in parameters:
                parameter.grad = torch.randn_like(parameter)
            stepper = optimizer_of(dict(optimizer=name), parameters)
            stepper.step()
            rows.append(dict(optimizer=name, tensors=len(parameters), seconds_per_billion=seconds_of(meter, stepper.step) / total * 1e9))
            del parameters, stepper
            meter.release()
    return dict(unit="s", rows=rows)


def launch(meter):
    """What a kernel costs that has nothing to do: seconds of the host to launch it, and seconds from one to the next."""
    x = torch.zeros(1, device=meter.device)
    count = 2000

    def many():
        for _ in range(count):
            x.add_(1)

    many()
    meter.synchronize()
    started = time.perf_counter()
    many()
    host = (time.perf_counter() - started) / count
    meter.synchronize()
    both = (time.perf_counter() - started) / count
    return dict(unit="s", rows=[dict(host=host, apart=both)], note="a thousand launches are queued before the host must wait")


def context(meter):
    """Bytes of the driver beside torch's own: after the context, the first product, the first attention and the first loss."""
    device, rows = meter.device, []

    def note(after):
        meter.synchronize()
        reserved = torch.cuda.memory_reserved() if device.type == "cuda" else 0
        rows.append(dict(after=after, driver=meter.driver() if device.type == "cuda" else 0, reserved=reserved))

    note("context")
    x = torch.randn(256, 256, device=device, dtype=torch.bfloat16, requires_grad=True)
    (x @ x).sum().backward()
    note("matrix product")
    q = torch.randn(1, 4, 256, 64, device=device, dtype=torch.bfloat16, requires_grad=True)
    F.scaled_dot_product_attention(q, q, q, is_causal=True).sum().backward()
    note("attention")
    F.cross_entropy(torch.randn(256, 1000, device=device, requires_grad=True), torch.zeros(256, dtype=torch.long, device=device)).backward()
    note("loss")
    return dict(unit="bytes", rows=rows)
