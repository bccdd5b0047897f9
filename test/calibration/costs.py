"""Predicted seconds of a point: to fill a slot with what fits, not to be right. Records keep the seconds that it took."""
from models import active_share, config_of, parameters_of

# A fork with the libraries already read, the GPU's context, the first kernels, and the end of the process.
_START = 4.0
_MICRO = {"gemm": 30, "attention": 15, "elementwise": 6, "transfer": 12, "cpu-adam": 25, "optimizer": 12, "host-copy": 6, "loss": 5}
# Steps in phases, to warm up and at least those that are timed; the timed ones take some seconds in any case.
_STEPS, _TIMED = 7, 4.0
_DISK = 1e9


def seconds_of(point, tflops):
    """`tflops`: what the GPU reaches in training, in TFLOP/s."""
    if point["kind"] == "micro":
        return _START + _MICRO.get(point["what"], 2)
    config = config_of(point["model"])
    weights = parameters_of(config)
    tokens = point["micro"] * point["sequence"] * point["accumulation"]
    passes = 8 if point["checkpointing"] == "full" else 6
    flops = passes * weights * max(active_share(config), 0.15) * tokens
    step = flops / (tflops * 1e12) + 0.05 * point["accumulation"]
    if point.get("zero"):
        step += weights * 4e-9  # CPU optimizer and the link.
    seconds = _START + weights / 1e9 + _STEPS * step + _TIMED
    if point["kind"] == "trainer" or point.get("quantization"):
        seconds += 6 + 2 * weights * 2 / _DISK
    if point.get("save"):
        seconds += weights * 2 / _DISK
    if point["sharding"].startswith("zero"):
        seconds += 15
    return seconds + (60 if point.get("compile") else 0)
