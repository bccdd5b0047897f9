#!/usr/bin/env python3
"""Records what each optimizer of the Trainer keeps, and what its step allocates on top: the Trainer's own code makes it by name.

    python record_optimizers.py record OUT.json [NAME…]   points that OUT.json lacks (or those whose id begins with a NAME); adds to it
    python record_optimizers.py one ID                    one point, printed

Needs what record_memory.py needs, and the optimizers' packages: bitsandbytes, galore_torch, apollo_torch, schedulefree, torchao,
lomo_optim, grokadamw, optimi. bitsandbytes' kernels are left out: they change states in place, so its states are counted, and
nothing else of its step. torchao's step is compiled on a GPU and is not here, and so is what it allocates; its states are
the same. NVIDIA apex, torch_xla, torch_npu and torchdistx have no CPU package, so theirs are missing.
"""
import os
import sys
import types

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import record_memory as base  # noqa: E402
from memory_points import MODELS as ALL  # noqa: E402
from recording_loop import Recorder  # noqa: E402

torch = base.torch
MODELS = {name: ALL[name] for name in ("llama3-4", "gpt2-6")}
RUN = {"class": "causal_lm", "attn": "sdpa", "micro_batch": 1, "seq_len": 128}
base.MODELS.clear()
base.MODELS.update(MODELS)

PLAIN = (
    "adamw_torch adamw_torch_fused adamw_torch_8bit adamw_torch_4bit adafactor sgd adagrad rmsprop adamw_bnb_8bit lion_32bit lion_8bit "
    "ademamix ademamix_8bit rmsprop_bnb rmsprop_bnb_8bit rmsprop_bnb_32bit grokadamw schedule_free_adamw schedule_free_radam "
    "schedule_free_sgd stable_adamw"
).split()
LOW_RANK = "galore_adamw galore_adamw_8bit galore_adafactor apollo_adamw".split()
LAYERWISE = "galore_adamw_layerwise galore_adamw_8bit_layerwise galore_adafactor_layerwise apollo_adamw_layerwise lomo adalomo".split()
PAGED = "paged_adamw_32bit paged_adamw_8bit paged_lion_32bit paged_lion_8bit paged_ademamix_32bit paged_ademamix_8bit".split()

FP32 = "adamw_torch adafactor adamw_bnb_8bit stable_adamw grokadamw schedule_free_adamw galore_adamw galore_adafactor apollo_adamw".split()
BIASED = "adafactor adamw_bnb_8bit".split()

# What optim_args and optim_target_modules change of what is kept.
WITH_ARGUMENTS = (
    ("bf16", "sgd-momentum", dict(optim_args="momentum=0.9")),
    ("bf16", "rmsprop-all", dict(optim_args="momentum=0.9,centered=true")),
    ("bf16", "galore_adamw-512", dict(optim_args="rank=512")),
    ("fp32", "sgd-nesterov", dict(optim_args="momentum=0.9,nesterov=true")),
    ("bf16", "rmsprop-centered", dict(optim_args="centered=true")),
    ("bf16", "galore_adamw-wide", dict(optim_args="rank=2048")),
    ("bf16", "galore_adamw-reverse", dict(optim_args="proj_type=reverse_std")),
    ("bf16", "galore_adamw-right", dict(optim_args="proj_type=right")),
    ("bf16", "galore_adamw-full", dict(optim_args="proj_type=full,rank=256")),
    ("fp32", "galore_adamw-left", dict(optim_args="proj_type=left")),
    ("bf16", "galore_adamw_8bit-512", dict(optim_args="rank=512")),
    ("bf16", "galore_adafactor-512", dict(optim_args="rank=512")),
    ("bf16", "apollo_adamw-mini", dict(optim_args="rank=1,scale_type=tensor,scale=128")),
    ("bf16", "apollo_adamw-wide", dict(optim_args="rank=2048")),
    ("fp32", "apollo_adamw-left", dict(optim_args="rank=256,proj_type=left,scale_type=tensor")),
    ("fp32", "apollo_adamw-svd", dict(optim_args="rank=256,proj=svd")),
    ("bf16", "galore_adamw-mlp", dict(targets=["mlp"])),
    ("bf16", "galore_adamw-linear", dict(targets="all-linear")),
    ("bf16", "apollo_adamw-pattern", dict(targets=r".*\.self_attn\.[qk]_proj")),
)
# DeepSpeed takes other names from torch.optim and gives it optimizer.params; it steps an fp32 copy. NAdam divides by what a fake tensor has no value of.
BY_DEEPSPEED = (
    ("SGD", dict(lr=1e-3, momentum=0.9)),
    ("RMSprop", dict(lr=1e-3, momentum=0.9)),
    ("Adam", dict(lr=1e-3, amsgrad=True)),
    ("Adamax", {}),
    ("RAdam", {}),
    ("Adadelta", {}),
    ("ASGD", {}),
)


