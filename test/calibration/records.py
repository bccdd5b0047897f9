"""One line of JSON a point, in the shape of published measurements: settings, machine, versions, and what was measured."""
import json
import os

from models import config_of

GIB = 2**30
_TRAINING = ("load", "prepare", "first", "steady")


class Records:
    """A file that only grows: each point is written as it ends, so that nothing is lost with the machine."""

    def __init__(self, path):
        self.path = path
        self.done = {}
        if os.path.exists(path):
            with open(path) as file:
                for line in file:
                    # A machine that went away in the middle of a line leaves half of one.
                    try:
                        record = json.loads(line)
                    except ValueError:
                        continue
                    self.done[record["id"]] = record["outcome"]

    def has(self, id, again):
        """Measured, or skipped for good; a failure is tried again on request."""
        outcome = self.done.get(id)
        return outcome is not None and not (again and outcome != "measured")

    def write(self, record):
        self.done[record["id"]] = record["outcome"]
        with open(self.path, "a") as file:
            file.write(json.dumps(record, separators=(",", ":")) + "\n")
            file.flush()
            os.fsync(file.fileno())


def record_of(point, answer, stamp):
    """`answer`: what the process gave back; `stamp`: date, commit, device, GPU, host and versions."""
    common = dict(
        id=point["id"],
        source=f"test/calibration@{stamp['commit'] or 'unknown'}",
        date=stamp["date"],
        device=stamp["device"],
        framework=_framework(point),
        gpu=(stamp["gpu"] or {}).get("name"),
        environment={key: stamp[key] for key in ("gpu", "host", "versions")},
        outcome=answer["outcome"],
        seconds=round(answer["seconds"], 1),
    )
    if answer.get("reason"):
        common["notes"] = answer["reason"]
    if point["kind"] == "micro":
        return dict(common, kind="component", component=point["what"], measured=answer.get("found", {}))
    return dict(common, kind="run", completeness="A", **_settings(point, answer), measured=_measured(point, answer))


def _framework(point):
    if point["kind"] == "trainer":
        return "HF Trainer"
    if point["kind"] == "micro":
        return "PyTorch"
    how = point["sharding"]
    return "HF transformers" if how == "single" else "HF transformers + FSDP2" if how == "fsdp" else "HF transformers + DeepSpeed"


def _settings(point, answer):
    counts = answer.get("found", {}).get("counts", {})
    other = {key: point[key] for key in ("attention", "optimizer", "lora", "quantization", "liger", "compile", "mask", "allocator", "replicate", "reshard", "eval", "save") if key in point}
    return dict(
        model=dict(name=point["model"], config=config_of(point["model"], point.get("tiny", False)), **counts),
        gpus=point["world"],
        # One process measures: it is rank 0, and where there are others they are pretended.
        pretended_ranks=point["world"] > 1,
        strategy=dict(sharding=point["sharding"], zero=point.get("zero")),
        precision=point["precision"],
        micro_batch=point["micro"],
        grad_accum=point["accumulation"],
        seq_len=point["sequence"],
        activation_checkpointing=point["checkpointing"],
        offload={key: "cpu" for key in point.get("zero", {})} or None,
        other=other,
    )


def _measured(point, answer):
    """Peaks over loading and training; evaluation and saving have their own. Bytes by phase are kept whole."""
    phases = answer.get("phases", {})
    found = dict(phases=phases)

    def peak(figure, groups):
        values = [one[figure] for group in groups for one in phases.get(group, {}).values() if figure in one]
        return max(values) if values else None

    names = {"allocated": "peak_mem_gib_per_gpu", "reserved": "peak_reserved_gib_per_gpu", "driver": "peak_mem_nvml_gib", "resident": "peak_host_rss_gib"}
    for figure, name in names.items():
        value = peak(figure, _TRAINING)
        if value is not None:
            found[name] = round(value / GIB, 4)
    live = phases.get("steady", {}).get("step", {}).get("live")
    if live is not None:
        found["steady_allocated_gib"] = round(live / GIB, 4)
    step = answer.get("found", {}).get("step")
    if step:
        # Collectives of pretended ranks take no time: what is left is the computing alone.
        found["compute_step_s" if point["world"] > 1 else "step_s"] = step["median"]
        found["step_spread_s"] = step
        found["tokens_per_s_per_gpu"] = point["micro"] * point["accumulation"] * point["sequence"] / step["median"]
    return found
