#!/usr/bin/env python3
"""Records the memory fixture: real transformers, PEFT, FSDP2 and DeepSpeed code on fake tensors, live bytes counted by phase.

    python record_memory.py record OUT.json [NAME…]   all points of memory_points.py (or those whose id begins with a NAME)
    python record_memory.py one ID                    one point, printed

Needs torch ≥ 2.13, transformers 5.x, peft, accelerate, g++; for ZeRO points DeepSpeed, installed or as a source tree in
$DEEPSPEED_SRC. One process per point; about 3 s and 0.5 GB each. The product and its tests need none of this: they read the fixture.
"""
import gc
import importlib.metadata
import importlib.util
import json
import multiprocessing
import os
import sys
import types
import warnings

from fake_cuda import F, FakeMode, LiveBytes, attention_as_cuda, patch_cuda, patch_module_apply, torch, watch_storage
from memory_points import MODELS, points
from saved_models import INPUTS

CLASSES = {"causal_lm": "AutoModelForCausalLM", "mlm": "AutoModelForMaskedLM", "seq2seq": "AutoModelForSeq2SeqLM"}
DTYPES = {"bf16": torch.bfloat16, "fp32": torch.float32, None: None}


def storage_bytes(tensors):
    sizes = {}
    for tensor in tensors:
        local = tensor._local_tensor if type(tensor).__name__ == "DTensor" else tensor
        sizes[local.untyped_storage()._cdata] = local.untyped_storage().nbytes()
    return sum(sizes.values())


def patch_transformers():
    import transformers
    import transformers.masking_utils as masks

    patch_module_apply()
    F.scaled_dot_product_attention = attention_as_cuda
    if hasattr(masks, "find_packed_sequence_indices"):
        masks.find_packed_sequence_indices = lambda *_, **__: None  # It reads values.
    torch.distributions.Distribution.set_default_validate_args(False)  # It reads values.
    from transformers.models.deberta import modeling_deberta as deberta

    # A tensor of one number, which is read.
    deberta.compute_attention_span = lambda query, key, longest: min(max(query.size(-2), key.size(-2)), longest)
    patch_experts()
    patch_sparsity()
    transformers.logging.set_verbosity_error()
    return transformers


def patch_sparsity():
    """Gemma 3n makes a number on the device, which a block that is recomputed would make on a real one."""
    from transformers.models.gemma3n import modeling_gemma3n as gemma

    def tensor(value, dtype, device):
        return _asking[-1].new_full((), value, dtype=dtype) if _asking else torch.tensor(value, dtype=dtype, device=device)

    _asking = []
    topk = gemma.Gemma3nTextMLP._gaussian_topk

    def asking(self, inputs):
        _asking.append(inputs)
        gemma.torch = types.SimpleNamespace(**{**vars(torch), "tensor": tensor})
        try:
            return topk(self, inputs)
        finally:
            gemma.torch = torch
            _asking.pop()

    gemma.Gemma3nTextMLP._gaussian_topk = asking


