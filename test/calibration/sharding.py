"""Rank 0 of more ranks than there are: FSDP2 and DeepSpeed with a process group that answers without moving anything.

Shards, gathered units and buckets have their real sizes, so memory is that of one of `world` GPUs, less the communicators' buffers.
What the other ranks would send is left as it was allocated: losses mean nothing here, and collectives take no time.
"""
import os
import sys

import torch

# Left open for DeepSpeed, which asks the environment.
_PORT = "29511"


def start_ranks(world, is_fake=True):
    import torch.distributed as distributed

    os.environ.update(RANK="0", LOCAL_RANK="0", WORLD_SIZE=str(world), LOCAL_WORLD_SIZE=str(min(world, 8)), MASTER_ADDR="localhost", MASTER_PORT=_PORT)
    if is_fake:
        from torch.testing._internal.distributed.fake_pg import FakeStore

        distributed.init_process_group("fake", rank=0, world_size=world, store=FakeStore())
        return
    backend = "nccl" if torch.cuda.is_available() else "gloo"
    distributed.init_process_group(backend, rank=0, world_size=world, store=distributed.HashStore())


def mesh_of(point, device):
    from torch.distributed.device_mesh import init_device_mesh

    world, replicas = point["world"], point.get("replicate", 1)
    shape, names = ((world,), ("shard",)) if replicas == 1 else ((replicas, world // replicas), ("replicate", "shard"))
    return init_device_mesh(device.type, shape, mesh_dim_names=names)


def shard(model, point, device):
    """FSDP2 as accelerate applies it: each block class of the model, then the rest; parameters appear as shards only."""
    from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard

    half = torch.bfloat16 if point["precision"] == "bf16-autocast" else None
    policy = MixedPrecisionPolicy(param_dtype=half, reduce_dtype=half, output_dtype=half)
    options = dict(mesh=mesh_of(point, device), mp_policy=policy, reshard_after_forward=point.get("reshard", True))
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    blocks = set(base._no_split_modules or [])
    for block in [module for module in base.modules() if type(module).__name__ in blocks]:
        fully_shard(block, **options)
    fully_shard(model, **options)
    model.to_empty(device=device)
    base.tie_weights()
    fill(model)
    return model


@torch.no_grad()
def fill(model):
    """Numbers of an untrained model: what to_empty left in weights and buffers is anything, and may slow a kernel down."""
    for parameter in model.parameters():
        local = getattr(parameter, "_local_tensor", parameter)
        if local.is_floating_point():
            local.normal_(0.0, 0.02)
    for buffer in model.buffers():
        if buffer.is_floating_point():
            buffer.uniform_(1e-4, 1.0)
        else:
            buffer.zero_()


def deepspeed_config(point):
    """The file of a user, its `auto` filled in as accelerate does: accelerate/accelerator.py, _prepare_deepspeed (1.15.0)."""
    stage, zero = int(point["sharding"][4:]), dict(point.get("zero", {}))
    offloads = {name: {"device": "cpu", "pin_memory": True} for name in ("offload_optimizer", "offload_param") if zero.pop(name, False)}
    return {
        "train_micro_batch_size_per_gpu": point["micro"],
        "gradient_accumulation_steps": point["accumulation"],
        "bf16": {"enabled": True},
        "gradient_clipping": 1.0,
        "zero_optimization": {"stage": stage, **offloads, **zero},
        # Without offload the Trainer's own AdamW is handed over.
        "zero_allow_untested_optimizer": True,
        "zero_force_ds_cpu_optimizer": False,
    }


def engine_of(model, optimizer, point, device):
    """DeepSpeed's engine around the model. With more ranks than there are, the questions ranks ask each other are answered here."""
    os.environ.setdefault("DS_ACCELERATOR", device.type)
    import deepspeed

    deepspeed.utils.logging.logger.setLevel("ERROR")
    if device.type == "cpu":
        # Compiled for minutes, for ranks that share a machine: a dry run has one.
        sys.modules["deepspeed.comm.torch"].build_shm_op = lambda: None
    if point["world"] > 1:
        _agree_with_nobody()
    engine, _, _, _ = deepspeed.initialize(model=model, optimizer=optimizer, config=deepspeed_config(point), dist_init_required=False)
    return engine


def _agree_with_nobody():
    import deepspeed.runtime.zero.stage3 as stage3
    import deepspeed.runtime.zero.stage_1_and_2 as stage12

    for name, module in list(sys.modules.items()):
        for check in ("assert_ints_same_as_other_ranks", "assert_lst_len_same_as_other_ranks"):
            if name.startswith("deepspeed") and hasattr(module, check):
                setattr(module, check, lambda *_, **__: None)
    # An overflow read from what no rank sent would skip the step, and no optimizer state would ever appear.
    for kind in (stage3.DeepSpeedZeroOptimizer_Stage3, stage12.DeepSpeedZeroOptimizer):
        kind.check_overflow = lambda self, *_, **__: setattr(self, "overflow", False)
        kind.has_overflow = kind._overflow_check_and_loss_scale_update = lambda self, *_, **__: False


def cpu_optimizer(parameters):
    """DeepSpeed's own, which the Trainer takes with an offloaded optimizer; it is compiled on first use."""
    from deepspeed.ops.adam import DeepSpeedCPUAdam

    return DeepSpeedCPUAdam(parameters, lr=1e-5)
