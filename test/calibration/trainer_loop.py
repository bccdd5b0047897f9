"""The Trainer itself, from a checkpoint on disk: phases are told apart by standing before its own methods."""
import functools
import tempfile

import torch

import building
from meters import median_of

_STEPS = 8


class Tokens(torch.utils.data.Dataset):
    """Random tokens of one length: no padding, so no mask."""

    def __init__(self, point, rows):
        self.batch = building.batch_of(point, torch.device("cpu"), rows=rows)

    def __len__(self):
        return len(self.batch["input_ids"])

    def __getitem__(self, at):
        return {name: values[at] for name, values in self.batch.items()}


def arguments_of(point, folder, is_cpu):
    rows = point["micro"]
    return dict(
        output_dir=folder,
        per_device_train_batch_size=rows,
        per_device_eval_batch_size=rows,
        gradient_accumulation_steps=point["accumulation"],
        gradient_checkpointing=point["checkpointing"] == "full",
        gradient_checkpointing_kwargs={"use_reentrant": False},
        bf16=point["precision"] == "bf16-autocast",
        optim=point["optimizer"],
        torch_compile=point.get("compile", False),
        use_liger_kernel=point.get("liger", False),
        max_steps=_STEPS,
        logging_steps=1,
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
        use_cpu=is_cpu,
        dataloader_pin_memory=not is_cpu,
    )


def measure(point, meter):
    transformers = building.transformers()
    with building.checkpoint_on_disk(point) as path, tempfile.TemporaryDirectory(prefix="calibration-") as folder:
        meter.release()
        with meter.phase("load"):
            model = transformers.AutoModelForCausalLM.from_pretrained(
                path, dtype=building.DTYPES[point["precision"]], attn_implementation=point["attention"]
            )
            if point.get("lora"):
                model = building.with_adapters(model, dict(point, checkpointing="none"), torch.device("cpu"))
                if point["checkpointing"] == "full":
                    model.enable_input_require_grads()
        with meter.phase("prepare"):
            rows = point["micro"] * point["accumulation"] * _STEPS
            trainer = transformers.Trainer(
                model=model,
                args=transformers.TrainingArguments(**arguments_of(point, folder, meter.device.type == "cpu")),
                train_dataset=Tokens(point, rows),
                eval_dataset=Tokens(point, point["micro"] * 2),
            )
        found = dict(counts=dict(parameters=sum(p.numel() for p in model.parameters()), trainable=sum(p.numel() for p in model.parameters() if p.requires_grad)))
        found["step"] = train(trainer, transformers, meter)
        if point.get("eval"):
            meter.group = "eval"
            with meter.phase("evaluate"):
                trainer.evaluate()
        if point.get("save"):
            meter.group = "save"
            with meter.phase("checkpoint"):
                trainer._save_checkpoint(trainer.model, trial=None)
    return found


def train(trainer, transformers, meter):
    """The first two steps in phases; those after the fourth are timed as they run."""
    marks = Marks(trainer, meter)
    trainer.add_callback(_callback(transformers, marks))
    trainer.train()
    return marks.seconds()


class Marks:
    """Stands before the methods of the Trainer that begin a phase."""

    def __init__(self, trainer, meter):
        self.trainer, self.meter, self.steps, self.micro, self.open = trainer, meter, 0, 0, None
        self.started, self.times = None, []
        self._before(trainer, "compute_loss", self._forward)
        self._before(trainer.accelerator, "backward", lambda: self.enter(f"backward_{min(self.micro, 2)}"))
        self._before(trainer.accelerator, "clip_grad_norm_", lambda: self.enter("clip"))

    def _before(self, owner, name, act):
        inner = getattr(owner, name)

        @functools.wraps(inner)
        def wrapped(*args, **kwargs):
            act()
            return inner(*args, **kwargs)

        setattr(owner, name, wrapped)

    def _forward(self):
        if self.trainer.model.training:
            self.micro += 1
            self.enter(f"forward_{min(self.micro, 2)}")

    def enter(self, name):
        """Closes the phase that is open and opens this one, in the first two steps; later nothing may synchronise."""
        self.leave()
        if self.steps < 2:
            self.meter.group = ("first", "steady")[self.steps]
            self.open = self.meter.phase(name)
            self.open.__enter__()

    def leave(self):
        if self.open is not None:
            self.open.__exit__(None, None, None)
            self.open = None

    def step_begins(self):
        self.micro = 0
        if self.steps >= 4:
            self.mark()

    def step_ends(self):
        self.leave()
        self.steps += 1

    def mark(self):
        """The moment in the GPU's own time where there is one."""
        if self.meter.device.type == "cuda":
            event = torch.cuda.Event(enable_timing=True)
            event.record()
            self.times.append(event)
        else:
            import time

            self.times.append(time.perf_counter())

    def seconds(self):
        self.meter.synchronize()
        pairs = list(zip(self.times, self.times[1:]))
        if self.meter.device.type == "cuda":
            device = [first.elapsed_time(second) / 1000 for first, second in pairs]
            return median_of({"device": device, "wall": device})
        return median_of({"device": [], "wall": [second - first for first, second in pairs]})


def _callback(transformers, marks):
    class Watch(transformers.TrainerCallback):
        def on_step_begin(self, *_, **__):
            marks.step_begins()

        def on_pre_optimizer_step(self, *_, **__):
            marks.enter("step")

        def on_step_end(self, *_, **__):
            marks.step_ends()

        def on_train_end(self, *_, **__):
            if marks.steps > 4:
                marks.mark()

    return Watch()