def patch_experts():
    """DBRX visits the experts that a token chose, one after another: here all are, by an equal share of the tokens."""
    from transformers.models.dbrx import modeling_dbrx as dbrx

    forward = dbrx.DbrxExperts.forward

    def equally(self, hidden_states, top_k_index, top_k_weights):
        experts = self.num_experts
        share = lambda: torch.zeros(top_k_index.numel() // experts, dtype=torch.long, device=hidden_states.device)  # noqa: E731
        stand_in = types.SimpleNamespace(
            zeros_like=torch.zeros_like, no_grad=torch.no_grad, greater=lambda *_: types.SimpleNamespace(nonzero=lambda: [[0]] * experts),
            where=lambda _: (share(), share()), nn=torch.nn,
        )  # fmt: skip
        dbrx.torch = stand_in
        try:
            return forward(self, hidden_states, top_k_index, top_k_weights)
        finally:
            dbrx.torch = torch

    dbrx.DbrxExperts.forward = equally


def start_ranks(world, replicas):
    """A process group of any size with only rank 0 in it; returns the mesh for FSDP2."""
    import torch.distributed as distributed
    from torch.distributed._tools import fake_collectives  # noqa: F401  (meta kernels of the collectives)
    from torch.distributed.device_mesh import init_device_mesh
    from torch.testing._internal.distributed.fake_pg import FakeStore

    distributed.init_process_group("fake", rank=0, world_size=world, store=FakeStore())
    shape, names = ((world,), ("shard",)) if replicas == 1 else ((replicas, world // replicas), ("replicate", "shard"))
    return init_device_mesh("cuda", shape, mesh_dim_names=names)


def patch_deepspeed(counter):
    if os.environ.get("DEEPSPEED_SRC"):
        sys.path.insert(0, os.environ["DEEPSPEED_SRC"])
    os.environ.update(DS_ACCELERATOR="cuda", RANK="0", LOCAL_RANK="0", MASTER_ADDR="localhost", MASTER_PORT="29511")
    os.environ.update(LOCAL_WORLD_SIZE="1", WORLD_SIZE=str(torch.distributed.get_world_size()))
    stubs = dict(hjson=dict(load=json.load, loads=json.loads, dumps=json.dumps), cpuinfo=dict(get_cpu_info=lambda: {"arch": "x", "flags": []}))
    for name, body in stubs.items():
        if importlib.util.find_spec(name) is None:
            sys.modules[name] = types.ModuleType(name)
            sys.modules[name].__dict__.update(body)
    cuda = torch.cuda
    properties = types.SimpleNamespace(total_memory=80 << 30, major=9, minor=0, multi_processor_count=132, name="fake")
    cuda.get_device_properties = lambda *_: properties
    cuda.memory_allocated = cuda.max_memory_allocated = lambda *_: counter.live
    cuda.memory_reserved = cuda.max_memory_reserved = lambda *_: 0
    cuda.memory_stats = lambda *_: {}
    cuda.reset_peak_memory_stats = cuda.manual_seed = cuda.manual_seed_all = lambda *_: None
    cuda.nvtx.range_push = cuda.nvtx.range_pop = lambda *_, **__: 0
    torch.Tensor.pin_memory = lambda self, *_, **__: self
    torch.Tensor.is_pinned = lambda self, *_, **__: True
    import deepspeed
    import deepspeed.runtime.zero.stage3 as stage3
    import deepspeed.runtime.zero.stage_1_and_2 as stage12

    for name, module in list(sys.modules.items()):
        for check in ("assert_ints_same_as_other_ranks", "assert_lst_len_same_as_other_ranks"):
            if name.startswith("deepspeed") and hasattr(module, check):
                setattr(module, check, lambda *_, **__: None)
    # An overflow read from a fake tensor would skip the step, and no optimizer state would ever appear.
    for kind in (stage3.DeepSpeedZeroOptimizer_Stage3, stage12.DeepSpeedZeroOptimizer):
        kind.check_overflow = lambda self, *_, **__: setattr(self, "overflow", False)
        kind.has_overflow = kind._overflow_check_and_loss_scale_update = lambda self, *_, **__: False
    return deepspeed


def bare_model(transformers, point):
    if "architecture" in point:
        import saved_runs

        return saved_runs.build(transformers, MODELS[point["model"]], point["architecture"], point["dtype"].split("_")[0], point["attn"])
    fields = dict(MODELS[point["model"]])
    config = transformers.AutoConfig.for_model(fields.pop("model_type"), **fields)
    config._attn_implementation, config.use_cache = point["attn"], False
    from transformers.initialization import no_init_weights

    dtype = torch.bfloat16 if point["dtype"] == "bf16" else torch.float32
    kind = getattr(transformers, CLASSES[point["class"]])
    with torch.device("cuda"), no_init_weights():
        model = kind.from_config(config, dtype=dtype, attn_implementation=point["attn"])
    model.tie_weights()  # no_init_weights skips the tying too.
    return model


def build_model(transformers, point):
    model = bare_model(transformers, point)
    config = model.config
    model.train()
    if point.get("checkpointing"):
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    lora = point.get("lora")
    if lora:
        import peft

        adapters = peft.LoraConfig(r=lora["r"], lora_alpha=16, lora_dropout=lora.get("dropout", 0.0), task_type="CAUSAL_LM", target_modules=lora["target_modules"])
        with torch.device("cuda"):
            model = peft.get_peft_model(model, adapters)
        if point.get("checkpointing"):
            model.enable_input_require_grads()
    return model, config


def shard_with_fsdp(model, mesh, policy):
    from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard

    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    names = set(base._no_split_modules or [])
    mixed = MixedPrecisionPolicy(*(DTYPES[policy.get(key)] for key in ("param", "reduce", "output")))
    options = dict(mesh=mesh, mp_policy=mixed, reshard_after_forward=policy.get("reshard", True))
    for block in [module for module in base.modules() if type(module).__name__ in names]:
        fully_shard(block, **options)
    fully_shard(model, **options)


def make_optimizer(name, parameters):
    optim = torch.optim
    if name == "adafactor":
        from transformers.optimization import Adafactor

        return Adafactor(parameters, lr=1e-3, scale_parameter=False, relative_step=False)
    if name == "sgd":
        return optim.SGD(parameters, lr=1e-3, foreach=True)
    return optim.AdamW(parameters, lr=1e-4, **{"adamw_fused": {"fused": True}, "adamw_foreach": {"foreach": True}}[name])


def batch_of(point, config=None):
    shape = (point["micro_batch"], point["seq_len"])
    zeros = lambda: torch.zeros(shape, dtype=torch.long, device="cuda")  # noqa: E731
    other = INPUTS.get(point.get("architecture"))
    if other is not None:
        made = other(dict(b=point["micro_batch"], s=point["seq_len"]), config)
        return {name: value.to(config.dtype) if torch.is_tensor(value) and value.is_floating_point() else value for name, value in made.items()}
    batch = {"input_ids": zeros(), "labels": zeros()}
    if point.get("mask"):
        batch["attention_mask"] = torch.ones(shape, dtype=torch.long, device="cuda")
    return batch


def run_steps(point, counter, model, engine, optimizer):
    """Two optimizer steps: Adam's moments appear in the first, so the second is the steady one."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    accumulation = point.get("grad_accum", 1)
    steps = []
    for _ in range(2):
        counter.peaks = {}
        seen = {}
        for micro in range(accumulation):
            suffix = f"_{micro}" if accumulation > 1 else ""
            batch = batch_of(point, model.config)
            counter.enter("forward" + suffix)
            loss = (engine or model)(**batch)["loss"]
            seen["afterForward"] = counter.live
            counter.enter("backward" + suffix)
            if engine is not None:
                engine.backward(loss)
                del loss, batch
                counter.enter("step")
                engine.step()
                continue
            (loss / accumulation if accumulation > 1 else loss).backward()
            del loss, batch
        if engine is None:
            seen["gradientBytes"] = storage_bytes(p.grad for p in parameters if p.grad is not None)
            counter.enter("clip")
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            counter.enter("step")
            optimizer.step()
            states = [v for s in optimizer.state.values() for v in s.values() if isinstance(v, torch.Tensor) and v.device.type == "cuda"]
            seen["optimizerBytes"] = storage_bytes(states)
            for parameter in parameters:
                parameter.grad = None
        counter.enter(None)
        gc.collect()
        steps.append(dict(seen, between=counter.live, phases=dict(counter.peaks), peak=max(counter.peaks.values())))
    return steps


def run_point(point):
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    patch_cuda()
    transformers = patch_transformers()
    sharding = point.get("sharding", "none")
    mesh = start_ranks(point["world"], point.get("replicate", 1)) if sharding != "none" else None
    counter = LiveBytes(point.get("granularity", 512))
    watch_storage(counter)
    deepspeed = patch_deepspeed(counter) if sharding.startswith("zero") else None
    with FakeMode(allow_non_fake_inputs=True), counter:
        model, _ = build_model(transformers, point)
        if sharding == "fsdp2":
            shard_with_fsdp(model, mesh, point.get("fsdp", {}))
        gc.collect()
        if point["dtype"] == "amp_bf16":
            from accelerate.utils import convert_outputs_to_fp32

            autocast = torch.autocast("cuda", dtype=torch.bfloat16)
            model.forward = convert_outputs_to_fp32(autocast(type(model).forward.__get__(model)))
        trained = [p for p in model.parameters() if p.requires_grad]
        counts = dict(parameters=sum(p.numel() for p in model.parameters()), trainable=sum(p.numel() for p in trained))
        optimizer, engine = make_optimizer(point.get("optimizer", "adamw_fused"), trained), None
        if deepspeed is not None:
            config = {"train_micro_batch_size_per_gpu": point["micro_batch"], "gradient_accumulation_steps": point.get("grad_accum", 1)}
            config |= {"bf16": {"enabled": True}, "zero_allow_untested_optimizer": True, "zero_force_ds_cpu_optimizer": False}
            config |= {"zero_optimization": dict(point["zero"], stage=int(sharding[4:])), "gradient_clipping": 1.0}
            engine, optimizer, _, _ = deepspeed.initialize(model=model, optimizer=optimizer, config=config, dist_init_required=False)
        weights = storage_bytes([*model.parameters(), *model.buffers()])
        first, steady = run_steps(point, counter, model, engine, optimizer)
    gradients, states = steady.pop("gradientBytes", None), steady.pop("optimizerBytes", None)
    first.pop("gradientBytes", None), first.pop("optimizerBytes", None)
    return dict(counts, parameterBytes=weights, gradientBytes=gradients, optimizerBytes=states, first=first, steady=steady)


def preload():
    """Imports what every point needs before the processes fork: most of a point's time."""
    import accelerate  # noqa: F401
    import peft  # noqa: F401
    import torch.distributed._tools.fake_collectives  # noqa: F401
    import torch.distributed.fsdp  # noqa: F401
    import torch.testing._internal.distributed.fake_pg  # noqa: F401
    import transformers  # noqa: F401


def _recorded(point):
    return dict(point, result=run_point(point))


def versions():
    found = {name: importlib.metadata.version(name) for name in ("torch", "transformers", "peft", "accelerate")}
    source = os.environ.get("DEEPSPEED_SRC")
    if source:
        with open(os.path.join(source, "version.txt")) as file:
            found["deepspeed"] = file.read().strip()
    return found


def main():
    command, *rest = sys.argv[1:]
    if command == "one":
        print(json.dumps(run_point(next(p for p in points() if p["id"] == rest[0])), indent=1))
        return
    wanted = [p for p in points() if not rest[1:] or p["id"].startswith(tuple(rest[1:]))]
    preload()
    jobs = int(os.environ.get("JOBS", "2"))
    with multiprocessing.get_context("fork").Pool(jobs, maxtasksperchild=1) as pool:
        done = []
        for point in pool.imap(_recorded, wanted, chunksize=1):
            done.append(point)
            print(point["id"], f"{point['result']['steady']['peak'] / 2**30:.3f} GiB", flush=True)
    with open(rest[0], "w") as file:
        lines = ",\n".join(json.dumps(point, separators=(",", ":")) for point in done)
        file.write(f'{{"versions":{json.dumps(versions())},\n"models":{json.dumps(MODELS)},\n"points":[\n{lines}\n]}}\n')


if __name__ == "__main__":
    main()
