"""One point: a model is built, trained for two measured optimizer steps and some timed ones, evaluated and saved."""
import gc
import tempfile

import torch

import building
import sharding
from meters import median_of

# The timed steps take about so long in all; the median of fewer than three says little.
_TIMED_SECONDS, _LEAST, _MOST = 4.0, 3, 20


class Loop:
    """Forward, backward, clip and step in plain PyTorch, in the Trainer's order."""

    has_clip = True

    def __init__(self, point, model, optimizer):
        self.point, self.model, self.optimizer = point, model, optimizer
        self.parameters = [p for p in model.parameters() if p.requires_grad]

    def forward(self, batch):
        # Only the loss is kept: the Trainer drops the other outputs.
        return self.model(**batch)["loss"]

    def backward(self, loss):
        count = self.point["accumulation"]
        (loss / count if count > 1 else loss).backward()

    def clip(self):
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)

    def step(self):
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)


class EngineLoop(Loop):
    """DeepSpeed's engine, which is asked to step after each micro-step and decides itself."""

    has_clip = False

    def __init__(self, point, engine):
        self.point, self.model, self.engine = point, engine, engine

    def backward(self, loss):
        self.engine.backward(loss)
        if not self.engine.is_gradient_accumulation_boundary():
            self.engine.step()

    def step(self):
        self.engine.step()


def measure(point, meter):
    """What the point's phases held and how long a step takes; `meter.phases` is filled even where it fails on the way."""
    device = meter.device
    with building.weights_of(point) as path:
        meter.release()
        if point["sharding"] != "single":
            sharding.start_ranks(point["world"], is_fake=point["sharding"] == "fsdp" or point["world"] > 1 or meter.name == "fake")
        with meter.phase("load"):
            model = building.build(point, device, path)
        counts = dict(parameters=_count(model.parameters()), trainable=_count(p for p in model.parameters() if p.requires_grad))
    with meter.phase("prepare"):
        loop = prepare(model, point, device)
    meter.release()
    counts |= dict(standing=_bytes(loop.model))
    for meter.group in ("first", "steady"):
        one_step(loop, point, meter)
    found = dict(counts=counts)
    if meter.name != "fake":
        found["step"] = timed(loop, point, meter)
    if point.get("eval"):
        evaluate(loop, point, meter)
    if point.get("save") and meter.name != "fake":
        save(loop, point, meter)
    return found


def prepare(model, point, device):
    how = point["sharding"]
    if how == "fsdp":
        model = sharding.shard(model, point, device)
    if point["precision"] == "bf16-autocast":
        model = building.under_autocast(model, device)
    if point.get("compile"):
        model = torch.compile(model)
    trained = [p for p in model.parameters() if p.requires_grad]
    if how.startswith("zero"):
        is_offloaded = point.get("zero", {}).get("offload_optimizer")
        optimizer = sharding.cpu_optimizer(trained) if is_offloaded and device.type == "cuda" else building.optimizer_of(point, trained)
        return EngineLoop(point, sharding.engine_of(model, optimizer, point, device))
    return Loop(point, model, building.optimizer_of(point, trained))


def one_step(loop, point, meter):
    """An optimizer step in phases. Each phase ends with a synchronisation, so its seconds are not those of training."""
    for micro in range(1, point["accumulation"] + 1):
        # Two micro-steps are told apart; those after the second are like it.
        name = str(min(micro, 2))
        batch = building.batch_of(point, meter.device)
        with meter.phase(f"forward_{name}"):
            loss = loop.forward(batch)
        with meter.phase(f"backward_{name}"):
            loop.backward(loss)
            del loss
        del batch
    if loop.has_clip:
        with meter.phase("clip"):
            loop.clip()
    with meter.phase("step"):
        loop.step()
    gc.collect()


def timed(loop, point, meter):
    """Seconds of an optimizer step: two to warm up, then as many as fit the time."""
    batches = [building.batch_of(point, meter.device) for _ in range(point["accumulation"])]

    def step():
        for batch in batches:
            loss = loop.forward(batch)
            loop.backward(loss)
            del loss
        if loop.has_clip:
            loop.clip()
        loop.step()

    first = median_of(meter.clock(step, 2))["least"]
    times = max(_LEAST, min(_MOST, int(_TIMED_SECONDS / max(first, 1e-4))))
    return median_of(meter.clock(step, times))


@torch.no_grad()
def evaluate(loop, point, meter):
    """One batch without gradients, its logits kept until the next phase, as the Trainer's loop does for its loss alone."""
    meter.group = "eval"
    loop.model.eval()
    batch = building.batch_of(point, meter.device)
    with meter.phase("forward"):
        outputs = loop.model(**batch)
        del outputs
    loop.model.train()


def save(loop, point, meter):
    """The weights as save_pretrained writes them; where they are sharded, gathered in full onto the host."""
    meter.group = "save"
    with tempfile.TemporaryDirectory(prefix="calibration-") as folder, meter.phase("save"):
        if point["sharding"] == "single":
            loop.model.save_pretrained(folder)
        elif point["sharding"] == "fsdp":
            from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict

            get_model_state_dict(loop.model, options=StateDictOptions(full_state_dict=True, cpu_offload=True))
        else:
            loop.model.save_checkpoint(folder)


def _count(parameters):
    return sum(p.numel() for p in parameters)


def _bytes(model):
    """Of weights and buffers on this rank, each storage once."""
    sizes = {}
    for tensor in [*model.parameters(), *model.buffers()]:
        storage = getattr(tensor, "_local_tensor", tensor).untyped_storage()
        sizes[storage._cdata] = storage.nbytes()
    return sum(sizes.values())