def points():
    every = [*PLAIN, *LOW_RANK, *LAYERWISE, *PAGED]
    # In fp32 those whose states follow the type of the weights; GPT-2's weights are Conv1D, with biases.
    for name, dtype, optimizers in (("llama3-4", "bf16", every), ("llama3-4", "fp32", FP32), ("gpt2-6", "bf16", BIASED)):
        for optimizer in optimizers:
            yield dict(id=f"{name}-{dtype}-{optimizer}", model=name, dtype=dtype, optimizer=optimizer, **RUN)
    for dtype, tag, more in WITH_ARGUMENTS:
        optimizer = tag.split("-")[0]
        yield dict(id=f"llama3-4-{dtype}-{tag}", model="llama3-4", dtype=dtype, optimizer=optimizer, **more, **RUN)
    for optimizer, params in BY_DEEPSPEED:
        tag = "-".join([optimizer, *params])
        yield dict(id=f"llama3-4-fp32-{tag}", model="llama3-4", dtype="fp32", optimizer=optimizer, params=params, **RUN)


def leave_out_kernels():
    """bitsandbytes' kernels and its synchronisation with a device that does not exist; managed memory becomes plain memory."""
    import bitsandbytes.optim.optimizer as optimizer

    for kind in (optimizer.Optimizer1State, optimizer.Optimizer2State):
        kind.update_step = lambda *_, **__: None
    import bitsandbytes.optim.ademamix as ademamix

    ademamix.AdEMAMix.update_step = lambda *_, **__: None
    optimizer.sync_gpu = lambda *_: None
    functional = optimizer.F
    functional.fill = lambda *_: None
    functional.get_paged = lambda *shape, dtype, device: torch.zeros(*shape, dtype=dtype, device="cuda")


    import apollo_torch.random_projector as apollo
    import optimi.stableadamw as stable

    apollo.stable_randn = lambda shape, seed, device=None, dtype=None: torch.empty(shape, device=device, dtype=dtype)
    stable._default_to_triton = lambda _: False


def make_optimizer(point, model):
    """As Trainer.create_optimizer makes it; with `params`, as DeepSpeed's _configure_basic_optimizer."""
    import transformers
    from transformers import Trainer, TrainingArguments

    if "params" in point:
        return getattr(torch.optim, point["optimizer"])(model.parameters(), **point["params"])
    args = TrainingArguments(output_dir="unused", report_to=[], optim=point["optimizer"], optim_args=point.get("optim_args"))
    args.optim_target_modules = point.get("targets", ["attn", "mlp"])
    trainer = types.SimpleNamespace(model=model, args=args, optimizer=None, optimizer_cls_and_kwargs=None)
    trainer.get_decay_parameter_names = lambda it: Trainer.get_decay_parameter_names(trainer, it)
    trainer.get_optimizer_cls_and_kwargs = Trainer.get_optimizer_cls_and_kwargs
    transformers.logging.set_verbosity_error()
    return Trainer.create_optimizer(trainer)


def preload():
    """Packages that look at the device while they are imported, before it is pretended."""
    base.preload()
    import apollo_torch  # noqa: F401
    import bitsandbytes  # noqa: F401
    import galore_torch  # noqa: F401
    import torchao.optim  # noqa: F401


def run_point(point):
    base.warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    base.patch_cuda()
    transformers = base.patch_transformers()
    torch.compile = lambda function=None, **_: function if function is not None else (lambda it: it)
    leave_out_kernels()
    counter = base.LiveBytes(1)
    base.watch_storage(counter)
    with base.FakeMode(allow_non_fake_inputs=True), counter:
        model, _ = base.build_model(transformers, point)
        base.gc.collect()
        weights = counter.live
        optimizer = make_optimizer(point, model)
        if hasattr(optimizer, "train"):
            optimizer.train()
        for group in optimizer.param_groups:
            # torch takes foreach for tensors on a GPU, but not for fake ones.
            if group.get("foreach", 0) is None and not group.get("fused"):
                group["foreach"] = True
        parameters = list(model.parameters())
        found = {}
        for step in ("first", "steady"):
            counter.peaks = {}
            counter.enter("forward")
            batch = base.batch_of(point)
            loss = model(**batch)["loss"]
            counter.enter("backward")
            if hasattr(optimizer, "fused_backward"):
                optimizer.fused_backward(loss, 1e-3)
            else:
                loss.backward()
            del loss, batch
            before = counter.live
            gradients = base.storage_bytes(p.grad for p in parameters if p.grad is not None)
            counter.enter("step")
            if not hasattr(optimizer, "fused_backward"):
                optimizer.step()
            peak = counter.peaks["step"] - before
            for parameter in parameters:
                parameter.grad = None
            counter.enter(None)
            base.gc.collect()
            found[step] = dict(gradients=gradients, kept=counter.live - weights, stepPeak=peak, peak=max(counter.peaks.values()))
    return dict(parameters=sum(p.numel() for p in model.parameters()), weights=weights, **found)


def versions():
    packages = "torch transformers bitsandbytes galore_torch apollo_torch schedulefree torchao lomo_optim grokadamw torch_optimi".split()
    return {name: base.importlib.metadata.version(name) for name in packages}


RECORDER = Recorder(
    points=points,
    run=run_point,
    models=MODELS,
    versions=versions,
    said=lambda result: result["steady"]["kept"] / result["parameters"],
    preload=preload,
)

if __name__ == "__main__":
    RECORDER.main(*sys.argv[1:])
