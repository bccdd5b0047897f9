"""What a CPU stands in for when a config is put to DeepSpeed: ranks, a GPU's answers, compiled kernels, a disk that is read asynchronously.

Nothing here decides a verdict: the checks are DeepSpeed's own. A kernel that would have to compute something that is looked at
afterwards is not stood in for; the case is then not run.
"""

import os
import sys

from verdict import NotRun

# Kernels whose work nobody looks at: optimizers' own constructors and arguments are what raises.
SILENT_KERNELS = {
    "create_adam", "destroy_adam", "adam_update", "adam_update_copy", "adam_rollback",
    "create_lion", "destroy_lion", "lion_update", "lion_update_copy",
    "create_adagrad", "destroy_adagrad", "adagrad_update", "adagrad_update_copy",
    "multi_tensor_adam", "multi_tensor_lion", "multi_tensor_l2norm", "multi_tensor_scale", "lamb",
    "initialize", "get_rank", "get_world_size", "vector_kernel_level",
}  # fmt: skip


class Kernels:
    """A compiled extension; what is not known to be harmless ends the case as not run."""

    def __init__(self, name):
        self._name = name

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        if name in ("aio_handle", "gds_handle"):
            return Disk
        if name in SILENT_KERNELS:
            return take_numbers
        raise NotRun(f"needs the compiled kernel {self._name}.{name}")


def take_numbers(*given, **_):
    """As the compiled functions do: a text where a number belongs is refused."""
    for value in given:
        if isinstance(value, str):
            raise TypeError(f"incompatible function arguments: {value!r} is no number")
    return 0


class Disk:
    """DeepSpeed's asynchronous reads and writes, done at once and without a disk."""

    def __init__(self, block_size=1048576, queue_depth=8, single_submit=False, overlap_events=True, intra_op_parallelism=1, **_):
        self._block_size, self._threads, self._pending = block_size, intra_op_parallelism, 0

    def get_block_size(self):
        return self._block_size

    def get_intra_op_parallelism(self):
        return self._threads

    def get_alignment(self):
        return self._threads * 512

    def is_pinned(self, _):
        return True

    def new_cpu_locked_tensor(self, size, tensor):
        return tensor.new_zeros(size)

    def free_cpu_locked_tensor(self, _):
        return True

    def async_pread(self, *_):
        self._pending += 1
        return 0

    async_pwrite = async_pread

    def sync_pread(self, *_):
        return 1

    sync_pwrite = sync_pread
    read = write = pread = pwrite = sync_pread

    def wait(self):
        done, self._pending = self._pending, 0
        return done


def fake_kernels():
    """Called once, before any case: nothing is compiled."""
    from deepspeed.ops.op_builder import builder

    for owner in _subclasses(builder.OpBuilder) | {builder.OpBuilder}:
        owner.load = lambda self, verbose=True: Kernels(getattr(self, "name", type(self).__name__))
        owner.is_compatible = lambda self, verbose=False: True
    # DeepSpeedCPUAdam asks subprocesses for the processor's name each time.
    import cpuinfo

    answer = cpuinfo.get_cpu_info()
    cpuinfo.get_cpu_info = lambda: answer


def _subclasses(owner):
    found = set(owner.__subclasses__())
    for each in list(found):
        found |= _subclasses(each)
    return found


def fake_ranks(world, rank=0):
    """One rank of a process group of any size whose other ranks do not exist; collectives do nothing."""
    import torch
    from torch.testing._internal.distributed.fake_pg import FakeStore

    local = min(world, 8) if world % min(world, 8) == 0 else 1
    os.environ.update(
        RANK=str(rank),
        LOCAL_RANK=str(rank % local),
        WORLD_SIZE=str(world),
        LOCAL_WORLD_SIZE=str(local),
        CROSS_RANK="0",
        CROSS_SIZE=str(world // local),
        LOCAL_SIZE=str(local),
        MASTER_ADDR="127.0.0.1",
        MASTER_PORT="29500",
    )
    torch.distributed.init_process_group("fake", rank=rank, world_size=world, store=FakeStore())
    from deepspeed import comm
    from deepspeed.accelerator import get_accelerator

    accelerator = get_accelerator()
    accelerator.is_fp16_supported = lambda: True
    accelerator.is_bf16_supported = lambda: True
    accelerator.device_count = lambda: local
    comm.init_distributed(dist_backend="fake", auto_mpi_discovery=False, verbose=False)


def fake_accelerate_ranks(mode):
    """Accelerate takes the group that is there, on the CPU, and believes in the GPU that a `mode` run would have."""
    import torch
    from accelerate.state import PartialState
    from accelerate.utils import DistributedType

    def on_cpu(self):
        self.device = torch.device("cpu")

    PartialState._prepare_backend = lambda self, *_, **__: ("nccl", DistributedType[mode])
    PartialState.set_device = on_cpu
    from accelerate import accelerator, state

    for owner in (accelerator, state):
        for name in ("is_bf16_available", "is_fp16_available"):
            if hasattr(owner, name):
                setattr(owner, name, lambda *_, **__: True)
    from transformers import training_args

    training_args.is_torch_bf16_gpu_available = lambda: True
    training_args.is_torch_tf32_available = lambda: True
    if hasattr(training_args, "enable_tf32"):
        training_args.enable_tf32 = lambda *_: None


def tiny_model():
    """Two layers whose sizes divide by what configs divide them by."""
    import torch
    import transformers

    torch.manual_seed(0)
    return transformers.LlamaForCausalLM(
        transformers.LlamaConfig(
            vocab_size=128,
            hidden_size=64,
            intermediate_size=128,
            num_hidden_layers=2,
            num_attention_heads=8,
            num_key_value_heads=8,
            max_position_embeddings=64,
            tie_word_embeddings=False,
            pad_token_id=0,
        )
    )


class Read(dict):
    """A mapping that notes which of its keys are looked at: what never is has no effect."""

    def __init__(self, plain, path="", seen=None):
        self.seen = set() if seen is None else seen
        self.path = path
        super().__init__(
            (key, Read(value, f"{path}{key}.", self.seen) if isinstance(value, dict) else value)
            for key, value in plain.items()
        )

    def __getitem__(self, key):
        self.seen.add(f"{self.path}{key}")
        return super().__getitem__(key)

    def get(self, key, default=None):
        self.seen.add(f"{self.path}{key}")
        return super().get(key, default)

    def __contains__(self, key):
        self.seen.add(f"{self.path}{key}")
        return super().__contains__(key)

    def items(self):
        # The engine prints its whole config, which reads nothing.
        if "encode" in sys._getframe(1).f_code.co_name:
            return super().items()
        self.seen.update(f"{self.path}{key}" for key in self)
        return super().items()

    def __copy__(self):
        return self

    def unread(self):
        """Keys nobody looked at; below one of them nothing more is said."""
        found = []
        for key in self:
            value = dict.__getitem__(self, key)
            path = f"{self.path}{key}"
            if path not in self.seen:
                found.append(path)
            elif isinstance(value, Read):
                found += value.unread()
        return found
