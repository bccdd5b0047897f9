"""What a CPU stands in for when training arguments are put to the Trainer: ranks, a GPU's answers, a model, a tokenizer, data.

Nothing here decides a verdict. Each stand-in answers a question that only a machine could answer ("is bf16 supported?"), with what
the run's own hardware would say; the checks themselves are the frameworks'.
"""

import os
import tempfile
from pathlib import Path

import torch

AMPERE = (8, 0)


def fake_ranks(world, type_name):
    """Rank 0 of a process group of any size whose other ranks do not exist; collectives do nothing."""
    from accelerate.state import PartialState
    from accelerate.utils import DistributedType
    from torch.testing._internal.distributed.fake_pg import FakeStore

    os.environ.update(
        RANK="0",
        LOCAL_RANK="0",
        WORLD_SIZE=str(world),
        LOCAL_WORLD_SIZE=str(world),
        MASTER_ADDR="127.0.0.1",
        MASTER_PORT="29500",
    )
    torch.distributed.init_process_group("fake", rank=0, world_size=world, store=FakeStore())

    _REAL.update(backend=PartialState._prepare_backend, device=PartialState.set_device)

    def on_cpu(self):
        self.device = torch.device("cpu")

    PartialState._prepare_backend = lambda self, *_, **__: ("nccl", DistributedType[type_name])
    PartialState.set_device = on_cpu
    if metadata_of("deepspeed"):
        from deepspeed import comm

        # Its own start would build a C++ extension first.
        comm.is_initialized = lambda: True
        comm.get_world_size = lambda *_, **__: world
        comm.get_rank = lambda *_, **__: 0


def metadata_of(package):
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


_REAL = {}


def one_real_process():
    """Back from `fake_ranks` to a single process, in which a step can really be made."""
    from accelerate.state import AcceleratorState, PartialState

    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
    for name in ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE"):
        os.environ.pop(name, None)
    PartialState._prepare_backend, PartialState.set_device = _REAL["backend"], _REAL["device"]
    AcceleratorState._reset_state(reset_partial_state=True)


def pretend_world_size(world):
    """Makes checks that only read `args.world_size` see this many ranks; None ends it."""
    from transformers import TrainingArguments

    _REAL.setdefault("world_size", TrainingArguments.world_size)
    TrainingArguments.world_size = _REAL["world_size"] if world is None else property(lambda self: world)


def fake_gpu(capability):
    """transformers' questions about the GPU, answered as a GPU of this compute capability (None: no GPU) would."""
    from transformers import training_args

    present = capability is not None
    # torch says yes to bf16 on any CUDA GPU from Volta on, since it emulates it (torch/cuda/__init__.py is_bf16_supported).
    training_args.is_torch_bf16_gpu_available = lambda: present
    training_args.is_torch_tf32_available = lambda: present and tuple(capability) >= AMPERE
    if hasattr(training_args, "enable_tf32"):
        training_args.enable_tf32 = lambda *_: None
    # Asked by FSDP's plugin for the device its empty parameters are made on.
    import accelerate.utils.dataclasses as plugins

    plugins.is_cuda_available = lambda *_: present
    torch.cuda.current_device = lambda: 0


def scale_losses(trainer):
    """What accelerate makes for fp16 on a GPU; on a CPU it leaves the loss unscaled (accelerator.py, mixed_precision == "fp16")."""
    trainer.accelerator.scaler = torch.amp.GradScaler("cpu")
    trainer.accelerator.native_amp = True


def stub_low_rank_packages():
    """GaLore and APOLLO are there in name: transformers checks its arguments before it makes an optimizer of theirs."""
    import sys
    import types

    try:
        from transformers import trainer_optimizer as owner
    except ImportError:
        from transformers import trainer as owner

    class LowRank(torch.optim.AdamW):
        def __init__(self, params, **options):
            known = [{key: value for key, value in group.items() if key == "params"} for group in params]
            super().__init__(known, lr=options.get("lr", 1e-3))

    for package, names in {
        "galore_torch": ("GaLoreAdafactor", "GaLoreAdamW", "GaLoreAdamW8bit"),
        "apollo_torch": ("APOLLOAdamW",),
    }.items():
        sys.modules[package] = types.SimpleNamespace(**{name: LowRank for name in names})
        setattr(owner, f"is_{package}_available", lambda: True)


def start_vllm(arguments, accelerator, world):
    """TRL's own start of vLLM, without vLLM: its checks come before the engine."""
    import types

    from trl.generation import vllm_generation

    vllm_generation.is_vllm_available = lambda *_: True
    vllm_generation.is_bitsandbytes_available = lambda *_: False
    ranks = types.SimpleNamespace(
        num_processes=world, process_index=0, local_process_index=0, is_main_process=False, device=torch.device("cpu")
    )
    generation = object.__new__(vllm_generation.VLLMGeneration)
    generation.__dict__.update(
        model=torch.nn.Identity(),
        accelerator=ranks,
        mode=arguments.vllm_mode,
        tensor_parallel_size=arguments.vllm_tensor_parallel_size,
        server_base_url=None,
    )
    try:
        generation._init_vllm()
    except (NameError, AttributeError):
        # The engine itself: past every check.
        return


def tiny_model(folder, architecture="LlamaForCausalLM", labels=1):
    """A model of two layers and its tokenizer, saved where `from_pretrained` finds them."""
    import transformers

    config = transformers.LlamaConfig(
        vocab_size=64,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=128,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        num_labels=labels,
    )
    getattr(transformers, architecture)(config).save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    return str(folder)


def tokenizer():
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = ["<pad>", "<s>", "</s>", "<unk>"] + [f"w{number}" for number in range(60)]
    backend = Tokenizer(models.WordLevel({word: number for number, word in enumerate(words)}, unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    made = PreTrainedTokenizerFast(
        tokenizer_object=backend, pad_token="<pad>", bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    )
    made.chat_template = (
        "{% for m in messages %}{% generation %}{{ m['content'] }} </s> {% endgeneration %}{% endfor %}"
    )
    return made


def dataset(method):
    """Two samples in the columns that a trainer reads."""
    from datasets import Dataset

    words = "w1 w2 w3 w4 w5 w6"
    columns = {
        "sft": {"text": [words, words]},
        "dpo": {"prompt": ["w1", "w2"], "chosen": [" w3 w4", " w5"], "rejected": [" w6", " w7 w8"]},
        "reward": {"chosen": ["w1 w3 w4", "w2 w5"], "rejected": ["w1 w6", "w2 w7 w8"]},
        "kto": {"prompt": ["w1", "w2"], "completion": [" w3 w4", " w5"], "label": [True, False]},
        "grpo": {"prompt": ["w1 w2", "w3"]},
    }
    row = list(range(4, 12))
    plain = {"input_ids": [row, row], "attention_mask": [[1] * 8] * 2, "labels": [row, row]}
    return Dataset.from_dict(columns.get(method, plain))


_saved = {}


def saved_model(architecture):
    """The folder of the tiny model, made once: cases run in children forked after this module is imported."""
    if architecture not in _saved:
        folder = Path(tempfile.mkdtemp(prefix="shardlens-tiny-"))
        _saved[architecture] = tiny_model(folder, architecture)
    return _saved[architecture]
